// library/attach.js: where an entry is attached, and where else it is to be.

import { api } from "../shared/api.js";
import { byId, el, toast } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { LIBRARY } from "./strings.js";

export class LibraryAttach {
  constructor() {
    byId("attach-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.attach().catch((error) => { byId("attach-error").textContent = error.message; byId("attach-error").hidden = false; });
    });
  }

  async open(entry, places) {
    this.entry = entry;
    const { conversations } = await api("GET", "/api/conversations/?limit=50");
    const group = (label, kind, rows) => (rows.length ? el("optgroup", { label }, ...rows.map((row) => el("option", { value: `${kind}:${row.id}` }, row.name))) : "");
    byId("attach-heading").textContent = say(LIBRARY.attachTitle, { title: entry.title });
    byId("attach-place").replaceChildren(...[
      el("option", { value: "" }, LIBRARY.choose),
      group(LIBRARY.toConversation, "conversation", conversations.map((row) => ({ id: row.id, name: row.title || LIBRARY.untitled }))),
      group(LIBRARY.toCredential, "credential", places.credentials),
      group(LIBRARY.toTeam, "team", places.teams.filter((team) => team.may_attach)),
    ].filter(Boolean));
    const versions = Array.from({ length: entry.version }, (_, at) => entry.version - at);
    byId("attach-version").replaceChildren(el("option", { value: "" }, LIBRARY.newest), ...versions.map((n) => el("option", { value: n }, say(LIBRARY.version, { number: n }))));
    byId("attach-error").hidden = true;
    await this.list();
    byId("attach-dialog").showModal();
  }

  async list() {
    const { attachments } = await api("GET", `/api/library/${this.entry.id}/`);
    byId("attach-none").hidden = attachments.length > 0;
    byId("attach-list").replaceChildren(...attachments.map((row) => el("li", { class: "library__entry library__line" },
      el("span", {}, row.credential || say(LIBRARY.team, { name: row.team })),
      el("span", { class: "chunk__why" }, row.version ? say(LIBRARY.atVersion, { number: row.version }) : LIBRARY.newest),
      el("button", { class: "button button--quiet button--small", type: "button", on: { click: () => this.detach(row) } }, LIBRARY.detach))));
  }

  async detach(row) {
    try {
      await api("DELETE", `/api/attachments/${row.id}/`);
      await this.list();
    } catch (error) { toast(error.message); }
  }

  async attach() {
    const [kind, id] = byId("attach-place").value.split(":");
    const version = Number(byId("attach-version").value) || null;
    byId("attach-error").hidden = true;
    if (kind === "conversation") await api("POST", `/api/conversations/${id}/context/`, { library_id: this.entry.id, library_version: version });
    else await api("POST", `/api/library/${this.entry.id}/attach/`, { [`${kind}_id`]: id, version });
    toast(LIBRARY.attached);
    await this.list();
  }
}
