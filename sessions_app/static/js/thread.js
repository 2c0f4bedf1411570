// thread.js: the messages of the shown branch: pages of old ones, live runs, scrolling.

import { api } from "./api.js";
import { byId } from "./dom.js";
import { Message, isOver } from "./message.js";

const NEAR = 80; // pixels from the end that still count as "at the end"
const ACK_MS = 250;

export class Thread {
  constructor(socket) {
    this.socket = socket;
    this.list = byId("messages");
    this.scroller = byId("thread");
    this.older = byId("older");
    this.runs = new Map(); // run id → {view, epoch, seq, acked}
    this.conversationId = "";
    this.older.addEventListener("click", () => this.loadOlder());
    this.scroller.addEventListener("scroll", () => {
      if (this.scroller.scrollTop < 200 && !this.older.hidden) this.loadOlder();
    });
    setInterval(() => this.acknowledge(), ACK_MS);
  }

  get views() { return [...this.list.children].map((node) => node.message); }
  get last() { return this.list.lastElementChild?.message ?? null; }
  get activeRun() { return this.views.map((view) => view.message.run).filter((run) => run && !isOver(run)).at(-1) ?? null; }

  clear() {
    this.list.replaceChildren();
    this.runs.clear();
    this.older.hidden = true;
    this.conversationId = "";
  }

  async open(conversationId) {
    const page = await api("GET", `/api/conversations/${conversationId}/messages/`);
    this.clear();
    this.conversationId = conversationId;
    this.showPage(page);
    this.toEnd();
    this.follow();
  }

  showPage(page) {
    this.list.replaceChildren();
    this.runs.clear();
    for (const message of page.messages) this.add(message);
    this.older.hidden = !page.has_more;
  }

  async loadOlder() {
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      const depth = this.list.firstElementChild.message.message.depth;
      const page = await api("GET", `/api/conversations/${this.conversationId}/messages/?before_depth=${depth}`);
      const before = this.scroller.scrollHeight - this.scroller.scrollTop;
      this.list.prepend(...page.messages.map((message) => this.make(message).node));
      this.scroller.scrollTop = this.scroller.scrollHeight - before;
      this.older.hidden = !page.has_more;
    } finally {
      this.isLoading = false;
    }
  }

  make(message) {
    const view = new Message(message);
    if (message.run && !isOver(message.run)) this.runs.set(message.run.id, { view, epoch: 0, seq: 0, acked: 0 });
    return view;
  }

  add(message) {
    const view = this.make(message);
    this.list.append(view.node);
    return view;
  }

  find(id) { return this.views.find((view) => view.id === id) ?? null; }

  // After a reconnect or a page load: from where we are in each run.
  follow() {
    if (!this.conversationId) return;
    const positions = [...this.runs].map(([run_id, { epoch, seq }]) => ({ run_id, epoch, seq }));
    this.socket.send({ type: "follow", conversation_id: this.conversationId, positions });
    this.mark();
  }

  accepted({ conversation, question, answer }) {
    this.conversationId = conversation.id;
    const stuck = this.isAtEnd();
    if (!this.find(question.id)) {
      this.cutAfter(question.parent_id);
      this.add(question);
    } else this.cutAfter(question.id);
    if (!this.find(answer.id)) this.add(answer);
    if (stuck || this.last?.id === answer.id) this.toEnd();
    this.mark();
  }

  // What is below this message belongs to another branch now.
  cutAfter(parentId) {
    const parent = parentId ? this.find(parentId) : null;
    while (this.list.lastElementChild && this.list.lastElementChild !== parent?.node) this.list.lastElementChild.remove();
  }

  batch({ run_id, epoch, first, last, events }) {
    const run = this.runs.get(run_id);
    if (!run || last <= run.seq) return;
    if (first > run.seq + 1) { this.follow(); return; } // a gap: ask the log
    const stuck = this.isAtEnd();
    for (const event of events.slice(run.seq + 1 - first)) run.view.apply(event);
    run.epoch = epoch;
    run.seq = last;
    if (stuck) requestAnimationFrame(() => this.toEnd());
  }

  rewind({ run_id }) {
    const run = this.runs.get(run_id);
    if (!run) return;
    run.view.rewind();
    Object.assign(run, { epoch: 0, seq: 0, acked: 0 });
    this.follow();
  }

  run(run) {
    const view = this.runs.get(run.id)?.view ?? this.find(run.answer_id);
    if (!view) return;
    if (!this.runs.has(run.id) && !isOver(run)) this.runs.set(run.id, { view, epoch: 0, seq: 0, acked: 0 });
    view.showRun(run);
    this.mark();
  }

  message(message) {
    const stuck = this.isAtEnd();
    this.find(message.id)?.show(message);
    if (message.run && isOver(message.run)) this.runs.delete(message.run.id);
    if (stuck) this.toEnd();
    this.mark();
  }

  acknowledge() {
    for (const [run_id, run] of this.runs) {
      if (run.seq > run.acked && this.socket.send({ type: "ack", run_id, epoch: run.epoch, seq: run.seq })) run.acked = run.seq;
    }
  }

  mark() {
    this.list.parentElement.setAttribute("aria-busy", String(Boolean(this.activeRun)));
    this.list.dispatchEvent(new Event("maestro:runs", { bubbles: true }));
  }

  isAtEnd() { return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR; }
  toEnd() { this.scroller.scrollTop = this.scroller.scrollHeight; }
}
