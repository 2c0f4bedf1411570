// chat/effort.js: how much the model may think about the next questions; remembered in this
// browser. Not offered where the list says that the model does not reason.

import { byId } from "../shared/dom.js";

const KEY = "maestro.effort";

export class Effort extends EventTarget {
  constructor(picker) {
    super();
    this.picker = picker;
    this.select = byId("effort");
    this.select.value = localStorage.getItem(KEY) ?? "";
    if (this.select.selectedIndex < 0) this.select.value = ""; // a word that is no more
    this.select.addEventListener("change", () => {
      localStorage.setItem(KEY, this.select.value);
      this.dispatchEvent(new Event("change"));
    });
    for (const what of ["change", "listed"]) picker.addEventListener(what, () => this.show());
  }

  show() { this.select.hidden = !this.isFor(this.picker.choice); }

  isFor(choice) { return this.picker.facts(choice)?.reasons !== false; }

  // What goes with a question to this model; null: the vendor's usual.
  of(choice) { return (this.isFor(choice) && this.select.value) || null; }
}
