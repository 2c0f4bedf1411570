// credentials/page.js: the page of credentials: the list, what is added to it, and how a login ended.

import { api } from "../shared/api.js";
import { byId, el, toast } from "../shared/dom.js";
import { ago } from "../shared/format.js";
import { ChatSocket } from "../shared/socket.js";
import { say } from "../shared/strings.js";
import { card, result, sharingChoices } from "./card.js";
import { CredentialForm } from "./form.js";
import { ImportDialog } from "./import-dialog.js";
import { offer } from "./local-servers.js";
import { LoginDialog } from "./login-dialog.js";
import { CredentialNotices } from "./notices.js";
import { WORDS } from "./strings.js";

const AGAIN_MS = 60_000; // limits and lifetimes pass without a word
const { isStaff, person, socketToken } = document.body.dataset;
let providers = new Map();
let credentials = [];
let drawn = "";

const vendor = (slug) => providers.get(slug)?.label ?? slug;
const login = new LoginDialog();
const form = new CredentialForm(login);
const imported = new ImportDialog(vendor);
const notices = new CredentialNotices(WORDS.showIt);
const results = new Map(); // credential id → the element on its card that says what came of an action

function said(id) {
  if (!results.has(id)) results.set(id, el("div", { class: "card__result", role: "status" }));
  return results.get(id);
}

// The list as the server has it; drawn anew only when there is news.
async function load() {
  const found = await api("GET", "/api/credentials/");
  for (const node of byId("credentials").querySelectorAll("time")) node.textContent = ago(node.dateTime);
  const text = JSON.stringify(found);
  if (text === drawn) return;
  drawn = text;
  credentials = found.credentials;
  const page = {
    labels: new Map([...providers].map(([slug, { label }]) => [slug, label])),
    teams: found.teams, isStaff: Boolean(isStaff), person, defaultId: found.default_id, reload: load, said,
    login: (row) => login.again(row, providers.get(row.provider)),
  };
  const held = document.activeElement?.closest(".card");
  const does = document.activeElement?.dataset.does;
  byId("credentials").replaceChildren(...credentials.map((row) => card(row, page)));
  if (held) focusAgain(held.id, does);
  byId("credentials-empty").hidden = credentials.length > 0;
  for (const id of ["share", "import-share"]) {
    const chosen = byId(id).value;
    byId(id).replaceChildren(...sharingChoices(found.teams, Boolean(isStaff)).map(([value, text]) => el("option", { value }, text)));
    byId(id).value = chosen;
  }
  for (const row of credentials) if (row.may_manage) notices.update(row);
  const ids = new Set(credentials.map((row) => row.id));
  for (const id of notices.shown.keys()) if (!ids.has(id)) notices.drop(id);
}

// The list is drawn anew: whoever works with the keyboard stays where they were.
function focusAgain(id, does) {
  const again = byId(id);
  (again?.querySelector(`[data-does="${does}"]`) ?? again ?? byId("title")).focus();
}

// Shows one that is new, or has news.
async function point(id, isFine, message) {
  await load();
  const node = byId(`c-${id}`);
  if (!node) { result(byId("page-notice"), isFine, message); return; }
  for (const old of document.querySelectorAll(".card--new")) old.classList.remove("card--new");
  node.classList.add("card--new");
  node.focus();
  node.scrollIntoView({ block: "nearest" });
  result(said(id), isFine, message);
}

function ended({ credential_id, message }) {
  byId("page-notice").replaceChildren();
  point(credential_id, true, message).catch((error) => toast(error.message));
}

// A vendor sent the browser back to our own address.
async function returned() {
  const id = new URLSearchParams(location.search).get("login");
  if (!id) return;
  history.replaceState({}, "", location.pathname + location.hash);
  const fail = (message) => result(byId("page-notice"), false, message);
  if (!/^[0-9a-f-]{36}$/.test(id)) { fail(WORDS.login.refused); return; }
  try {
    const found = (await api("GET", `/api/logins/${id}/`)).login;
    if (found.status === "done") ended(found);
    else fail(found.message || WORDS.login[found.status] || WORDS.login.gone);
  } catch (error) { fail(error.message); }
}

// Frames come in bunches; the list is asked for once.
let soon = 0;
function loadSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => load().catch(() => {}), 150); // the next one asks again
}

function use(server) {
  form.choose(server.provider, server.url);
  byId("name").focus();
}

login.addEventListener("done", ({ detail }) => { if (!login.request.credential_id) form.clear(); ended(detail); });
imported.addEventListener("done", ({ detail }) => ended({ credential_id: detail.id, message: say(WORDS.imports.imported, detail) }));
form.addEventListener("saved", () => load().catch((error) => toast(error.message)));
byId("import-open").addEventListener("click", () => imported.open());
document.addEventListener("maestro:credentials-changed", () => load().catch((error) => toast(error.message)));
new ChatSocket(socketToken).addEventListener("frame", ({ detail }) => { if (detail.type === "credential") loadSoon(); });
setInterval(() => { if (!document.hidden) loadSoon(); }, AGAIN_MS);

// `?local=` names a kind of server; its address comes from our own look around, never from
// a link: a key must not go where somebody else's link says.
const local = new URLSearchParams(location.search).get("local");

async function begin() {
  const found = await api("GET", "/api/providers/");
  providers = new Map(found.providers.filter((p) => p.auth_types.includes("api_key") || p.logins.length).map((p) => [p.slug, p]));
  form.begin(providers);
  if (location.hash === "#add") byId("name").focus();
  await load();
  await returned();
  if (location.hash.startsWith("#c-")) byId(location.hash.slice(1))?.focus();
  const servers = await offer(byId("local-servers"), credentials, use);
  const asked = local && servers.find((server) => server.provider === local);
  if (asked) use(asked);
}

begin().catch((error) => toast(error.message));
