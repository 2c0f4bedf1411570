// credentials/login-choice.js: the ways to log in at a vendor as a list to choose from, and what pays for it.

import { byId, el } from "../shared/dom.js";
import { WORDS } from "./strings.js";

export class LoginChoice extends EventTarget {
  // `id`: of an empty element; the ids of what it gets begin with it.
  constructor(id) {
    super();
    this.id = id;
    this.logins = [];
    byId(id).addEventListener("change", (event) => { if (event.target.type === "radio") this.changed(); });
  }

  get chosen() {
    const key = byId(this.id).querySelector("input:checked")?.value;
    return this.logins.find((login) => login.key === key) ?? null;
  }

  // As the server takes it.
  get value() { return { method: this.chosen?.key ?? "", mode: this.chosen?.modes.length ? this.modeField.value : "" }; }

  get modeField() { return byId(`${this.id}-mode`); }

  // `logins` of /api/providers/; refused ones stand there with their reason.
  show(logins, mode = "") {
    this.logins = logins;
    const usual = logins.find((login) => !login.refusal);
    byId(this.id).replaceChildren(
      el("fieldset", { class: "options" }, el("legend", {}, WORDS.login.method), ...logins.map((login) => this.option(login, login === usual))),
      el("div", { class: "form__row", id: `${this.id}-mode-row` }, el("label", { for: `${this.id}-mode` }, WORDS.login.modeLabel),
        el("select", { class: "input", id: `${this.id}-mode` })));
    this.changed(mode);
  }

  option(login, isChosen) {
    const id = `${this.id}-${login.key}`;
    const notes = [login.refusal || login.notes, login.refusal ? "" : login.warning].filter(Boolean).join(" ");
    return el("div", { class: "option" },
      el("input", {
        type: "radio", name: `${this.id}-method`, id, value: login.key, checked: isChosen, disabled: Boolean(login.refusal),
        "aria-describedby": notes ? `${id}-notes` : null,
      }),
      el("label", { class: "option__label", for: id }, login.label),
      notes ? el("p", { class: "form__help option__notes", id: `${id}-notes` }, notes) : "");
  }

  changed(mode = "") {
    const modes = this.chosen?.modes ?? [];
    byId(`${this.id}-mode-row`).hidden = modes.length === 0;
    const kept = mode || this.modeField.value;
    this.modeField.replaceChildren(...modes.map((key) => el("option", { value: key }, WORDS.modes[key] ?? key)));
    if (modes.includes(kept)) this.modeField.value = kept;
    this.dispatchEvent(new Event("change"));
  }
}
