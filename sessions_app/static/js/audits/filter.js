// audits/filter.js: which findings are shown: by severity, rule, file, and since the last time.

import { byId, el } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { AUDIT } from "./strings.js";

const FIELDS = ["severity", "rule", "file", "state"];

export class AuditFilter extends EventTarget {
  constructor() {
    super();
    this.form = byId("filter");
    this.form.addEventListener("change", () => this.dispatchEvent(new Event("change")));
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Offer what there is, with how many; what was chosen stays chosen.
  begin(rows, rules) {
    const words = { severity: AUDIT.severities, state: AUDIT.findingStates };
    for (const field of FIELDS) {
      const numbers = new Map();
      for (const row of rows) if (row[field]) numbers.set(row[field], (numbers.get(row[field]) ?? 0) + 1);
      const keys = [...numbers.keys()].sort();
      if (words[field]) keys.sort((a, b) => Object.keys(words[field]).indexOf(a) - Object.keys(words[field]).indexOf(b));
      const named = (key) => (field === "rule" ? rules[key]?.title : words[field]?.[key]) ?? key;
      const select = byId(`by-${field}`);
      const { value } = select;
      select.replaceChildren(el("option", { value: "" }, AUDIT.all),
        ...keys.map((key) => el("option", { value: key }, `${named(key)} (${count(numbers.get(key))})`)));
      select.value = numbers.has(value) ? value : "";
      if (field === "state") byId("by-state-row").hidden = keys.length === 0;
    }
  }

  fits(row) { return FIELDS.every((field) => !byId(`by-${field}`).value || byId(`by-${field}`).value === row[field]); }
}
