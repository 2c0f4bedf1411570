// audits/report-page.js: one audit: how far it is, and its report.

import { api } from "../shared/api.js";
import { byId, el, toast } from "../shared/dom.js";
import { count, moment } from "../shared/format.js";
import { ChatSocket } from "../shared/socket.js";
import { say } from "../shared/strings.js";
import { againButton, compared, cost, counts, isRunning, progress, removeButton, score, stateTag, stopButton } from "./card.js";
import { AuditFilter } from "./filter.js";
import { finding, more } from "./finding.js";
import { AUDIT } from "./strings.js";

const AGAIN_MS = 5_000;
const { auditId, auditsUrl, chatUrl, socketToken } = document.body.dataset;
const filter = new AuditFilter();
let audit = null;
let rows = []; // {severity, rule, file, state, node}

const fact = (name, value) => (value ? [el("dt", {}, name), el("dd", {}, value)] : []);

function facts() {
  const { summary } = audit;
  const names = AUDIT.facts;
  const found = [
    ...fact(names.model, [audit.model, audit.provider].filter(Boolean).join(" · ")),
    ...fact(names.credential, audit.credential),
    ...fact(names.began, moment(audit.created_at)),
    ...fact(names.asked, audit.conversation_id ? el("a", { href: `${chatUrl}c/${audit.conversation_id}/` }, AUDIT.conversation) : ""),
  ];
  if (!summary) return found;
  const { usage } = summary;
  const tokens = { input: count(usage.input_tokens), output: count(usage.output_tokens), requests: count(usage.requests) };
  return [...found,
    ...fact(names.time, say(AUDIT.seconds, { s: summary.duration_s.toFixed(1) })),
    ...fact(names.source, say(AUDIT.read, { files: count(summary.files), lines: count(summary.lines) })),
    ...fact(names.floor, summary.severity_floor === "info" ? "" : AUDIT.severities[summary.severity_floor]),
    ...fact(names.prompt, summary.prompt_version),
    ...fact(names.tokens, `${usage.is_complete ? "" : AUDIT.atLeast}${say(AUDIT.tokens, tokens)}`),
    ...fact(names.cost, cost(usage)),
    ...fact(names.last, audit.previous_id ? el("a", { href: `${auditsUrl}${audit.previous_id}/` }, AUDIT.lastAudit) : "")];
}

function head() {
  const { summary } = audit;
  const hadFocus = byId("audit-head").contains(document.activeElement);
  byId("audit-head").replaceChildren(el("div", { class: "card" },
    el("div", { class: "card__head" }, stateTag(audit), audit.is_demo ? el("span", { class: "tag" }, AUDIT.demo) : "", score(audit)),
    isRunning(audit) ? progress(audit) : "",
    audit.cause ? el("p", { class: `card__cause notice ${audit.state === "failed" ? "notice--error" : ""}`, role: audit.state === "failed" ? "alert" : null }, audit.cause) : "",
    summary ? counts(summary) : "",
    summary?.comparison ? el("p", { class: "card__facts" }, compared(summary)) : "",
    isRunning(audit) || audit.can_repeat ? "" : el("p", { class: "form__help" }, AUDIT.notKept),
    el("dl", { class: "facts" }, ...facts()),
    el("div", { class: "card__actions" }, isRunning(audit) ? stopButton(audit) : againButton(audit, (next) => { location.href = `${auditsUrl}${next.id}/`; }), removeButton(audit, () => { location.href = auditsUrl; }))));
  if (hadFocus) byId("title").focus();
  byId("exports").hidden = !summary || isRunning(audit);
}

// Findings of now, and of the last time that are gone or were not named again.
function all(report) {
  const gone = (list, state) => (list ?? []).map((row) => ({ row, state }));
  return [...report.findings.map((row) => ({ row, state: row.state ?? "" })),
    ...gone(report.comparison?.fixed, "fixed"), ...gone(report.comparison?.unconfirmed, "unconfirmed")];
}

function draw(report, rules) {
  byId("report").hidden = !report;
  if (!report) return;
  rows = all(report).map(({ row, state }) => {
    const intents = (report.intents ?? []).filter((one) => one.files.includes(row.file));
    return { severity: row.severity, rule: row.rule, file: row.file, state, node: finding(row, state, { rules, intents }) };
  });
  filter.begin(rows, rules);
  byId("findings").replaceChildren(...rows.map((row) => row.node));
  byId("more").replaceChildren(...more(report).filter(Boolean));
  show();
}

function show() {
  for (const row of rows) row.node.hidden = !filter.fits(row);
  const n = rows.filter((row) => !row.node.hidden).length;
  byId("shown").textContent = rows.length ? say(AUDIT.shown, { n: count(n), all: count(rows.length) }) : "";
  byId("findings-empty").hidden = n > 0;
  byId("findings-empty").textContent = rows.length ? AUDIT.nothingFits : AUDIT.nothing;
}

async function load() {
  const found = await api("GET", `/api/audits/${auditId}/`);
  audit = found.audit;
  head();
  draw(isRunning(audit) ? null : found.report, found.rules);
}

function news(frame) {
  if (frame.type !== "audit" || frame.audit.id !== auditId) return;
  audit = frame.audit;
  if (isRunning(audit)) head();
  else load().catch((error) => toast(error.message));
}

filter.addEventListener("change", show);
const socket = new ChatSocket(socketToken);
socket.addEventListener("frame", ({ detail }) => news(detail));
const again = () => { if (!audit || isRunning(audit)) load().catch(() => {}); }; // the next one asks again
socket.addEventListener("ready", again);
setInterval(() => { if (!document.hidden) again(); }, AGAIN_MS);
load().catch((error) => toast(error.message));
