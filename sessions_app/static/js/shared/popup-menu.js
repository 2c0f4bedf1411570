// shared/popup-menu.js: a small menu at a button. Arrows walk in it, Escape leads back to the button.

import { el } from "./dom.js";

const GAP = 8; // pixels to the edge of the window

export class PopupMenu {
  // `owner(id)`: the button it belongs to; the list it is in may have been drawn again.
  constructor(owner) {
    this.owner = owner;
    this.node = null;
    document.addEventListener("click", (event) => { if (!event.target.closest(".menu, [data-menu]")) this.close(); });
    addEventListener("resize", () => this.close());
  }

  // `items`: {words, call} or {words, href} of a file; `isDanger` marks what loses something.
  toggle(button, id, items) {
    const wasOpen = this.node?.dataset.id === id;
    this.close();
    if (wasOpen) return;
    this.node = el("div", { class: "menu", data: { id }, on: { keydown: (event) => this.key(event) } }, ...items.map((item) => this.item(item)));
    document.body.append(this.node);
    const box = button.getBoundingClientRect();
    const height = this.node.offsetHeight;
    const isBelow = box.bottom + height + GAP <= innerHeight || box.top < height + GAP;
    const top = isBelow ? Math.min(box.bottom, Math.max(GAP, innerHeight - height - GAP)) : box.top - height;
    this.node.style.insetBlockStart = `${top + scrollY}px`; // it moves with the page
    this.node.style.insetInlineStart = `${Math.max(GAP, box.right - this.node.offsetWidth)}px`;
    this.node.firstElementChild.focus({ preventScroll: true });
  }

  item({ words, call, href, isDanger }) {
    const look = `menu__item${isDanger ? " menu__item--danger" : ""}`;
    if (href) return el("a", { class: look, href, download: "", on: { click: () => setTimeout(() => this.close(true)) } }, words);
    return el("button", { class: look, type: "button", on: { click: () => { this.close(true); call(); } } }, words);
  }

  close(goesBack = false) {
    const id = this.node?.dataset.id;
    this.node?.remove();
    this.node = null;
    if (goesBack) this.owner(id)?.focus();
  }

  key(event) {
    if (event.key === "Escape") { event.stopPropagation(); this.close(true); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...this.node.children];
    items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
  }
}
