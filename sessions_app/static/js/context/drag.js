// context/drag.js: parts of the context are put in order by dragging their handle, with a
// mouse, a pen or a finger. The list itself stays as the server says until the part is
// dropped: what others change meanwhile is drawn as ever.

import { byId, el, toast } from "../shared/dom.js";
import { between, canMove, places } from "./order.js";

const SLACK = 4; // pixels before a press is a drag
const EDGE = 48; // pixels from the list's end where it scrolls by itself
const FASTEST = 14; // pixels a frame
const GAP = 4; // half of the room between two parts

export class ChunkDrag {
  constructor(panel) {
    this.panel = panel;
    this.list = panel.list;
    this.scroller = byId("context-list");
    this.mark = el("div", { class: "context__mark", "aria-hidden": "true" });
    this.mark.hidden = true;
    this.scroller.append(this.mark);
    this.held = null;
    this.list.addEventListener("pointerdown", (event) => this.press(event));
    this.list.addEventListener("pointermove", (event) => { if (event.pointerId === this.held?.pointerId) this.to(event.clientY); });
    this.list.addEventListener("pointerup", (event) => { if (event.pointerId === this.held?.pointerId) this.drop(); });
    for (const lost of ["pointercancel", "lostpointercapture"]) this.list.addEventListener(lost, () => this.cancel());
    // Before anything else hears of it: Escape also closes the panel.
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.held) return;
      event.stopImmediatePropagation();
      event.preventDefault();
      this.cancel();
    }, { capture: true });
  }

  press(event) {
    const node = event.target.closest(".chunk__handle")?.closest("li");
    if (!node || event.button !== 0 || !event.isPrimary || this.panel.search.hits || !canMove(node.chunk)) return;
    event.preventDefault(); // no text is selected
    // The list holds the pointer: the handle may be drawn anew meanwhile.
    this.list.setPointerCapture(event.pointerId);
    this.held = { pointerId: event.pointerId, node, from: event.clientY, y: event.clientY, top: this.scroller.scrollTop, shift: 0, slot: null, isMoving: false };
  }

  to(y) {
    const { held } = this;
    held.y = y;
    if (!held.isMoving && Math.abs(y - held.from) >= SLACK) this.lift();
  }

  lift() {
    const { held } = this;
    held.isMoving = true;
    held.isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    held.node.classList.add("chunk--held");
    this.scroller.classList.add("context__list--dragging");
    this.frame = requestAnimationFrame(() => this.roll());
  }

  // Near an end of the list it scrolls on, for as long as the pointer stays there. The
  // list may also change under a pointer that rests.
  roll() {
    const { y } = this.held;
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const over = Math.max(0, top + EDGE - y) - Math.max(0, y - bottom + EDGE);
    if (over) this.scroller.scrollTop -= Math.sign(over) * Math.min(FASTEST, Math.ceil(Math.abs(over) / 4));
    this.look();
    if (this.held) this.frame = requestAnimationFrame(() => this.roll());
  }

  // Where it would go, from where the pointer is.
  look() {
    const { held } = this;
    if (!held.node.isConnected) { this.cancel(); return; } // somebody deleted it
    if (!held.isStill) this.follow();
    const all = places(this.list, held.node.chunk);
    const others = all.filter((node) => node !== held.node);
    const middle = (node) => { const { top, height } = node.getBoundingClientRect(); return top + height / 2; };
    const found = others.findIndex((node) => middle(node) > held.y);
    const at = found < 0 ? others.length : found;
    held.slot = at === all.indexOf(held.node) ? null : { before: others[at - 1], after: others[at] };
    this.show(held.slot);
  }

  // The part moves with the pointer, within the list: beyond it there would be more and
  // more to scroll to.
  follow() {
    const { held } = this;
    const list = this.list.getBoundingClientRect();
    const node = held.node.getBoundingClientRect();
    const wanted = held.y - held.from + this.scroller.scrollTop - held.top;
    const least = list.top - node.top + held.shift;
    const most = list.bottom - node.bottom + held.shift;
    held.shift = Math.min(Math.max(wanted, least), most);
    held.node.style.transform = `translateY(${held.shift}px)`;
  }

  show(slot) {
    this.mark.hidden = !slot;
    if (!slot) return;
    const edge = slot.after ? slot.after.getBoundingClientRect().top - GAP : slot.before.getBoundingClientRect().bottom + GAP;
    this.mark.style.insetBlockStart = `${edge - this.scroller.getBoundingClientRect().top + this.scroller.scrollTop}px`;
  }

  drop() {
    if (this.held.isMoving) this.look(); // what others did meanwhile counts
    const { slot, node } = this.held ?? {};
    this.cancel();
    if (slot) this.panel.put(node.chunk, between(slot.before?.chunk, slot.after?.chunk)).catch((error) => toast(error.message));
  }

  // Everything is as it was.
  cancel() {
    const { held } = this;
    if (!held) return;
    this.held = null;
    cancelAnimationFrame(this.frame);
    if (this.list.hasPointerCapture(held.pointerId)) this.list.releasePointerCapture(held.pointerId);
    held.node.classList.remove("chunk--held");
    held.node.style.transform = "";
    this.scroller.classList.remove("context__list--dragging");
    this.mark.hidden = true;
  }
}
