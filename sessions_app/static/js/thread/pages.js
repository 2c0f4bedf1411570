// thread/pages.js: which part of a long conversation is drawn: its end, with older pages
// above as somebody scrolls, or pages around a message far above, with newer ones below.

import { api } from "../shared/api.js";
import { byId, toast } from "../shared/dom.js";

const PAGE = 50;
const NEAR = 200; // pixels from an edge at which the next page is fetched

export class ThreadPages {
  constructor(thread) {
    this.thread = thread;
    this.olderButton = byId("older");
    this.newerButton = byId("newer");
    this.loading = {};
    this.unseen = 0; // what was asked below, while that is not drawn
    this.olderButton.addEventListener("click", () => this.older());
    this.newerButton.addEventListener("click", () => this.newer());
    const { scroller } = thread;
    scroller.addEventListener("scroll", () => {
      if (scroller.scrollTop < NEAR && !this.olderButton.hidden) this.older();
      if (thread.end.away < NEAR && this.hasNewer) this.newer();
    });
  }

  // The conversation goes on below what is drawn.
  get hasNewer() { return !this.newerButton.hidden; }

  clear() { this.drawn({ has_more: false }); }

  // This page is all that is drawn now.
  drawn({ has_more, has_newer = false }) {
    this.olderButton.hidden = !has_more;
    this.ends(!has_newer);
  }

  // Whether the last message that is drawn is the last one there is.
  ends(isEnd) {
    this.newerButton.hidden = isEnd;
    this.thread.end.part(!isEnd);
  }

  get(query) { return api("GET", `/api/conversations/${this.thread.conversationId}/messages/${query}`); }

  older() { return this.once("older", (isHere) => this.takeOlder(isHere)); }
  newer() { return this.once("newer", (isHere) => this.takeNewer(isHere)); }

  // One page at a time. `isHere` of a job: the same messages are still drawn.
  once(side, take) {
    const { conversationId } = this.thread;
    const first = this.thread.list.firstElementChild;
    const isHere = () => this.thread.conversationId === conversationId && first?.isConnected;
    this.loading[side] ??= take(isHere).catch((error) => toast(error.message)).finally(() => { this.loading[side] = null; });
    return this.loading[side];
  }

  async takeOlder(isHere) {
    const { thread } = this;
    const { depth } = thread.list.firstElementChild.message.message;
    const page = await this.get(`?before_depth=${depth}&limit=${PAGE}`);
    if (!isHere()) return; // they went elsewhere meanwhile
    const before = thread.scroller.scrollHeight - thread.scroller.scrollTop;
    thread.list.prepend(...page.messages.map((message) => thread.make(message).node));
    thread.scroller.scrollTop = thread.scroller.scrollHeight - before;
    this.olderButton.hidden = !page.has_more;
  }

  async takeNewer(isHere) {
    const { thread, unseen } = this;
    const { id, message: { depth } } = thread.last;
    const page = await this.get(`?after_depth=${depth}&limit=${PAGE}`);
    if (!isHere() || thread.last?.id !== id) return;
    if (page.messages.length && page.messages[0].parent_id !== id) { await thread.open(thread.conversationId); return; } // another branch is shown now
    for (const message of page.messages) thread.add(message);
    const isEnd = !page.has_newer && unseen === this.unseen;
    this.ends(isEnd);
    if (isEnd) thread.follow();
  }

  // Instead of what is drawn: the messages around this one. Nothing, where it is on
  // another branch than the one that is shown.
  async around(id) {
    const { thread } = this;
    const { conversationId } = thread;
    const page = await this.get(`?around=${id}&limit=${PAGE}`);
    if (thread.conversationId !== conversationId || !page.messages.length) return;
    thread.showPage(page);
    thread.follow();
  }
}
