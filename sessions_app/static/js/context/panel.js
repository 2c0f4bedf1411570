// context/panel.js: the list of what is sent with the next message, live over the socket.
// Whoever changes something gets what became different in the same way as everybody else.

import { api } from "../shared/api.js";
import { ask } from "../shared/dialogs.js";
import { byId, toast } from "../shared/dom.js";
import { STRINGS, say } from "../shared/strings.js";
import { chunkNode, domId, drawChunk } from "./chunk.js";
import { ContextDialogs } from "./dialogs.js";
import { ChunkDrag } from "./drag.js";
import { ExactRequest } from "./exact.js";
import { ContextFiles } from "./files.js";
import { drawGauge } from "./gauge.js";
import { stepped } from "./order.js";
import { ContextSearch } from "./search.js";
import { CONTEXT } from "./strings.js";

const NEAR = 0.5; // of the window: from here on the gauge is looked at without the panel, too
const SETTLE_MS = 150;
const LONG = 10_000; // messages: seconds of work to count, so not for everybody who only opens them

export class ContextPanel {
  // `page`: {options(), draft(), length() of what is shown, begin() → id of a new conversation}
  constructor(socket, page) {
    this.socket = socket;
    this.page = page;
    this.id = null;
    this.gauge = null;
    this.node = byId("context-panel");
    this.list = byId("context-chunks");
    this.dialogs = new ContextDialogs(this);
    byId("context-toggle").addEventListener("click", () => this.toggle());
    byId("context-close").addEventListener("click", () => this.toggle(false));
    this.search = new ContextSearch(this);
    this.files = new ContextFiles(this);
    this.exact = new ExactRequest(this);
    this.drag = new ChunkDrag(this);
    byId("context-back").addEventListener("click", () => this.act("POST", "bring-back/"));
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) this.does(button.dataset.do, button.closest("li").chunk).catch((error) => toast(error.message));
    });
    byId("question").addEventListener("input", () => { if (!this.isAsked) this.ask(); });
    this.node.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); this.escape(); } });
    socket.addEventListener("frame", ({ detail }) => this.frame(detail));
    socket.addEventListener("ready", () => this.changed());
  }

  get isOpen() { return !this.node.hidden; }

  toggle(isOpen = !this.isOpen) {
    this.drag.cancel();
    this.node.hidden = !isOpen;
    byId("context-toggle").setAttribute("aria-expanded", String(isOpen));
    document.body.classList.toggle("has-context", isOpen);
    if (!isOpen) this.exact.close();
    if (isOpen) { this.ask(); byId("context-close").focus(); } else byId("context-toggle").focus();
  }

  // What was opened last is closed first.
  escape() {
    if (this.exact.isOpen) byId("exact-close").click();
    else this.toggle(false);
  }

  // Another conversation is shown; "" is a new one.
  open(id) {
    if (id === this.id) return;
    this.drag.cancel();
    const isFirst = !this.id; // what was typed meanwhile is looked for now
    this.id = id || null;
    byId("attach-status").hidden = true;
    this.gauge = null;
    this.isAsked = false;
    this.list.replaceChildren();
    if (isFirst) this.search.soon(); else this.search.clear();
    this.exact.close();
    this.empty();
    byId("context-warning").hidden = true;
    byId("context-meter").textContent = "";
    byId("context-numbers").textContent = "";
    byId("context-used").textContent = "";
    byId("context-bar").replaceChildren();
    byId("context-legend").replaceChildren();
    this.changed();
  }

  // Something is different: ask again soon, if anybody looks or the window may be filling up.
  changed() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => { if (this.isOpen || this.isNear()) this.ask(); }, SETTLE_MS);
  }

  isNear() {
    if (!this.id) return false;
    if (!this.gauge) return this.isAsked || this.page.length(this.id) < LONG; // never looked at
    return !this.gauge.window || (this.gauge.used + this.gauge.tools) / this.gauge.window > NEAR || this.gauge.left_out > 0;
  }

  ask() {
    if (!this.id) return;
    this.isAsked = true;
    const { credential_id, model, tools } = this.page.options();
    this.socket.send({ type: "context", conversation_id: this.id, credential_id, model, tools });
  }

  frame(frame) {
    if (frame.type === "context_changed" && frame.conversation_id === null) this.changed();
    if (frame.conversation_id !== this.id || !this.id) return;
    if (frame.type === "context_changed") this.changed();
    if (frame.type === "context") this.take(frame);
  }

  take(frame) {
    if (frame.is_whole) this.replace(frame.chunks);
    else this.merge(frame.chunks, frame.removed);
    this.gauge = frame.gauge;
    drawGauge(frame.gauge);
    if (frame.is_whole) {
      byId("context-older").hidden = !frame.older;
      byId("context-older").textContent = say(CONTEXT.older, { n: frame.older, tokens: frame.older_tokens });
    }
    this.empty();
    if (frame.is_whole) this.list.dispatchEvent(new Event("maestro:context"));
    if (this.search.hits) this.search.soon();
    this.exact.soon();
  }

  // Nodes stay where they can: focus and scrolling are the person's.
  replace(chunks) {
    const wanted = new Set(chunks.map((chunk) => domId(chunk.id)));
    const isKept = (node) => wanted.has(node.id) !== this.search.holds(node); // what the search put there is no part of the list
    for (const node of [...this.list.children]) if (!isKept(node)) node.remove();
    let place = this.list.firstElementChild;
    for (const chunk of chunks) {
      const known = byId(domId(chunk.id));
      if (known) this.redraw(known, chunk);
      const node = known ?? chunkNode(chunk);
      if (node === place) place = place.nextElementSibling;
      else this.list.insertBefore(node, place);
    }
  }

  redraw(node, chunk) {
    if (JSON.stringify(node.chunk) !== JSON.stringify(chunk)) drawChunk(node, chunk);
  }

  merge(chunks, removed) {
    for (const id of removed) byId(domId(id))?.remove();
    let isMoved = false;
    for (const chunk of chunks) {
      const known = byId(domId(chunk.id));
      if (known && known.chunk.position === chunk.position) drawChunk(known, chunk);
      else isMoved = true;
    }
    if (isMoved) this.ask(); // where it belongs is the server's word
  }

  empty() { byId("context-empty").hidden = this.list.children.length > 0; }

  async does(name, chunk) {
    const change = (fields) => this.act("PATCH", `${chunk.id}/`, fields);
    if (name === "pin") await change({ pinned: !chunk.pinned });
    else if (name === "exclude") await change({ excluded: !chunk.excluded });
    else if (name === "up" || name === "down") await this.move(chunk, name === "up" ? -1 : 1);
    else if (name === "edit" || name === "show") await this.dialogs.edit(chunk, name === "show");
    else if (name === "remove") {
      const isLost = chunk.scope === "conversation" && !chunk.library_id && chunk.state === "ready";
      const sure = !isLost || (await ask({ title: CONTEXT.removeTitle, text: CONTEXT.removeText, ok: STRINGS.delete, isDanger: true }));
      if (sure) await this.act("DELETE", `${chunk.id}/`);
    }
  }

  async move(chunk, step) {
    const place = stepped(this.list, chunk, step);
    if (place) await this.put(chunk, place);
  }

  put(chunk, place) { return this.act("PATCH", `${chunk.id}/`, place); }

  async act(method, path, fields) {
    const id = this.id ?? (await this.page.begin());
    const frame = await api(method, `/api/conversations/${id}/context/${path}`, fields);
    this.taken(id, frame);
    return frame;
  }

  // What a change of ours was answered with.
  taken(id, frame) {
    if (frame.gauge && id === this.id) this.take({ ...frame, type: "context" });
  }
}
