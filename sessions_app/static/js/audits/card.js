// audits/card.js: an audit as the list and the head of its report show it.

import { api } from "../shared/api.js";
import { ask } from "../shared/dialogs.js";
import { el, toast } from "../shared/dom.js";
import { count, moment, money } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { AUDIT } from "./strings.js";

const TAGS = { running: "tag tag--calm", done: "tag tag--calm", stopped: "tag", interrupted: "tag", failed: "tag tag--bad" };

export const isRunning = (audit) => audit.state === "running";

export function severityTag(severity, words = AUDIT.severities[severity] ?? severity) {
  return el("span", { class: `severity severity--${Object.hasOwn(AUDIT.severities, severity) ? severity : "info"}` }, words);
}

export function stateTag(audit) {
  return el("span", { class: TAGS[audit.state] ?? "tag", data: { state: audit.state } }, AUDIT.states[audit.state] ?? audit.state);
}

export function score(audit) {
  if (isRunning(audit) || !audit.summary) return "";
  if (audit.score === null) return el("span", { class: "audit-score" }, AUDIT.noScore);
  return el("span", { class: "audit-score" }, `${AUDIT.score} `, el("b", {}, String(audit.score)), AUDIT.of);
}

export function counts(summary) {
  const found = Object.entries(summary.counts).filter(([, n]) => n);
  if (!found.length) return el("p", { class: "card__facts" }, AUDIT.none);
  const words = ([severity, n]) => say(AUDIT.count, { n: count(n), severity: AUDIT.severities[severity].toLowerCase() });
  return el("ul", { class: "audit-counts" }, ...found.map((pair) => el("li", {}, severityTag(pair[0], words(pair)))));
}

export function compared(summary) {
  if (!summary.comparison) return "";
  return say(AUDIT.compared, summary.comparison) + (summary.comparison.unconfirmed ? say(AUDIT.unconfirmed, summary.comparison) : "");
}

export function progress(audit) {
  const label = say(AUDIT.progress, { done: count(audit.done), total: count(audit.total) });
  const bar = el("progress", { "aria-label": label, max: String(audit.total || 1) });
  if (audit.total) bar.value = audit.done; // without a value it says that nobody knows
  return el("div", { class: "audit-progress" }, bar, el("p", { class: "audit-now" }, audit.total ? `${label}: ${audit.now}` : audit.now));
}

export function stopButton(audit) {
  const isStopping = audit.now === "stopping";
  const press = (event) => {
    event.currentTarget.disabled = true;
    api("POST", `/api/audits/${audit.id}/stop/`).catch((error) => { event.target.disabled = false; toast(error.message); });
  };
  return el("button", { class: "button button--small button--stop", type: "button", data: { does: "stop" }, disabled: isStopping, on: { click: press } },
    isStopping ? AUDIT.stopping : AUDIT.stop);
}

// The same source once more. `then`: called with the audit that has begun.
export function againButton(audit, then) {
  const press = async ({ currentTarget: button }) => {
    if (!audit.can_repeat) { toast(AUDIT.notKept); return; } // it can be reached and asked why
    button.disabled = true;
    try {
      then((await api("POST", `/api/audits/${audit.id}/again/`)).audit);
    } catch (error) { toast(error.message); }
    button.disabled = false;
  };
  return el("button", {
    class: "button button--small", type: "button", data: { does: "again" }, "aria-label": `${AUDIT.again}: ${audit.source}`,
    "aria-disabled": audit.can_repeat ? null : "true", title: audit.can_repeat ? null : AUDIT.notKept, on: { click: press },
  }, AUDIT.again);
}

// `then`: called when it is gone.
export function removeButton(audit, then) {
  const press = async () => {
    if (!(await ask({ title: AUDIT.removeTitle, text: say(AUDIT.removeText, audit), ok: AUDIT.remove, isDanger: true }))) return;
    try {
      await api("DELETE", `/api/audits/${audit.id}/`);
      then();
    } catch (error) { toast(error.message); }
  };
  return el("button", { class: "button button--small button--danger", type: "button", data: { does: "remove" }, "aria-label": `${AUDIT.remove}: ${audit.source}`, on: { click: press } }, AUDIT.remove);
}

export function cost(usage) {
  return usage.cost_usd === null ? "–" : say(AUDIT.cost, { cost: money(usage.cost_usd), date: usage.price_date });
}

// One audit in the list.
export function card(audit, page) {
  const { summary } = audit;
  return el("li", { class: "card", id: `audit-${audit.id}`, tabindex: "-1" },
    el("div", { class: "card__head" },
      el("a", { class: "audit-name", href: `${page.url}${audit.id}/` }, audit.source),
      stateTag(audit), audit.is_demo ? el("span", { class: "tag" }, AUDIT.demo) : "", score(audit)),
    isRunning(audit) ? progress(audit) : "",
    audit.cause ? el("p", { class: "card__cause" }, audit.cause) : "",
    summary ? counts(summary) : "",
    summary?.comparison ? el("p", { class: "card__facts" }, compared(summary)) : "",
    el("p", { class: "card__facts" }, [audit.model, audit.provider, audit.credential].filter(Boolean).join(" · "), " · ",
      moment(audit.created_at), summary ? ` · ${cost(summary.usage)}` : ""),
    el("div", { class: "card__actions" }, isRunning(audit) ? stopButton(audit) : againButton(audit, page.begun), removeButton(audit, page.removed)));
}
