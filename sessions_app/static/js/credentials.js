// credentials.js: the page of credentials: add, test, rotate, share, delete.

import { api } from "./api.js";
import { ask } from "./dialogs.js";
import { byId, el, toast } from "./dom.js";
import { when } from "./format.js";
import { offer } from "./local-servers.js";
import { STRINGS, say } from "./strings.js";

const words = STRINGS.credentials;
const isStaff = Boolean(document.body.dataset.isStaff);
const form = byId("add-form");
let providers = new Map();
let teams = [];
let credentials = [];

function sharing(row) {
  if (row.is_shared_with_everyone) return words.sharedAll;
  return row.team ? say(words.sharedTeam, row) : words.own;
}

function result(element, ok, text) {
  element.replaceChildren(el("span", { class: `notice ${ok ? "notice--ok" : "notice--error"}` }, text));
}

function card(row) {
  const said = el("p", { class: "card__result", role: "status" });
  const button = (label, call, extra = "") => el("button", { class: `button button--small ${extra}`, type: "button", "aria-label": `${label}: ${row.name}`, on: { click: () => call(row, said).catch((error) => result(said, false, error.message)) } }, label);
  const label = providers.get(row.provider)?.label ?? row.provider;
  const facts = [label, row.base_url, sharing(row), row.owner ? say(words.by, row) : "", row.last_used_at ? say(words.used, { when: when(row.last_used_at) }) : words.never];
  return el("li", { class: "card", data: { name: row.name } },
    el("div", { class: "card__head" }, el("span", { class: "card__name" }, row.name),
      row.is_demo ? el("span", { class: "tag" }, STRINGS.demo) : "",
      row.state === "ok" ? "" : el("span", { class: "tag", title: row.cause }, words.state[row.state] ?? row.state)),
    el("p", { class: "card__facts" }, facts.filter(Boolean).join(" · ")),
    row.cause ? el("p", { class: "card__facts" }, row.cause) : "",
    el("div", { class: "card__actions" }, button(words.test, test),
      ...(row.may_manage ? [button(words.rotate, rotate), button(words.share, share), button(words.remove, remove, "button--danger")] : [])),
    said);
}

async function load() {
  const found = await api("GET", "/api/credentials/");
  ({ credentials, teams } = found);
  byId("credentials").replaceChildren(...credentials.map(card));
  byId("credentials-empty").hidden = credentials.length > 0;
  const options = [["", words.onlyMe], ...teams.map((team) => [team.id, say(words.team, team)]), ...(isStaff ? [["everyone", words.everyone]] : [])];
  byId("share").replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
}

async function test(row, said) {
  said.textContent = words.testing;
  const { ok, message } = await api("POST", `/api/credentials/${row.id}/test/`);
  result(said, ok, message);
}

async function rotate(row, said) {
  const key = await ask({ title: say(words.rotateTitle, row), text: words.rotateText, value: "", ok: words.rotate, secret: true });
  if (!key) return;
  await api("POST", `/api/credentials/${row.id}/key/`, { api_key: key.trim() });
  await load();
  toast(say(words.saved, row));
}

async function share(row) {
  const choices = ["", ...teams.map((t) => t.id), ...(isStaff ? ["everyone"] : [])];
  const now = row.is_shared_with_everyone ? "everyone" : (teams.find((t) => t.name === row.team)?.id ?? "");
  const next = choices[(choices.indexOf(now) + 1) % choices.length];
  await api("POST", `/api/credentials/${row.id}/share/`, whoever(next));
  await load();
}

const whoever = (value) => ({ team: value && value !== "everyone" ? value : null, everyone: value === "everyone" });

async function remove(row) {
  if (!(await ask({ title: say(words.removeTitle, row), text: words.removeText, ok: words.remove }))) return;
  await api("DELETE", `/api/credentials/${row.id}/`);
  await load();
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

function complain(error) {
  for (const input of form.elements) input.removeAttribute?.("aria-invalid");
  const field = error.field && form.elements[error.field];
  if (field) { field.setAttribute("aria-invalid", "true"); field.focus(); }
  result(byId("add-result"), false, error.message);
}

byId("provider").addEventListener("change", describe);
byId("try").addEventListener("click", async () => {
  byId("add-result").textContent = words.testing;
  try {
    const { ok, message } = await api("POST", "/api/credentials/try/", { ...entered(), name: "" });
    result(byId("add-result"), ok, message);
  } catch (error) { complain(error); }
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const { credential } = await api("POST", "/api/credentials/", { ...entered(), ...whoever(byId("share").value) });
    const provider = byId("provider").value;
    form.reset();
    byId("provider").value = provider;
    describe();
    await load();
    result(byId("add-result"), true, say(words.saved, credential));
  } catch (error) { complain(error); }
});

const found = await api("GET", "/api/providers/");
providers = new Map(found.providers.filter((p) => p.auth_types.includes("api_key")).map((p) => [p.slug, p]));
byId("provider").replaceChildren(...[...providers.values()].map((p) => el("option", { value: p.slug }, p.label)));

function choose(slug, url = "") {
  byId("provider").value = slug;
  describe();
  byId("base_url").value = url;
  byId("name").focus();
}

const asked = new URLSearchParams(location.search);
if (providers.has(asked.get("provider"))) choose(asked.get("provider"), asked.get("url") ?? "");
else if (providers.has("openai")) choose("openai");
describe();
await load().catch((error) => toast(error.message));
offer(byId("local-servers"), credentials, (server) => choose(server.provider, server.url));
