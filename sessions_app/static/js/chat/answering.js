// chat/answering.js: how often answers of a conversation are tried, and by whom else.

import { api } from "../shared/api.js";
import { byId, el, toast } from "../shared/dom.js";
import { STRINGS } from "../shared/strings.js";

const words = STRINGS.answering;

export class Answering {
  // `conversation()`: the id of the open one, or of one that is begun for this.
  constructor(picker, conversation) {
    this.picker = picker;
    this.conversation = conversation;
    const on = (id, call) => byId(id).addEventListener("click", () => call().catch((error) => toast(error.message)));
    on("answering", () => this.open());
    on("answering-add", () => this.add());
    byId("answering-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save().catch((error) => toast(error.message));
    });
  }

  async open() {
    this.id = await this.conversation();
    const { retry, fallbacks } = await api("GET", `/api/conversations/${this.id}/`);
    byId("answering-attempts").value = retry ? String(retry.attempts) : "";
    byId("answering-total").value = retry?.total_s ?? 180;
    this.fallbacks = fallbacks;
    this.draw();
    byId("answering-dialog").showModal();
  }

  draw() {
    byId("answering-none").hidden = this.fallbacks.length > 0;
    byId("answering-list").replaceChildren(...this.fallbacks.map((one, at) => el("li", {},
      `${one.name} (${one.provider}), ${one.model} `, one.is_usable ? "" : el("span", { class: "tag tag--bad" }, words.gone), " ",
      el("button", { class: "link-button", type: "button", on: { click: () => { this.fallbacks.splice(at, 1); this.draw(); } } }, words.remove))));
  }

  // The model picker is a dialog of its own: ours comes back after it.
  async add() {
    byId("answering-dialog").close();
    const choice = await this.picker.open(true);
    if (choice) {
      const row = this.picker.credentials.find((one) => one.id === choice.credential_id);
      this.fallbacks.push({ ...choice, name: row.name, provider: row.provider, is_usable: true });
      this.draw();
    }
    byId("answering-dialog").showModal();
  }

  async save() {
    const attempts = Number(byId("answering-attempts").value);
    const retry = attempts ? { attempts, total_s: Number(byId("answering-total").value) } : null;
    const fallbacks = this.fallbacks.map(({ credential_id, model }) => ({ credential_id, model }));
    await api("PATCH", `/api/conversations/${this.id}/`, { retry, fallbacks });
    byId("answering-dialog").close();
    toast(words.saved);
  }
}
