// context/chunk.js: one part of the context in the list: what, why, how large, and what to do.

import { el } from "../shared/dom.js";
import { count, moment } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { canMove } from "./order.js";
import { CONTEXT } from "./strings.js";

const EDITABLE = new Set(["system", "persona", "text", "file", "summary", "message"]);

export const domId = (id) => `context-chunk-${id}`;

export function chunkNode(chunk) {
  const node = el("li", { class: "chunk", id: domId(chunk.id) });
  drawChunk(node, chunk);
  return node;
}

export function drawChunk(node, chunk) {
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.do : null;
  node.chunk = chunk;
  node.dataset.kind = chunk.kind;
  node.dataset.tokens = chunk.is_sent ? chunk.tokens : 0;
  node.classList.toggle("chunk--out", !chunk.is_sent);
  node.replaceChildren(head(chunk), preview(chunk), foot(chunk), buttons(chunk));
  if (focused) node.querySelector(`[data-do="${focused}"]`)?.focus({ preventScroll: true });
}

function head(chunk) {
  const title = chunk.title && chunk.title !== CONTEXT.kinds[chunk.kind] ? chunk.title : "";
  return el("p", { class: "chunk__head" },
    canMove(chunk) ? el("span", { class: "chunk__handle", title: CONTEXT.drag, "aria-hidden": "true" }, "⠿") : "",
    el("span", { class: `chunk__kind chunk__kind--${chunk.kind}` }, CONTEXT.kinds[chunk.kind] ?? chunk.kind),
    el("span", { class: "chunk__title" }, title),
    el("span", { class: "chunk__tokens" }, say(CONTEXT.tokens, { n: count(chunk.tokens) })));
}

const preview = (chunk) => el("p", { class: "chunk__preview", dir: "auto" }, chunk.preview + (chunk.length > chunk.preview.length ? " …" : ""));

function foot(chunk) {
  const tags = [];
  if (chunk.state === "writing") tags.push(CONTEXT.writing);
  else if (chunk.state === "failed") tags.push(CONTEXT.failed);
  else if (!chunk.is_sent) tags.push(CONTEXT.notSent);
  if (chunk.pinned) tags.push(CONTEXT.pinned);
  if (chunk.edited) tags.push(CONTEXT.edited);
  const about = [chunk.source && chunk.source !== chunk.title ? chunk.source : "", chunk.state === "ready" ? chunk.why : chunk.cause]
    .filter(Boolean).join(" · ");
  return el("p", { class: "chunk__why" },
    ...tags.map((tag) => el("span", { class: `tag ${tag === CONTEXT.failed ? "tag--bad" : "tag--calm"}` }, tag)),
    about, " ", chunk.created_at ? moment(chunk.created_at) : "");
}

function buttons(chunk) {
  const isReady = chunk.state === "ready";
  const made = [
    isReady && button("pin", chunk.pinned ? CONTEXT.unpin : CONTEXT.pin, "⚑", chunk.pinned),
    isReady && button("exclude", chunk.excluded ? CONTEXT.include : CONTEXT.exclude, chunk.excluded ? "+" : "⊘", chunk.excluded),
    canMove(chunk) && button("up", CONTEXT.up, "↑"),
    canMove(chunk) && button("down", CONTEXT.down, "↓"),
    isReady && (EDITABLE.has(chunk.kind) ? button("edit", CONTEXT.edit, "✎") : button("show", CONTEXT.show, "⤢")),
    button("remove", CONTEXT.remove, "✕"),
  ];
  return el("p", { class: "chunk__actions" }, ...made.filter(Boolean));
}

function button(name, label, sign, pressed) {
  const properties = { class: "icon-button chunk__do", type: "button", data: { do: name }, "aria-label": label, title: label };
  if (pressed !== undefined) properties["aria-pressed"] = String(pressed);
  return el("button", properties, el("span", { "aria-hidden": "true" }, sign));
}
