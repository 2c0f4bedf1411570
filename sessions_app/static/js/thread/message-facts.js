// thread/message-facts.js: what an answer was and cost, and every request that was made for it.

import { api } from "../shared/api.js";
import { el, toast } from "../shared/dom.js";
import { clock, count, money, seconds } from "../shared/format.js";
import { STRINGS, say } from "../shared/strings.js";
import { showSent } from "./sent-requests.js";

export function facts(run) {
  const usage = run.usage ?? {};
  const output = usage.output_tokens ? `${usage.is_estimate ? "≈ " : ""}${count(usage.output_tokens)}` : "";
  const cost = run.cost_usd === null || run.cost_usd === undefined ? ""
    : say(STRINGS.costNote, { cost: money(run.cost_usd), date: run.price_date });
  const rows = [
    ["credential", `${run.credential.name} (${run.credential.provider})`],
    ["model", run.model],
    ["effort", run.reasoning_effort],
    ["input", count(usage.input_tokens)],
    ["cached", usage.cached_input_tokens ? count(usage.cached_input_tokens) : null],
    ["output", output || count(usage.output_tokens)],
    ["reasoning", usage.reasoning_tokens ? count(usage.reasoning_tokens) : null],
    ["cost", cost || null],
    ["first", seconds(run.started_at, run.first_event_at)],
    ["total", seconds(run.started_at, run.finished_at)],
    ["stop", run.stop_reason || run.status],
  ].filter(([, value]) => value);
  const short = [run.credential.name, output && `${output} tokens`, cost.split(",")[0]];
  const tried = el("div", { class: "attempts" });
  const node = el("details", { class: "message__facts" },
    el("summary", {}, short.filter(Boolean).join(" · ")),
    el("dl", { class: "facts" }, ...rows.flatMap(([key, value]) => [el("dt", {}, STRINGS.facts[key]), el("dd", {}, value)])), tried,
    el("p", {}, el("button", { class: "link-button", type: "button", on: { click: () => showSent(run).catch((error) => toast(error.message)) } }, STRINGS.sent.show)));
  node.addEventListener("toggle", () => { if (node.open) attempts(run, tried); });
  return node;
}

// Asked for when somebody looks.
async function attempts(run, place) {
  let found = [];
  try { ({ attempts: found } = await api("GET", `/api/runs/${run.id}/attempts/`)); } catch { return; }
  if (!found.length) return;
  place.replaceChildren(el("p", { class: "message__status" }, STRINGS.attempts.title),
    el("ol", { class: "attempts__list" }, ...found.map((one) => el("li", {},
      clock(one.started_at), ` ${one.credential} (${one.provider}, ${one.model}): `,
      ...(one.retry_class ? [el("span", { class: "tag tag--calm" }, STRINGS.attempts.classes[one.retry_class] ?? one.retry_class)] : []),
      ` ${one.error?.message ?? ""} `, el("em", {}, say(STRINGS.attempts.actions[one.action] ?? one.action, { s: Math.max(1, Math.round(one.wait_s)) }))))));
}
