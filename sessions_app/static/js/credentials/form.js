// credentials/form.js: the form that adds a credential: a key that is saved, or a login that begins.

import { api } from "../shared/api.js";
import { byId, el } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { result, whoever } from "./card.js";
import { LoginChoice } from "./login-choice.js";
import { WORDS } from "./strings.js";

export class CredentialForm extends EventTarget {
  // `login`: a LoginDialog. Sends "saved" with the new credential in its detail, and again after its test.
  constructor(login) {
    super();
    this.form = byId("add-form");
    this.login = login;
    this.choice = new LoginChoice("add-login");
    this.providers = new Map();
    byId("provider").addEventListener("change", () => this.choose(byId("provider").value)); // another vendor, another address
    byId("how").addEventListener("change", () => this.describe());
    this.choice.addEventListener("change", () => this.limit());
    byId("try").addEventListener("click", () => this.try());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
  }

  // `providers`: slug → what /api/providers/ says.
  begin(providers) {
    this.providers = providers;
    byId("provider").replaceChildren(...[...providers.values()].map((p) => el("option", { value: p.slug }, p.label)));
    this.choose(providers.has("openai") ? "openai" : byId("provider").value);
  }

  get chosen() { return this.providers.get(byId("provider").value); }

  get isLogin() { return byId("how-login").checked; }

  choose(slug, url = "") {
    byId("provider").value = slug;
    const takesKeys = Boolean(this.chosen?.auth_types.includes("api_key"));
    const hasLogins = Boolean(this.chosen?.logins.length);
    byId("how").hidden = !(takesKeys && hasLogins);
    byId(takesKeys ? "how-key" : "how-login").checked = true;
    if (hasLogins) this.choice.show(this.chosen.logins);
    this.describe();
    byId("base_url").value = url;
  }

  describe() {
    const { chosen, isLogin } = this;
    if (!chosen) return;
    byId("provider-help").textContent = chosen.notes;
    byId("key-help").replaceChildren(...(chosen.key_url ? [`${WORDS.makeKey} `, el("a", { href: chosen.key_url, target: "_blank", rel: "noopener noreferrer" }, chosen.key_url)] : [chosen.key_required ? "" : WORDS.anyKey]));
    byId("api_key").placeholder = chosen.key_hint;
    byId("api_key").required = chosen.key_required && !isLogin;
    byId("base_url").required = chosen.base_url_required && !isLogin;
    byId("base-url-help").textContent = chosen.base_url_required ? say(WORDS.needsUrl, { example: chosen.usual_url || "http://127.0.0.1:8080/v1" }) : say(WORDS.ownUrl, { url: chosen.base_url });
    for (const row of this.form.querySelectorAll("[data-for=key]")) row.hidden = isLogin;
    byId("base-url-row").hidden = isLogin || (!chosen.base_url_editable && !chosen.base_url_required);
    byId("add-login").hidden = !isLogin;
    byId("save").textContent = isLogin ? WORDS.login.start : WORDS.save;
    this.limit();
  }

  // A personal login cannot be shared; one that is refused cannot begin.
  limit() {
    byId("share-row").hidden = this.isLogin && Boolean(this.choice.chosen?.is_personal);
    byId("save").disabled = this.isLogin && !this.choice.chosen;
  }

  entered() {
    const { provider, name, api_key, base_url, organization, project } = Object.fromEntries(new FormData(this.form));
    return { provider, name, api_key, base_url, organization, project };
  }

  async try() {
    this.uncomplain();
    byId("add-result").textContent = WORDS.testing;
    try {
      const { ok, message } = await api("POST", "/api/credentials/try/", { ...this.entered(), name: "" });
      result(byId("add-result"), ok, message);
    } catch (error) { this.complain(error); }
  }

  async submit() {
    byId("save").disabled = true;
    this.uncomplain();
    byId("add-result").replaceChildren();
    try {
      await (this.isLogin ? this.start() : this.save());
    } catch (error) { this.complain(error); } finally { this.limit(); }
  }

  async start() {
    const shared = whoever(byId("share-row").hidden ? "" : byId("share").value);
    const { provider, name } = this.entered();
    await this.login.begin({ provider, name, ...this.choice.value, ...shared }, this.chosen.label);
  }

  async save() {
    const { credential } = await api("POST", "/api/credentials/", { ...this.entered(), ...whoever(byId("share").value) });
    this.clear();
    const saved = () => this.dispatchEvent(new CustomEvent("saved", { detail: credential }));
    saved();
    const { ok, message } = await this.check(credential);
    saved(); // and tested: its condition may be another one
    result(byId("add-result"), ok, say(ok ? WORDS.saved : WORDS.savedButRefused, { ...credential, message }));
  }

  // It is saved by now: a check that cannot be made is told like one that failed.
  async check({ id }) {
    byId("add-result").textContent = WORDS.testing;
    try {
      return await api("POST", `/api/credentials/${id}/test/`);
    } catch (error) { return { ok: false, message: error.message }; }
  }

  // For the next one at the same vendor.
  clear() {
    const provider = byId("provider").value;
    const { isLogin } = this;
    this.form.reset();
    this.choose(provider);
    if (isLogin && !byId("how").hidden) { byId("how-login").checked = true; this.describe(); }
  }

  uncomplain() {
    for (const input of this.form.elements) input.removeAttribute?.("aria-invalid");
  }

  complain(error) {
    this.uncomplain();
    const field = error.field && this.form.elements[error.field];
    if (field instanceof HTMLElement) { field.setAttribute("aria-invalid", "true"); field.focus(); }
    result(byId("add-result"), false, error.message);
  }
}
