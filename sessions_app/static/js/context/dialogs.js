// context/dialogs.js: add, edit, the library, and a summary.

import { api } from "../shared/api.js";
import { ask } from "../shared/dialogs.js";
import { byId, el, toast } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { STRINGS, say } from "../shared/strings.js";
import { CONTEXT } from "./strings.js";

const ADDABLE = ["text", "system", "persona"];

export class ContextDialogs {
  constructor(panel) {
    this.panel = panel;
    const on = (id, call) => byId(id).addEventListener("click", () => call().catch((error) => toast(error.message)));
    on("context-add", async () => this.edit(null));
    on("context-library", () => this.library());
    on("context-summarise", () => this.summarise());
    byId("chunk-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save().catch((error) => { byId("chunk-error").textContent = error.code === "conflict" ? CONTEXT.conflict : error.message; byId("chunk-error").hidden = false; });
    });
    on("chunk-keep", () => this.keep());
  }

  // `chunk` null: a new one.
  async edit(chunk, isShown = false) {
    this.chunk = chunk;
    const text = chunk ? (await api("GET", `/api/conversations/${this.panel.id}/context/${chunk.id}/`)).text : "";
    const isMessage = Boolean(chunk?.message_id);
    byId("chunk-heading").textContent = chunk ? CONTEXT.editTitle : CONTEXT.addTitle;
    byId("chunk-note").textContent = isMessage ? CONTEXT.editMessage : "";
    byId("chunk-note").hidden = !isMessage || isShown;
    byId("chunk-kind-field").hidden = Boolean(chunk);
    byId("chunk-kind").replaceChildren(...ADDABLE.map((kind) => el("option", { value: kind }, CONTEXT.kinds[kind])));
    byId("chunk-title-field").hidden = isMessage;
    byId("chunk-title").value = chunk?.title ?? "";
    byId("chunk-text").value = text;
    byId("chunk-text").readOnly = isShown;
    byId("chunk-save").hidden = isShown;
    byId("chunk-keep").hidden = isMessage || isShown;
    byId("chunk-error").hidden = true;
    byId("chunk-dialog").showModal();
    (chunk ? byId("chunk-text") : byId("chunk-title")).focus();
  }

  async save() {
    const text = byId("chunk-text").value;
    const title = byId("chunk-title").value;
    const { chunk } = this;
    if (!chunk) await this.panel.act("POST", "", { kind: byId("chunk-kind").value, title, text });
    else await this.panel.act("PATCH", `${chunk.id}/`, { text, version: chunk.version, ...(chunk.message_id ? {} : { title }) });
    byId("chunk-dialog").close();
  }

  async keep() {
    const known = ADDABLE.includes(this.chunk?.kind) ? this.chunk.kind : "text";
    const kind = this.chunk ? known : byId("chunk-kind").value;
    await api("POST", "/api/library/", { kind, title: byId("chunk-title").value, text: byId("chunk-text").value });
    toast(CONTEXT.kept);
  }

  async library() {
    const { entries } = await api("GET", "/api/library/");
    byId("library-empty").hidden = entries.length > 0;
    byId("library-list").replaceChildren(...entries.map((entry) => this.entry(entry)));
    byId("library-dialog").showModal();
  }

  entry(entry) {
    const attach = async () => {
      await this.panel.act("POST", "", { library_id: entry.id });
      byId("library-dialog").close();
    };
    const remove = async () => {
      if (!(await ask({ title: say(STRINGS.menu, { title: entry.title }), text: CONTEXT.removeText, ok: STRINGS.delete, isDanger: true }))) return;
      await api("DELETE", `/api/library/${entry.id}/`);
      await this.library();
    };
    const call = (work) => ({ click: () => work().catch((error) => toast(error.message)) });
    return el("li", { class: "library__entry" },
      el("p", { class: "chunk__head" }, el("span", { class: `chunk__kind chunk__kind--${entry.kind}` }, CONTEXT.kinds[entry.kind]),
        el("span", { class: "chunk__title" }, entry.title), el("span", { class: "chunk__tokens" }, say(CONTEXT.tokens, { n: count(entry.tokens) }))),
      el("p", { class: "chunk__preview" }, entry.preview),
      el("p", { class: "dialog__actions" }, el("span", { class: "chunk__why" }, `v${entry.version} · ${entry.team || entry.owner}`),
        entry.is_mine ? el("button", { class: "button button--quiet button--small", type: "button", on: call(remove) }, STRINGS.delete) : "",
        el("button", { class: "button button--small", type: "button", on: call(attach) }, CONTEXT.attach)));
  }

  async summarise() {
    const { model } = this.panel.page.options();
    const sure = await ask({ title: CONTEXT.summariseTitle, text: say(CONTEXT.summariseText, { model: model ?? "" }), ok: CONTEXT.summarise });
    if (sure) await this.panel.act("POST", "summary/", {});
  }
}
