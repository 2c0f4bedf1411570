// audits/list-page.js: the page of audits: the form, and the list that follows what happens.

import { api } from "../shared/api.js";
import { byId, toast } from "../shared/dom.js";
import { ChatSocket } from "../shared/socket.js";
import { card, isRunning } from "./card.js";
import { AuditForm } from "./form.js";
import { AUDIT } from "./strings.js";

const AGAIN_MS = 5_000; // what another process does rings here only where they share a bell
const { auditsUrl, maxBytes, socketToken } = document.body.dataset;
const audits = new Map(); // id → as it was told last
const form = new AuditForm(Number(maxBytes));
const page = { url: auditsUrl, begun, removed: () => { byId("title").focus(); toast(AUDIT.removed); load().catch(() => {}); } };

async function load() {
  const found = (await api("GET", "/api/audits/")).audits;
  const known = new Set(found.map((audit) => audit.id));
  for (const id of audits.keys()) if (!known.has(id)) { audits.delete(id); byId(`audit-${id}`)?.remove(); }
  for (const audit of found.reverse()) update(audit); // the newest is put in front last
  byId("audits-empty").hidden = audits.size > 0;
}

// Drawn anew only when there is news; whoever works with the keyboard stays where they were.
function update(audit) {
  const before = audits.get(audit.id);
  if (JSON.stringify(before) === JSON.stringify(audit)) return;
  audits.set(audit.id, audit);
  const node = card(audit, page);
  const old = byId(`audit-${audit.id}`);
  const does = old?.contains(document.activeElement) ? document.activeElement.dataset.does ?? "name" : "";
  if (old) old.replaceWith(node);
  else byId("audits").prepend(node);
  if (does) (node.querySelector(`[data-does="${does}"]`) ?? node.querySelector("a")).focus();
  byId("audits-empty").hidden = true;
}

function begun(audit) {
  update(audit);
  const node = byId(`audit-${audit.id}`);
  node.scrollIntoView({ block: "nearest" });
  return node;
}

form.addEventListener("begun", ({ detail }) => begun(detail));

const socket = new ChatSocket(socketToken);
socket.addEventListener("frame", ({ detail }) => { if (detail.type === "audit") update(detail.audit); });
socket.addEventListener("ready", () => load().catch(() => {}));
setInterval(() => {
  if (!document.hidden && [...audits.values()].some(isRunning)) load().catch(() => {}); // the next one asks again
}, AGAIN_MS);

load().catch((error) => toast(error.message));
form.loadCredentials().catch((error) => toast(error.message));
