// thread/thread.js: the messages of the shown branch, as far as they are drawn; live runs.

import { api } from "../shared/api.js";
import { byId, toast } from "../shared/dom.js";
import { FollowedRuns } from "./followed-runs.js";
import { Message, isOver } from "./message.js";
import { ThreadPages } from "./pages.js";
import { EndKeeper } from "./scroll.js";

export class Thread {
  constructor(socket) {
    this.socket = socket;
    this.list = byId("messages");
    this.scroller = byId("thread");
    this.end = new EndKeeper(this.scroller, this.list, byId("latest"), () => this.toEnd());
    this.pages = new ThreadPages(this);
    this.runs = new FollowedRuns(socket);
    this.conversationId = "";
  }

  get views() { return [...this.list.children].map((node) => node.message); }
  get last() { return this.list.lastElementChild?.message ?? null; }

  // Messages of a conversation's shown branch; infinite while it is not drawn.
  lengthOf(id) { return id === this.conversationId ? (this.last?.message.depth ?? -1) + 1 : Infinity; }

  // The one that is being written; else the last that waits.
  get activeRun() {
    const active = this.views.map((view) => view.message.run).filter((run) => run && !isOver(run));
    return active.find((run) => run.status === "running") ?? active.at(-1) ?? null;
  }

  clear() {
    this.list.replaceChildren();
    this.list.classList.remove("messages--measured");
    this.runs.clear();
    this.pages.clear();
    this.conversationId = "";
  }

  async open(conversationId) {
    const page = await api("GET", `/api/conversations/${conversationId}/messages/`);
    this.clear();
    this.conversationId = conversationId;
    this.showPage(page);
    this.end.toEnd();
    this.follow();
  }

  // After a reconnect: what was asked elsewhere meanwhile is on the stored page only.
  async refresh() {
    const { conversationId, last } = this;
    if (!conversationId) return;
    const page = await api("GET", `/api/conversations/${conversationId}/messages/`);
    if (this.conversationId !== conversationId || this.last !== last || this.pages.hasNewer) return; // newer already, or read far above
    if (page.messages.at(-1)?.id === last?.id) return;
    this.showPage(page);
    this.end.grew();
    this.follow();
  }

  showPage(page) {
    this.list.replaceChildren();
    this.runs.clear();
    for (const message of page.messages) this.add(message);
    this.pages.drawn(page);
  }

  // Where it goes on, from however far above.
  async toEnd() {
    if (this.pages.hasNewer) await this.open(this.conversationId).catch((error) => toast(error.message));
    else this.end.toEnd();
  }

  // Another version of a message: its foot, where the person clicked, stays where it was.
  showVersion(page, view, id) {
    const foot = () => (view.node.isConnected ? view : this.find(id))?.foot;
    this.end.hold(this.list, foot, () => this.showPage(page));
    this.follow();
    return this.find(id);
  }

  make(message) {
    const view = new Message(message);
    this.runs.begin(message.run, view);
    return view;
  }

  add(message) {
    this.list.append(this.make(message).node);
  }

  find(id) { return this.views.find((view) => view.id === id) ?? null; }

  // After a reconnect or a page load: from where we are in each run.
  follow() {
    if (!this.conversationId) return;
    this.socket.send({ type: "follow", conversation_id: this.conversationId, positions: this.runs.positions() });
    this.mark();
  }

  accepted({ conversation, question, answer }, isMine) {
    this.conversationId = conversation.id;
    if (this.pages.hasNewer && !this.find(question.id) && !this.find(question.parent_id)) {
      this.pages.unseen += 1;
      if (isMine) this.toEnd();
      return; // it is said far below what is read
    }
    if (!this.find(question.id)) {
      const isElsewhere = question.parent_id && this.last && !this.find(question.parent_id); // another branch
      if (isElsewhere) { this.open(conversation.id).catch((error) => toast(error.message)); return; }
      this.cutAfter(question.parent_id);
      this.add(question);
    } else this.cutAfter(question.id);
    if (!this.find(answer.id)) this.add(answer);
    this.pages.ends(true);
    if (isMine) this.end.toEnd();
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
    for (const event of events.slice(run.seq + 1 - first)) run.view.apply(event);
    run.epoch = epoch;
    run.seq = last;
  }

  rewind({ run_id }) {
    const run = this.runs.get(run_id);
    run?.view.rewind();
    if (run) { Object.assign(run, { epoch: 0, seq: 0, acked: 0 }); this.follow(); }
  }

  run(run) {
    const view = this.runs.get(run.id)?.view ?? this.find(run.answer_id);
    if (!view) return;
    this.runs.begin(run, view);
    view.showRun(run);
    this.mark();
  }

  intent(intent) {
    const view = this.runs.get(intent.run_id)?.view ?? this.views.find((one) => one.message.run?.id === intent.run_id);
    view?.answer?.putIntent(intent);
  }

  message(message) {
    this.find(message.id)?.show(message);
    if (message.run && isOver(message.run)) this.runs.end(message.run.id);
    this.mark();
  }

  mark() {
    this.list.parentElement.setAttribute("aria-busy", String(Boolean(this.activeRun)));
    this.list.dispatchEvent(new Event("maestro:runs", { bubbles: true }));
  }
}
