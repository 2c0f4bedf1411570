// credentials.js: the page of credentials: the list, and the form that adds one.

import { api } from "./api.js";
import { card, result, sharingChoices, whoever } from "./credential-card.js";
import { byId, el, toast } from "./dom.js";
import { offer } from "./local-servers.js";
import { STRINGS, say } from "./strings.js";

const words = STRINGS.credentials;
const isStaff = Boolean(document.body.dataset.isStaff);
const form = byId("add-form");
let providers = new Map();
let credentials = [];

async function load() {
  const found = await api("GET", "/api/credentials/");
  credentials = found.credentials;
  const page = {
    labels: new Map([...providers].map(([slug, { label }]) => [slug, label])),
    teams: found.teams, isStaff, defaultId: found.default_id, reload: load, card: cardOf,
  };
  const held = document.activeElement?.closest(".card");
  const does = document.activeElement?.dataset.does;
  byId("credentials").replaceChildren(...credentials.map((row) => card(row, page)));
  if (held) focusAgain(held.dataset.name, does);
  byId("credentials-empty").hidden = credentials.length > 0;
  const chosen = byId("share").value;
  byId("share").replaceChildren(...sharingChoices(found.teams, isStaff).map(([value, text]) => el("option", { value }, text)));
  byId("share").value = chosen;
}

const cardOf = (name) => [...byId("credentials").children].find((node) => node.dataset.name === name);

// The list is drawn anew: whoever works with the keyboard stays where they were.
function focusAgain(name, does) {
  (cardOf(name)?.querySelector(`[data-does="${does}"]`) ?? byId("title")).focus();
}

function describe() {
  const chosen = providers.get(byId("provider").value);
  if (!chosen) return;
  byId("provider-help").textContent = chosen.notes;
  byId("key-help").replaceChildren(...(chosen.key_url ? [`${words.makeKey} `, el("a", { href: chosen.key_url, target: "_blank", rel: "noopener noreferrer" }, chosen.key_url)] : [chosen.key_required ? "" : words.anyKey]));
  byId("api_key").required = chosen.key_required;
  byId("api_key").placeholder = chosen.key_hint;
  byId("base-url-row").hidden = !chosen.base_url_editable && !chosen.base_url_required;
  byId("base_url").required = chosen.base_url_required;
  byId("base-url-help").textContent = chosen.base_url_required ? say(words.needsUrl, { example: chosen.usual_url || "http://127.0.0.1:8080/v1" }) : say(words.ownUrl, { url: chosen.base_url });
}

function entered() {
  const data = Object.fromEntries(new FormData(form));
  delete data.share;
  return data;
}

function uncomplain() {
  for (const input of form.elements) input.removeAttribute?.("aria-invalid");
}

function complain(error) {
  uncomplain();
  const field = error.field && form.elements[error.field];
  if (field) { field.setAttribute("aria-invalid", "true"); field.focus(); }
  result(byId("add-result"), false, error.message);
}

byId("provider").addEventListener("change", () => {
  byId("base_url").value = ""; // the address of another vendor is not this one's
  describe();
});
byId("try").addEventListener("click", async () => {
  uncomplain();
  byId("add-result").textContent = words.testing;
  try {
    const { ok, message } = await api("POST", "/api/credentials/try/", { ...entered(), name: "" });
    result(byId("add-result"), ok, message);
  } catch (error) { complain(error); }
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("save").disabled = true;
  try {
    const { credential } = await api("POST", "/api/credentials/", { ...entered(), ...whoever(byId("share").value) });
    const provider = byId("provider").value;
    uncomplain();
    form.reset();
    byId("provider").value = provider;
    describe();
    await load();
    result(byId("add-result"), true, say(words.saved, credential));
  } catch (error) { complain(error); } finally { byId("save").disabled = false; }
});
document.addEventListener("maestro:credentials-changed", () => load().catch((error) => toast(error.message)));

function choose(slug, url = "") {
  byId("provider").value = slug;
  describe();
  byId("base_url").value = url;
}

function use(server) {
  choose(server.provider, server.url);
  byId("name").focus();
}

// `?local=` names a kind of server; its address comes from our own look around, never from
// a link: a key must not go where somebody else's link says.
const local = new URLSearchParams(location.search).get("local");

async function begin() {
  const found = await api("GET", "/api/providers/");
  providers = new Map(found.providers.filter((p) => p.auth_types.includes("api_key")).map((p) => [p.slug, p]));
  byId("provider").replaceChildren(...[...providers.values()].map((p) => el("option", { value: p.slug }, p.label)));
  if (providers.has("openai")) choose("openai");
  describe();
  if (location.hash === "#add") byId("name").focus();
  await load();
  const servers = await offer(byId("local-servers"), credentials, use);
  const asked = local && servers.find((server) => server.provider === local);
  if (asked) use(asked);
}

begin().catch((error) => toast(error.message));
