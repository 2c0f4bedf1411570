// context/search.js: the panel's search: asks the server, which also knows the parts that
// are not listed, and shows what it found instead of the list's other parts.

import { api } from "../shared/api.js";
import { byId, toast } from "../shared/dom.js";
import { foundWords } from "../shared/found-words.js";
import { say } from "../shared/strings.js";
import { chunkNode, domId } from "./chunk.js";
import { CONTEXT } from "./strings.js";

const PAUSE_MS = 200;

export class ContextSearch {
  constructor(panel) {
    this.panel = panel;
    this.box = byId("context-search");
    this.hits = null; // Map of id → {text, marks}; null: nothing is looked for
    this.box.addEventListener("input", () => this.soon());
  }

  soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.ask().catch((error) => toast(error.message)), this.box.value.trim() ? PAUSE_MS : 0);
  }

  clear() {
    this.box.value = "";
    this.hits = null;
    this.show();
  }

  async ask() {
    const { id } = this.panel;
    const query = this.box.value.trim();
    if (!query || !id) { this.hits = null; this.show(); return; }
    const parameters = new URLSearchParams({ q: query, tools: this.panel.page.options().tools ? "1" : "0" });
    const { hits } = await api("GET", `/api/conversations/${id}/context/?${parameters}`);
    if (id !== this.panel.id || query !== this.box.value.trim()) return; // they typed on
    this.hits = new Map(hits.map((hit) => [hit.chunk.id, hit]));
    this.show();
  }

  // Also after every change of the list.
  show() {
    const { list } = this.panel;
    list.classList.toggle("context__chunks--found", Boolean(this.hits)); // a part of the list has no order
    for (const node of list.querySelectorAll("[data-only-found]")) if (!this.holds(node)) node.remove();
    for (const node of list.children) {
      const hit = this.hits?.get(node.chunk.id);
      node.hidden = Boolean(this.hits) && !hit;
      this.mark(node, hit);
    }
    for (const hit of this.hits?.values() ?? []) {
      const known = byId(domId(hit.chunk.id));
      if (known && !("onlyFound" in known.dataset)) continue;
      const node = known ?? chunkNode(hit.chunk);
      if (known) this.panel.redraw(node, hit.chunk);
      else list.append(node);
      node.dataset.onlyFound = "";
      node.dataset.tokens = 0; // it is counted among the older ones
      this.mark(node, hit);
    }
    const told = byId("context-found");
    told.hidden = !this.hits;
    told.textContent = this.hits ? say(this.hits.size ? CONTEXT.found : CONTEXT.foundNone, { n: this.hits.size }) : "";
  }

  // A part that stands in the list only because it was found. It stays the same node while
  // it is found: somebody may be in it.
  holds(node) { return "onlyFound" in node.dataset && Boolean(this.hits?.has(node.chunk.id)); }

  mark(node, hit) {
    const preview = node.querySelector(".chunk__preview");
    if (hit) preview.replaceChildren(...foundWords(hit));
    else if (preview.querySelector("mark")) preview.textContent = node.chunk.preview;
  }
}
