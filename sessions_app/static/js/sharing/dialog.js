// sharing/dialog.js: with whom a conversation is shared, and what they may do.

import { api } from "../shared/api.js";
import { byId, el, toast } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { WORDS } from "./strings.js";

const VERBS = [["read", WORDS.read], ["take_part", WORDS.takePart]];

export class ShareDialog {
  constructor() {
    byId("share-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const [kind, id] = byId("share-with").value.split(":");
      this.put(kind, id, byId("share-verb").value);
    });
  }

  async open(id) {
    this.path = `/api/conversations/${id}/shares/`;
    try {
      this.draw(await api("GET", this.path));
      byId("share-dialog").showModal();
    } catch (error) { toast(error.message); }
  }

  draw({ shares, teams, people }) {
    byId("share-list").replaceChildren(...shares.map((share) => this.row(share)));
    const taken = new Set(shares.map(({ kind, name }) => `${kind}:${name}`));
    const free = (kind) => ({ name }) => !taken.has(`${kind}:${name}`);
    const options = [
      ...teams.filter(free("team")).map(({ id, name }) => [`team:${id}`, say(WORDS.team, { name })]),
      ...people.filter(free("person")).map(({ id, name }) => [`person:${id}`, name]),
    ];
    byId("share-with").replaceChildren(...options.map(([value, words]) => el("option", { value }, words)));
    byId("share-form").hidden = !options.length;
    byId("share-nobody").hidden = Boolean(teams.length || people.length);
    this.known = new Map([...teams.map((row) => [`team:${row.name}`, row.id]), ...people.map((row) => [`person:${row.name}`, row.id])]);
  }

  row(share) {
    const name = share.kind === "team" ? say(WORDS.team, share) : share.name;
    const verb = el("select", { class: "input", "aria-label": say(WORDS.verbLabel, { name }) },
      ...VERBS.map(([value, words]) => el("option", { value, selected: (value === "take_part") === share.may_take_part }, words)));
    verb.addEventListener("change", () => this.put(share.kind, this.known.get(`${share.kind}:${share.name}`), verb.value));
    return el("li", { class: "shares__item" }, el("span", { class: "shares__name" }, name), verb,
      el("button", { class: "link-button", type: "button", "aria-label": say(WORDS.removeLabel, { name }), on: { click: () => this.do("DELETE", `${this.path}${share.id}/`) } }, WORDS.remove));
  }

  put(kind, id, verb) {
    const whom = kind === "team" ? { team_id: id } : { person_id: Number(id) };
    this.do("POST", this.path, { ...whom, may_take_part: verb === "take_part" });
  }

  async do(method, path, body) {
    try {
      this.draw(await api(method, path, body));
    } catch (error) { toast(error.message); }
  }
}
