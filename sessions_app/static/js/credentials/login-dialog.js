// credentials/login-dialog.js: a login at a vendor, from its first question to its end. The server says how it
// is; the dialog asks every few seconds.

import { api } from "../shared/api.js";
import { copyText } from "../shared/clipboard.js";
import { ask } from "../shared/dialogs.js";
import { byId, toast } from "../shared/dom.js";
import { STRINGS } from "../shared/strings.js";
import { LoginChoice } from "./login-choice.js";
import * as panel from "./login-panel.js";
import { WORDS } from "./strings.js";

const words = WORDS.login;
const POLL_MS = 2000;

export class LoginDialog extends EventTarget {
  // Sends "done" with the finished login in its detail.
  constructor() {
    super();
    this.node = byId("login");
    this.choice = new LoginChoice("login-choice");
    this.login = null; // as the server says it is
    byId("login-paste").addEventListener("submit", (event) => { event.preventDefault(); this.paste(); });
    byId("login-copy").addEventListener("click", () => this.copy());
    byId("login-leave").addEventListener("click", () => this.leave());
    byId("login-start").addEventListener("click", () => this.start());
    this.node.addEventListener("cancel", (event) => { event.preventDefault(); this.leave(); });
    // A browser closes a dialog at the second Escape, whatever the page says to "cancel".
    this.node.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.preventDefault(); this.leave(); } });
    this.node.addEventListener("close", () => this.closed());
    // A tab that is not seen sleeps; people come back to it from the vendor's.
    document.addEventListener("visibilitychange", () => { if (!document.hidden && this.isWaiting) this.poll(); });
  }

  get isWaiting() { return ["waiting", "working"].includes(this.login?.status); }

  // `request` as /api/logins/ takes it; raises its refusal. `label`: of the vendor.
  async begin(request, label) {
    const { login } = await api("POST", "/api/logins/", request);
    this.open(request, label, request.name);
    this.wait(login);
  }

  // The same for a credential that is there. A personal one stays one.
  again(row, provider) {
    this.open({ provider: row.provider, credential_id: row.id }, provider.label, row.name);
    this.choice.show(provider.logins.filter((login) => login.is_personal === row.is_personal), row.mode_choice);
    panel.stage("choose");
    byId("login-start").disabled = !this.choice.chosen;
    (this.node.querySelector("#login-choice input:checked") ?? byId("login-leave")).focus();
  }

  open(request, label, name) {
    this.request = request;
    this.label = label;
    this.login = null;
    panel.empty(label, name);
    if (!this.node.open) this.node.showModal();
  }

  // After a choice, or once more after an end.
  async start() {
    if (!byId("login-choice").hidden) Object.assign(this.request, this.choice.value);
    byId("login-start").disabled = true;
    panel.status(words.starting);
    const { request } = this;
    try {
      const { login } = await api("POST", "/api/logins/", request);
      if (this.node.open && this.request === request) this.wait(login);
      else this.cancel(login.id); // they left while it began
    } catch (error) { panel.status(error.message, false); } finally { byId("login-start").disabled = false; }
  }

  wait(login) {
    this.login = login;
    panel.show(login, this.label);
    this.later();
  }

  later() {
    clearTimeout(this.timer);
    const wait = this.login.answer === "device" ? (this.login.interval_s ?? 5) * 1000 : POLL_MS;
    this.timer = setTimeout(() => this.poll(), wait);
  }

  async poll() {
    clearTimeout(this.timer);
    const { id } = this.login;
    try {
      const { login } = await api("GET", `/api/logins/${id}/`);
      this.take(login);
    } catch (error) {
      if (this.login?.id !== id || !this.isWaiting) return;
      if (error.status === 404 || error.status === 401) this.over(error.message);
      else { panel.status(error.message, false); this.later(); } // the server comes back
    }
  }

  // How the login is now; what was asked before its end comes too late.
  take(login) {
    if (this.login?.id !== login.id || !this.isWaiting) return;
    this.login = { ...login, interval_s: login.interval_s ?? this.login.interval_s };
    if (login.status === "done") {
      this.node.close();
      this.dispatchEvent(new CustomEvent("done", { detail: login }));
    } else if (!this.isWaiting) this.over(login.message || words[login.status] || words.gone);
    else { panel.tell(login); this.later(); }
  }

  over(message) {
    clearTimeout(this.timer);
    this.login = null;
    panel.stage("over");
    panel.status(message, false);
    byId("login-start").focus();
  }

  async paste() {
    const { id } = this.login;
    panel.complain("");
    byId("login-send").disabled = true;
    try {
      const { login } = await api("POST", `/api/logins/${id}/answer/`, { answer: byId("login-answer").value });
      this.take(login);
    } catch (error) {
      if (this.login?.id === id) panel.complain(error.message);
    } finally { byId("login-send").disabled = false; }
  }

  async copy() {
    try {
      await copyText(this.login.user_code);
      toast(STRINGS.copied);
    } catch (error) { panel.status(error.message, false); }
  }

  async leave() {
    const id = this.login?.id;
    if (this.isWaiting && !(await ask({ title: words.leaveTitle, text: words.leaveText, ok: words.leaveOk, isDanger: true }))) return;
    if (this.login?.id === id) this.node.close(); // it may have ended during the question
  }

  closed() {
    clearTimeout(this.timer);
    if (this.isWaiting) this.cancel(this.login.id);
    this.login = null;
    byId("login-answer").value = "";
  }

  cancel(id) { api("DELETE", `/api/logins/${id}/`).catch(() => {}); } // ten minutes end it, too
}
