// thread/message.js: one question or one answer in the thread, with its actions and its facts.

import { api } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { clock } from "../shared/format.js";
import { STRINGS, say } from "../shared/strings.js";
import { mayControl, nameOf } from "../sharing/access.js";
import { AnswerBody } from "./answer-body.js";
import { again, action, trouble } from "./message-end.js";
import { facts } from "./message-facts.js";

const OVER = new Set(["done", "stopped", "failed", "interrupted"]);
export const isOver = (run) => !run || OVER.has(run.status);

export class Message {
  constructor(message) {
    this.head = el("div", { class: "message__head" });
    this.body = el("div", { class: "message__body" });
    this.foot = el("div", { class: "message__foot" });
    this.node = el("li", { class: "message", data: { messageId: message.id } },
      el("h2", { class: "visually-hidden" }), this.head, this.body, this.foot);
    this.node.message = this;
    this.show(message);
  }

  get id() { return this.message.id; }
  get isMine() { return this.message.role === "user"; }

  // The stored message, authoritative.
  show(message) {
    this.message = message;
    this.node.dataset.messageId = message.id;
    this.node.classList.toggle("message--mine", this.isMine);
    this.node.querySelector("h2").textContent = this.isMine ? nameOf(message, STRINGS.you) : (message.run?.model ?? "");
    if (this.isMine) this.showQuestion();
    else this.showAnswer();
  }

  showQuestion() {
    this.head.replaceChildren(nameOf(this.message, STRINGS.you), clock(this.message.created_at));
    this.body.textContent = this.text;
    this.foot.replaceChildren(el("div", { class: "message__actions" },
      this.versions(), action(STRINGS.copy, "copy"), action(STRINGS.edit, "edit")));
  }

  showAnswer() {
    this.answer ??= new AnswerBody(this.body);
    if (isOver(this.message.run)) this.answer.show(this.message.parts);
    this.showRun(this.message.run);
    this.loadIntents();
  }

  // Asked for once, and only where there are tool calls.
  async loadIntents() {
    const { run } = this.message;
    if (!run || this.hasIntents || !(this.answer.hasCalls || run.status === "waiting")) return;
    this.hasIntents = true;
    try {
      const { intents } = await api("GET", `/api/runs/${run.id}/intents/`);
      for (const intent of intents) this.answer.putIntent(intent);
    } catch { this.hasIntents = false; }
  }

  get text() {
    if (this.answer) return this.answer.text;
    return this.message.parts.filter((part) => part.type === "text").map((part) => part.text).join("");
  }

  apply(event) {
    this.answer.apply(event);
    if (!this.isWriting) { this.isWriting = true; this.showRun(this.message.run); }
  }

  rewind() {
    this.isWriting = false;
    this.answer.clear();
  }

  showRun(run) {
    const over = isOver(run);
    // It goes on: its log is read again from the beginning.
    if (this.message.run && isOver(this.message.run) && !over && this.message.run !== run) this.rewind();
    this.message.run = run;
    this.node.classList.toggle("message--live", !over);
    this.node.classList.toggle("message--theirs", !mayControl(run));
    const by = run ? `${run.model}` : "";
    this.head.replaceChildren(by, run?.is_demo ? el("span", { class: "tag", title: STRINGS.demoTitle }, STRINGS.demo) : "", clock(this.message.created_at));
    if (over && this.isWriting) { this.isWriting = false; this.answer.settle(); }
    if (run?.status === "waiting") this.loadIntents();
    this.foot.replaceChildren(...this.footer(run, over));
  }

  footer(run, over) {
    if (!over) {
      const state = run.status === "running" && this.isWriting ? "writing" : run.status;
      // While it runs, a cause says what it does before the vendor is asked.
      const plain = (state === "running" && run.cause) || say(STRINGS.status[state] ?? state, run);
      const words = state === "retrying" ? whyAgain(run) : plain;
      const line = el("p", { class: "message__status message__status--busy", role: "status" }, words);
      this.countDown(run, line);
      return [line];
    }
    return [trouble(run), el("div", { class: "message__actions" },
      this.versions(), this.text ? action(STRINGS.copy, "copy") : "", ...again(run), run ? facts(run) : "")];
  }

  // The seconds until it asks again, while it rests.
  countDown(run, line) {
    clearInterval(this.counting);
    if (run.status !== "retrying") return;
    this.counting = setInterval(() => {
      if (!line.isConnected) clearInterval(this.counting);
      else line.textContent = whyAgain(run);
    }, 1000);
  }

  versions() {
    const { siblings = [], id } = this.message;
    if (siblings.length < 2) return "";
    const at = siblings.indexOf(id);
    const step = (by, label, mark) => action(mark, "version", {
      "aria-label": label, "data-to": siblings[at + by] ?? "", disabled: !siblings[at + by] });
    return el("span", { class: "versions", role: "group", "aria-label": say(STRINGS.version, { n: at + 1, of: siblings.length }) },
      step(-1, STRINGS.earlier, "‹"), `${at + 1}/${siblings.length}`, step(1, STRINGS.later, "›"));
  }
}

function whyAgain(run) {
  const left = run.retry_at ? Math.max(0, Math.ceil((new Date(run.retry_at) - Date.now()) / 1000)) : 0;
  return say(left ? STRINGS.status.again : STRINGS.status.againNow, { s: left, why: run.cause.replace(/^[^:]*: /, "") });
}
