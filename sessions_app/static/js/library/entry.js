// library/entry.js: one entry of the library in the list.

import { el } from "../shared/dom.js";
import { count, moment } from "../shared/format.js";
import { foundWords } from "../shared/found-words.js";
import { say } from "../shared/strings.js";
import { LIBRARY } from "./strings.js";

// `does(name, entry)`: what a button asks for.
export function entryCard(entry, does) {
  const button = (name, label, look = "button--quiet") => el("button", {
    class: `button button--small ${look}`, type: "button", data: { does: name }, "aria-label": `${label}: ${entry.title}`,
    on: { click: () => does(name, entry) },
  }, label);
  return el("li", { class: "card", id: `entry-${entry.id}` },
    el("p", { class: "chunk__head" },
      el("span", { class: "tag tag--calm" }, LIBRARY.kinds[entry.kind] ?? entry.kind),
      el("b", { class: "chunk__title" }, entry.title)),
    el("p", { class: "chunk__preview", dir: "auto" }, ...(entry.found ? foundWords(entry.found) : [entry.preview])),
    el("p", { class: "chunk__why" }, say(LIBRARY.facts, { version: entry.version, tokens: count(entry.tokens), whose: entry.team || entry.owner }), " · ", moment(entry.updated_at)),
    el("p", { class: "card__actions" },
      button("attach", LIBRARY.attach, ""),
      button("history", LIBRARY.history),
      entry.may_change ? button("edit", LIBRARY.edit) : "",
      entry.may_change ? button("remove", LIBRARY.remove, "button--quiet button--danger") : ""));
}
