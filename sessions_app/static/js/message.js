// message.js: one question or one answer in the thread, with its actions and its facts.

import { AnswerBody } from "./answer-body.js";
import { api } from "./api.js";
import { el } from "./dom.js";
import { clock, count, money, seconds } from "./format.js";
import { STRINGS, say } from "./strings.js";

const OVER = new Set(["done", "stopped", "failed", "interrupted"]);
export const isOver = (run) => !run || OVER.has(run.status);

// What a person mends on the page of credentials.
const ABOUT_KEYS = new Set(["ConfigurationError", "CredentialError", "CredentialNotFound", "CredentialExpired",
  "CredentialRejected", "CredentialUnreadable", "PermissionRefused", "QuotaExhausted"]);

const action = (label, name, extra = {}) =>
  el("button", { class: "message__action", type: "button", data: { action: name }, ...extra }, label);

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
    this.node.querySelector("h2").textContent = this.isMine ? STRINGS.you : (message.run?.model ?? "");
    if (this.isMine) this.showQuestion();
    else this.showAnswer();
  }

  showQuestion() {
    this.head.replaceChildren(STRINGS.you, clock(this.message.created_at));
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
    const by = run ? `${run.model}` : "";
    this.head.replaceChildren(by, run?.is_demo ? el("span", { class: "tag", title: STRINGS.demoTitle }, STRINGS.demo) : "", clock(this.message.created_at));
    if (over && this.isWriting) { this.isWriting = false; this.answer.settle(); }
    if (run?.status === "waiting") this.loadIntents();
    this.foot.replaceChildren(...this.footer(run, over));
  }

  footer(run, over) {
    if (!over) {
      const state = run.status === "running" && this.isWriting ? "writing" : run.status;
      const words = state === "retrying" ? run.cause : say(STRINGS.status[state] ?? state, run);
      return [el("p", { class: "message__status message__status--busy", role: "status" }, words)];
    }
    return [trouble(run), el("div", { class: "message__actions" },
      this.versions(), this.text ? action(STRINGS.copy, "copy") : "", ...again(run), run ? facts(run) : "")];
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

// A failure says itself how to go on.
const goOn = (run) => (run?.can_continue ? [action(STRINGS.goOn, "continue", { title: STRINGS.goOnTitle })] : []);
const again = (run) => (run?.status === "failed" ? goOn(run)
  : [...goOn(run), action(STRINGS.regenerate, "regenerate"), action(STRINGS.regenerateWith, "regenerate-with")]);

function trouble(run) {
  if (!run) return "";
  if (run.status === "failed") {
    return el("div", { class: "notice notice--error trouble", role: "alert" },
      el("p", {}, run.error?.message || run.cause),
      run.error?.vendor_message ? el("p", { class: "message__status" }, run.error.vendor_message) : "",
      el("p", { class: "trouble__actions" },
        el("button", { class: "button button--small", type: "button", data: { action: "regenerate" } }, STRINGS.retry),
        el("button", { class: "button button--small button--quiet", type: "button", data: { action: "regenerate-with" } }, STRINGS.regenerateWith),
        ABOUT_KEYS.has(run.error?.kind) ? el("a", { class: "button button--small button--quiet", href: credentialsUrl() }, STRINGS.openCredentials) : ""));
  }
  const word = { stopped: "stopped", interrupted: "interrupted" }[run.status]
    ?? { length: "cut", content_filter: "filtered", refusal: "declined" }[run.stop_reason];
  return word ? el("p", { class: "message__status" }, STRINGS.status[word]) : "";
}

const credentialsUrl = () => `${document.body.dataset.chatUrl ?? "/"}credentials/`;

function facts(run) {
  const usage = run.usage ?? {};
  const cost = run.cost_usd === null || run.cost_usd === undefined ? ""
    : say(STRINGS.costNote, { cost: money(run.cost_usd), date: run.price_date });
  const rows = [
    ["credential", `${run.credential.name} (${run.credential.provider})`],
    ["model", run.model],
    ["input", count(usage.input_tokens)],
    ["cached", usage.cached_input_tokens ? count(usage.cached_input_tokens) : null],
    ["output", count(usage.output_tokens)],
    ["reasoning", usage.reasoning_tokens ? count(usage.reasoning_tokens) : null],
    ["cost", cost || null],
    ["first", seconds(run.started_at, run.first_event_at)],
    ["total", seconds(run.started_at, run.finished_at)],
    ["stop", run.stop_reason || run.status],
  ].filter(([, value]) => value);
  const short = [run.credential.name, usage.output_tokens ? `${count(usage.output_tokens)} tokens` : "", cost.split(",")[0]];
  return el("details", { class: "message__facts" },
    el("summary", {}, short.filter(Boolean).join(" · ")),
    el("dl", { class: "facts" }, ...rows.flatMap(([key, value]) => [el("dt", {}, STRINGS.facts[key]), el("dd", {}, value)])));
}
