// audits/finding.js: a finding, and the lists beside the findings. What models, code and file names
// say is text.

import { el } from "../shared/dom.js";
import { moment } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { severityTag } from "./card.js";
import { AUDIT } from "./strings.js";

const STATE_TAGS = { new: "tag", unchanged: "tag tag--calm", fixed: "tag tag--calm", unconfirmed: "tag" };

export function span({ start_line: first, end_line: last }) {
  if (!first) return "";
  return say(first === last ? AUDIT.line : AUDIT.lines, { first, last });
}

// The evidence without the indentation that all of its lines share.
function dedented(code) {
  const lines = code.split("\n");
  const indents = lines.filter((line) => line.trim()).map((line) => line.match(/^\s*/)[0].length);
  const shared = Math.min(...indents, 80);
  return lines.map((line) => line.slice(Math.min(shared, line.match(/^\s*/)[0].length))).join("\n");
}

function intent(one) {
  const purpose = AUDIT.purposes[one.purpose] ?? one.purpose;
  return el("li", {}, say(AUDIT.intent, { tool: one.tool, purpose, scope: one.scope }), " ",
    el("span", { class: "form__help" }, one.model, ", ", one.at ? moment(one.at) : ""));
}

// `rules`: what the server knows of them; `intents`: those that wrote this file.
export function finding(row, state, { rules, intents }) {
  const rule = rules[row.rule];
  const isGone = state === "fixed" || state === "unconfirmed";
  return el("li", { class: `finding${isGone ? " finding--gone" : ""}`, data: { rule: row.rule, severity: row.severity, state, fingerprint: row.fingerprint } },
    el("div", { class: "finding__head" }, severityTag(row.severity),
      el("h3", { class: "finding__title" }, rule?.title ?? row.rule),
      state ? el("span", { class: STATE_TAGS[state] ?? "tag" }, AUDIT.findingStates[state]) : "",
      rule?.cwe ? el("a", { href: `https://cwe.mitre.org/data/definitions/${rule.cwe}.html`, rel: "noreferrer noopener", target: "_blank" }, `CWE-${rule.cwe}`) : ""),
    el("p", { class: "finding__place" }, el("code", {}, row.file), ` · ${[span(row), row.symbol ? say(AUDIT.inSymbol, row) : "", say(AUDIT.confidence, row)].filter(Boolean).join(" · ")}`),
    el("pre", { class: "finding__code", tabindex: "0", "aria-label": `${row.file}, ${span(row)}` }, el("code", {}, dedented(row.evidence))),
    el("p", { class: "finding__words" }, row.explanation),
    row.suggestion ? el("p", { class: "finding__words" }, el("b", {}, AUDIT.suggestion), row.suggestion) : "",
    row.relocated ? el("p", { class: "form__help" }, AUDIT.relocated) : "",
    intents.length ? el("details", { class: "finding__why" }, el("summary", {}, AUDIT.why), el("ul", {}, ...intents.map(intent))) : "");
}

function list(title, rows) {
  if (!rows.length) return "";
  return el("details", { class: "audit-more" }, el("summary", {}, `${title} (${rows.length})`), el("ul", {}, ...rows));
}

const plain = (words) => el("li", {}, words);

// What stands below the findings.
export function more(report) {
  const part = (row) => plain([row.file, span(row), row.why].filter(Boolean).join(" · "));
  const claim = (row) => plain([row.rule, row.file, say(AUDIT.line, { first: row.line }), row.why].join(" · "));
  const notRead = report.not_read ?? [];
  return [
    report.omitted?.length ? el("p", { class: "audit-more" }, say(AUDIT.omitted, { n: report.omitted.length })) : "",
    list(AUDIT.intentsTitle, (report.intents ?? []).map((one) => el("li", {}, el("code", {}, one.files.join(", ")), el("ul", {}, intent(one))))),
    list(AUDIT.notRead, notRead.filter((row) => row.is_failure !== false).map(part)),
    list(AUDIT.leftOut, notRead.filter((row) => row.is_failure === false).map(part)),
    list(AUDIT.rejected, (report.rejected ?? []).map(claim)),
  ];
}
