// credentials/notices.js: says, above the page, which credential needs its person. Not modal; it goes
// away when the credential works again.

import { api } from "../shared/api.js";
import { byId, el } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { isBroken } from "./facts.js";
import { WORDS } from "./strings.js";

let labels = null; // vendor slug → label; asked for when the first notice needs it

async function labelOf(slug) {
  labels ??= api("GET", "/api/providers/").then((found) => new Map(found.providers.map((p) => [p.slug, p.label])));
  try { return (await labels).get(slug) ?? slug; } catch { labels = null; return slug; }
}

export class CredentialNotices {
  // `link`: its words on this page.
  constructor(link = WORDS.openIt) {
    this.node = byId("credential-notices");
    this.link = link;
    this.shown = new Map(); // credential id → what is said
    this.newest = new Map(); // credential id → what came last of it
  }

  // `row`: {id, provider, name, condition, cause}, from the list or from a frame.
  async update(row) {
    this.newest.set(row.id, row);
    const text = isBroken(row) ? say(WORDS.notices[row.condition], { name: row.name, vendor: await labelOf(row.provider) }) : "";
    const words = text && row.cause ? `${text}: ${row.cause}` : text;
    if (this.newest.get(row.id) !== row) return; // there was news while the label was asked for
    if ((this.shown.get(row.id) ?? "") === words) return; // as it was, or dismissed
    this.shown.set(row.id, words);
    this.drop(row.id);
    if (words) this.node.append(this.notice(row.id, words));
  }

  notice(id, words) {
    const base = document.body.dataset.chatUrl ?? "/";
    return el("p", { class: "credential-notice", data: { id } }, el("span", { class: "credential-notice__text" }, words),
      el("a", { href: `${base}credentials/#c-${id}` }, this.link),
      el("button", { class: "icon-button", type: "button", "aria-label": WORDS.dismiss, on: { click: () => this.drop(id) } }, "✕"));
  }

  drop(id) { [...this.node.children].find((node) => node.dataset.id === id)?.remove(); }

  // On the chat page: what the socket says of any, and the one that is in use.
  watch(socket, picker) {
    socket.addEventListener("frame", ({ detail }) => {
      if (detail.type !== "credential") return;
      this.update(detail.credential);
      picker.changed(detail.credential).catch(() => {}); // the next load finds it, too
    });
    picker.addEventListener("meant", ({ detail }) => { if (detail.may_manage) this.update(detail); });
  }
}
