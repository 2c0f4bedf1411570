// sharing/access.js: what this person may do with the open conversation: "own", "take_part" or
// "read". The page's CSS hides what they may not; the server decides.

import { byId } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { WORDS } from "./strings.js";

const me = Number(document.body.dataset.person);

export const isMine = (row) => row.owner_id === null || row.owner_id === undefined || row.owner_id === me;
export const isMe = (id) => id === null || id === undefined || id === me;

// Who asked, or the owner, may stop an answer and decide about its tools.
export const mayControl = (run) => document.body.dataset.access === "own" || isMe(run?.by);

// What a head says above a question: nobody's name where it is one's own.
export const nameOf = (message, own) => (message.author && !isMe(message.author.id) ? message.author.name : own);

let shown = { access: "own", owner: "" };

// `conversation` null: a new one.
export function showAccess(conversation, access = shown.access, owner = shown.owner) {
  shown = conversation ? { access, owner } : { access: "own", owner: "" };
  document.body.dataset.access = shown.access;
  const isOwn = shown.access === "own";
  const badge = byId("shared-badge");
  badge.hidden = isOwn && !conversation?.is_shared;
  badge.textContent = isOwn ? WORDS.shared : say(WORDS.sharedBy, shown);
  badge.disabled = !isOwn;
  byId("read-only").textContent = shown.access === "read" ? say(WORDS.readOnly, shown) : "";
  byId("read-only").hidden = shown.access !== "read";
}
