// chat/model-picker.js: which credential and which model answer. Lists come from the vendors.

import { isBroken, limitWords } from "../credentials/facts.js";
import { api } from "../shared/api.js";
import { byId, el } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { STRINGS, say } from "../shared/strings.js";

const KEY = "maestro.choice";

export class ModelPicker extends EventTarget {
  constructor() {
    super();
    this.all = []; // those that cannot be used now, too
    this.models = new Map(); // credential id → models | Error
    this.listed = new Map(); // credential id → models, once they came
    this.looked = new Set(); // of which the list was asked for because of the choice
    this.defaults = new Map();
    this.choice = { credential_id: null, model: "" };
    this.picks = 0; // how often somebody chose: what comes late does not undo it
    byId("picker").addEventListener("click", () => this.open());
    byId("models-filter").addEventListener("input", () => this.draw());
    byId("models-filter").addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); this.items()[0]?.focus(); }
      if (event.key === "Enter") { event.preventDefault(); this.items()[0]?.click(); }
    });
    byId("models-list").addEventListener("keydown", (event) => this.key(event));
  }

  async load() {
    const { credentials, default_id } = await api("GET", "/api/credentials/");
    this.all = credentials;
    const stored = remembered();
    const known = (id) => this.credentials.some((c) => c.id === id);
    // A real credential beside the demo is the default, whatever was chosen before.
    const isDemo = (id) => this.credentials.find((c) => c.id === id)?.is_demo;
    const keep = stored && known(stored.credential_id) && (!isDemo(stored.credential_id) || isDemo(default_id));
    if (keep) this.choice = stored;
    else this.choice = { credential_id: default_id, model: "" };
    this.mean(stored?.credential_id ?? default_id);
    await this.ensureModel();
    this.show();
    if (byId("models").open) this.draw();
  }

  // A conversation remembers its own.
  async use(credentialId, model) {
    this.mean(credentialId);
    if (!this.credentials.some((c) => c.id === credentialId)) return;
    this.choice = { credential_id: credentialId, model };
    await this.ensureModel();
    this.show();
  }

  // Tells which credential was meant; it may be one that needs its person first.
  mean(id) {
    const row = this.all.find((c) => c.id === id);
    if (row) this.dispatchEvent(new CustomEvent("meant", { detail: row }));
  }

  // A credential is in another condition than when the list was loaded.
  async changed(news) {
    if (!this.credential) { await this.load(); return; } // the first one
    const row = this.all.find((c) => c.id === news.id);
    if (row) Object.assign(row, news);
    else this.all = (await api("GET", "/api/credentials/")).credentials; // what is chosen stays
    this.models.delete(news.id); // what it may use can have changed
    this.show();
    if (byId("models").open) this.draw();
  }

  async ensureModel() {
    const { credential_id: id, model } = this.choice;
    if (!id || model) return;
    const models = await this.list(id);
    if (models instanceof Error || !models.length) return;
    const usual = models.find((m) => m.id === this.defaults.get(id));
    this.choice.model = (usual ?? models[0]).id;
  }

  async list(id) {
    if (!this.models.has(id)) {
      this.models.set(id, api("GET", `/api/credentials/${id}/models/`).then((found) => {
        this.defaults.set(id, found.default_model);
        this.listed.set(id, found.models);
        this.dispatchEvent(new Event("listed"));
        return found.models;
      }).catch((error) => { this.models.delete(id); return error; }));
    }
    return this.models.get(id);
  }

  // What the list says of a model; undefined while, or where, nobody knows.
  facts({ credential_id, model } = this.choice) {
    return this.listed.get(credential_id)?.find((one) => one.id === model);
  }

  // The facts of the choice are of use, and worth one question a page.
  look() {
    const { credential } = this;
    if (!credential || isBroken(credential) || this.looked.has(credential.id)) return;
    this.looked.add(credential.id);
    this.list(credential.id);
  }

  // What can be chosen: what works, and what is chosen already.
  get credentials() {
    return this.all.filter((c) => !isBroken(c) || this.all.length === 1 || c.id === this.choice.credential_id);
  }

  get credential() { return this.credentials.find((c) => c.id === this.choice.credential_id) ?? null; }

  show() {
    byId("picker-model").textContent = this.choice.model || STRINGS.chooseModel;
    byId("picker-credential").textContent = this.credential ? named(this.credential, this.credential.name) : "";
    this.dispatchEvent(new Event("change"));
    this.look();
  }

  // A promise of the choice; null when the dialog is closed without one.
  open(onlyOnce = false) {
    byId("models-filter").value = "";
    byId("models").showModal();
    byId("models-filter").focus();
    this.draw();
    this.onlyOnce = onlyOnce;
    return new Promise((resolve) => {
      this.picked = null;
      byId("models").addEventListener("close", () => resolve(this.picked), { once: true });
    });
  }

  async draw() {
    const list = byId("models-list");
    const words = byId("models-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = this.credentials.map((credential) => {
      const items = el("div", { role: "group" }, el("p", { class: "models__facts" }, STRINGS.loading));
      this.list(credential.id).then((models) => items.replaceChildren(...this.group(credential, models, words)));
      return el("section", {}, el("h3", { class: "models__group" }, named(credential, `${credential.name} · ${credential.provider}`)), items);
    });
    list.replaceChildren(...(groups.length ? groups : [el("p", {}, STRINGS.noCredential)]));
  }

  group(credential, models, words) {
    if (models instanceof Error) return [el("p", { class: "models__facts" }, say(STRINGS.noModels, models))];
    return models
      .filter((model) => words.every((word) => `${model.id} ${model.label} ${credential.name}`.toLowerCase().includes(word)))
      .map((model) => el("button", {
        class: "models__item", type: "button",
        "aria-pressed": String(credential.id === this.choice.credential_id && model.id === this.choice.model),
        on: { click: () => this.pick(credential.id, model.id) },
      }, el("span", {}, model.id), el("span", { class: "models__facts" }, model.context_window ? `${count(model.context_window)} tokens` : "")));
  }

  pick(credential_id, model) {
    this.picked = { credential_id, model };
    if (!this.onlyOnce) {
      this.choice = this.picked;
      this.picks += 1;
      remember(this.choice);
      this.show();
    }
    byId("models").close();
  }

  items() { return [...byId("models-list").querySelectorAll(".models__item")]; }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = this.items();
    const next = items[items.indexOf(document.activeElement) + step];
    (next ?? byId("models-filter")).focus();
  }
}

const named = (credential, words) => [words, credential.is_demo ? STRINGS.demo : "", limitWords(credential)].filter(Boolean).join(" · ");

function remembered() {
  try { return JSON.parse(localStorage.getItem(KEY)); } catch { return null; }
}

function remember(choice) {
  try { localStorage.setItem(KEY, JSON.stringify(choice)); } catch { /* private window */ }
}
