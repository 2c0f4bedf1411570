// context/exact.js: the exact request beside the conversation, for as long as somebody looks:
// it follows the question that is being typed and every change of the context.

import { byId, el, toast } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { CONTEXT } from "./strings.js";

const PAUSE_MS = 350;

export class ExactRequest {
  constructor(panel) {
    this.panel = panel;
    this.node = byId("exact-view");
    this.asked = 0; // a late answer is not drawn over a newer one
    byId("context-exact").addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    byId("exact-close").addEventListener("click", () => { this.close(); byId("context-exact").focus(); });
    byId("exact-count").addEventListener("click", () => this.count().catch((error) => { byId("exact-counted").textContent = error.message; }));
    byId("question").addEventListener("input", () => this.soon());
    byId("context-search").addEventListener("input", () => this.close()); // what is found is in the list
  }

  get isOpen() { return !this.node.hidden; }

  async open() {
    try {
      if (!this.panel.id) await this.panel.page.begin();
      for (const id of ["exact-heading", "exact-counted", "exact-diff", "exact-body"]) byId(id).textContent = "";
      this.show(true); // from here on it follows what is typed
      byId("exact-close").focus();
      await this.refresh();
    } catch (error) { this.close(); toast(error.message); }
  }

  close() {
    if (!this.isOpen) return;
    clearTimeout(this.waiting);
    this.asked += 1;
    this.show(false);
  }

  show(isOpen) {
    this.node.hidden = !isOpen;
    byId("context-list").hidden = isOpen;
    byId("context-exact").setAttribute("aria-pressed", String(isOpen));
    document.body.classList.toggle("has-exact", isOpen);
  }

  // Something is different. Nothing of it is asked of the vendor.
  soon() {
    if (!this.isOpen) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.refresh().catch((error) => { byId("exact-counted").textContent = error.message; }), PAUSE_MS);
  }

  async refresh() { this.draw(await this.ask({})); }

  // By the vendor, when a person wants to know.
  async count() {
    const button = byId("exact-count");
    button.disabled = true;
    byId("exact-counted").textContent = CONTEXT.counting;
    const found = await this.ask({ count: true }).finally(() => { button.disabled = false; });
    if (!found) return;
    this.draw(found);
    byId("exact-counted").textContent = say(found.counted === null ? CONTEXT.notCounted : CONTEXT.counted, { n: count(found.counted ?? 0), about: count(found.tokens) });
  }

  // The answer, or null when it is not the newest any more.
  async ask(fields) {
    this.asked += 1;
    const mine = this.asked;
    const { page } = this.panel; // its options are what goes with the question
    const found = await this.panel.act("POST", "preview/", { text: page.draft(), ...page.options(), ...fields });
    return mine === this.asked ? found : null;
  }

  draw(found) {
    if (!found) return;
    const body = JSON.stringify(found.body, null, 2);
    byId("exact-heading").textContent = say(CONTEXT.exact, { provider: `${found.provider}, ${found.model}`, n: count(found.tokens) });
    byId("exact-count").hidden = !found.can_count;
    if (byId("exact-body").textContent === body) return; // what was counted is still true
    byId("exact-counted").textContent = "";
    byId("exact-body").textContent = body;
    const lines = found.difference.map((line) => el("span", { class: lookOf(line) }, `${line}\n`));
    const none = found.compared_with ? CONTEXT.same : CONTEXT.noLast;
    byId("exact-diff").replaceChildren(...(lines.length ? lines : [none]));
  }
}

const lookOf = (line) => ({ "+": "diff__new", "-": "diff__old", "@": "diff__place" })[line[0]] ?? "";
