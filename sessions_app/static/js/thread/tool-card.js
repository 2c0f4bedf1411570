// thread/tool-card.js: one tool call: what it wants and why, who decided, what came of it.

import { el } from "../shared/dom.js";
import { clock } from "../shared/format.js";
import { STRINGS, say } from "../shared/strings.js";

const words = STRINGS.tool;
const LONG = 600; // characters of a result that are shown unfolded

// Each call gets its intent: by id, and in order where a vendor uses an id again.
export function matchIntents(parts, intents) {
  const free = [...intents.values()].sort((a, b) => a.created_at.localeCompare(b.created_at));
  for (const part of parts) {
    if (part.type !== "tool_call") continue;
    const at = free.findIndex((intent) => intent.call_id === part.call_id);
    if (at >= 0) [part.intent] = free.splice(at, 1);
  }
}

export function toolCard() {
  const head = el("p", { class: "tool__head" });
  const why = el("p", { class: "tool__why" });
  const inside = el("details", { class: "tool__more" });
  const given = el("div", { class: "tool__arguments" });
  const came = el("div", { class: "tool__result" });
  const decide = el("div", { class: "tool__decide" });
  inside.append(el("summary", {}, words.details), given);
  const node = el("section", { class: "tool", "aria-label": words.label }, head, why, decide, inside, came);
  let shown = "";
  return {
    node,
    draw(part) {
      const key = JSON.stringify([part.name, part.arguments, part.intent, part.result, part.text?.length]);
      if (key === shown) return;
      shown = key;
      const { intent } = part;
      const state = intent?.state ?? (part.result ? (part.result.is_error ? "failed" : "done") : "asking");
      head.replaceChildren(el("span", { class: "tool__name" }, part.name ?? ""),
        el("span", { class: `tag ${tagOf(state)}` }, words.states[state] ?? state),
        intent ? el("span", { class: `tag ${intent.effective_risk === "high" ? "tag--bad" : "tag--calm"}` }, riskOf(intent)) : "");
      why.textContent = intent ? `${words.purposes[intent.purpose] ?? intent.purpose}: ${intent.scope}` : "";
      why.hidden = !intent;
      given.textContent = textOf(part);
      drawResult(came, part.result);
      drawDecision(decide, intent);
    },
  };
}

const tagOf = (state) => ({ done: "tag--calm", approved: "tag--calm", started: "tag--calm", failed: "tag--bad", refused: "tag--bad", unknown: "tag--bad" })[state] ?? "";

// Both words are shown where the model's and ours differ.
function riskOf(intent) {
  const risk = say(words.risk, { risk: words.risks[intent.effective_risk] });
  return intent.declared_risk === intent.computed_risk || !intent.declared_risk ? risk
    : say(words.riskDiffers, { risk, declared: words.risks[intent.declared_risk] });
}

function textOf(part) {
  if (!part.arguments) return part.text ?? "";
  const { intent, ...rest } = part.arguments; // the intent is shown as such
  return JSON.stringify(rest, null, 1);
}

function drawResult(came, result) {
  came.hidden = !result;
  if (!result) { came.replaceChildren(); return; }
  const text = el("pre", { class: "tool__output", tabindex: "0" }, result.text);
  came.replaceChildren(result.text.length > LONG
    ? el("details", {}, el("summary", {}, say(words.result, { n: result.text.length.toLocaleString() })), text) : text);
}

function drawDecision(decide, intent) {
  if (!intent) { decide.replaceChildren(); return; }
  if (intent.state !== "requested") {
    const by = intent.decided_by ? say(words.by, { who: intent.decided_by }) : intent.decision_why;
    decide.replaceChildren(el("p", { class: "message__status" }, by, " ", intent.decided_at ? clock(intent.decided_at) : "",
      intent.words ? ` “${intent.words}”` : ""));
    return;
  }
  const button = (name, label, look = "") => el("button", {
    class: `button button--small ${look}`, type: "button", data: { action: name, intent: intent.id } }, label);
  decide.replaceChildren(el("p", { class: "message__status" }, intent.decision_why),
    el("p", { class: "trouble__actions" }, button("approve", words.approve, "button--primary"),
      button("approve-here", words.approveHere), button("refuse", words.refuse, "button--danger")));
}
