// library/page.js: the page of the library: find, add, edit, versions, attach, delete.

import { api } from "../shared/api.js";
import { ask } from "../shared/dialogs.js";
import { byId, el, toast } from "../shared/dom.js";
import { moment } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { LibraryAttach } from "./attach.js";
import { entryCard } from "./entry.js";
import { LIBRARY } from "./strings.js";

const PAUSE_MS = 200;
const attaching = new LibraryAttach();
const told = (work) => work.catch((error) => toast(error.message));
let places = { teams: [], credentials: [] };
let edited = null; // the entry in the form; null: a new one
let waiting = 0;

async function load() {
  const query = byId("library-search").value.trim();
  const found = await api("GET", `/api/library/?${new URLSearchParams({ q: query })}`);
  if (query !== byId("library-search").value.trim()) return; // they typed on
  places = found;
  const held = byId("library-entries").contains(document.activeElement) ? document.activeElement : null;
  const key = held && [held.closest("li").id, held.dataset.does];
  byId("library-entries").replaceChildren(...found.entries.map((entry) => entryCard(entry, (name, one) => told(does[name](one)))));
  if (key) (byId(key[0])?.querySelector(`[data-does="${key[1]}"]`) ?? byId("title")).focus();
  byId("library-none").hidden = found.entries.length > 0;
  byId("library-none").textContent = query ? LIBRARY.noneFound : LIBRARY.empty;
}

const does = {
  attach: (entry) => attaching.open(entry, places),

  async edit(entry) {
    edited = entry;
    const text = entry ? (await api("GET", `/api/library/${entry.id}/`)).entry.text : "";
    byId("entry-heading").textContent = entry ? say(LIBRARY.editTitle, { title: entry.title }) : LIBRARY.add;
    for (const node of document.querySelectorAll("[data-new-only]")) node.hidden = Boolean(entry);
    byId("entry-kind").replaceChildren(...Object.entries(LIBRARY.kinds).map(([value, words]) => el("option", { value }, words)));
    byId("entry-team").replaceChildren(el("option", { value: "" }, LIBRARY.mine), ...places.teams.filter((team) => team.is_member).map((team) => el("option", { value: team.id }, say(LIBRARY.team, { name: team.name }))));
    byId("entry-title").value = entry?.title ?? "";
    byId("entry-text").value = text;
    byId("entry-error").hidden = true;
    byId("entry-dialog").showModal();
  },

  async history(entry) {
    const { entry: now, versions } = await api("GET", `/api/library/${entry.id}/`);
    byId("history-heading").textContent = say(LIBRARY.historyTitle, { title: now.title });
    byId("history-list").replaceChildren(...versions.map((version) => versionRow(now, version)));
    if (!byId("history-dialog").open) byId("history-dialog").showModal();
  },

  async remove(entry) {
    const sure = await ask({ title: say(LIBRARY.removeTitle, { title: entry.title }), text: LIBRARY.removeText, ok: LIBRARY.remove, isDanger: true });
    if (!sure) return;
    await api("DELETE", `/api/library/${entry.id}/`);
    await load();
    byId("title").focus();
  },
};

function versionRow(entry, version) {
  const isNow = version.number === entry.version;
  const restore = async () => {
    await api("PATCH", `/api/library/${entry.id}/`, { title: version.title, text: version.text });
    toast(say(LIBRARY.restored, { title: version.title, number: version.number }));
    await Promise.all([does.history(entry), load()]);
  };
  return el("li", { class: "library__entry" },
    el("p", { class: "chunk__head" }, el("b", {}, say(LIBRARY.version, { number: version.number })), isNow ? el("span", { class: "tag tag--calm" }, LIBRARY.now) : "",
      el("span", { class: "chunk__title" }, version.title)),
    el("details", {}, el("summary", {}, version.text.slice(0, 120)), el("pre", { class: "dialog__code", dir: "auto" }, version.text)),
    el("p", { class: "library__line" }, el("span", { class: "chunk__why" }, `${version.author} · ${moment(version.created_at)}`),
      isNow || !entry.may_change ? "" : el("button", { class: "button button--small", type: "button", "aria-label": `${LIBRARY.restore}: ${say(LIBRARY.version, { number: version.number })}`, on: { click: () => told(restore()) } }, LIBRARY.restore)));
}

async function save() {
  const words = { title: byId("entry-title").value, text: byId("entry-text").value };
  if (edited) await api("PATCH", `/api/library/${edited.id}/`, { ...words, version: edited.version });
  else await api("POST", "/api/library/", { ...words, kind: byId("entry-kind").value, team_id: byId("entry-team").value || null });
  byId("entry-dialog").close();
  await load();
}

byId("entry-form").addEventListener("submit", (event) => {
  event.preventDefault();
  save().catch((error) => { byId("entry-error").textContent = error.message; byId("entry-error").hidden = false; });
});
byId("entry-new").addEventListener("click", () => told(does.edit(null)));
byId("library-search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => told(load()), PAUSE_MS);
});
told(load());
