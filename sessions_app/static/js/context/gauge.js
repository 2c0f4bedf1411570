// context/gauge.js: how full the model's window is, by kind; and a word before it is too full.

import { byId, el } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { CONTEXT } from "./strings.js";

const KINDS = ["system", "persona", "text", "file", "summary", "message", "tool_result"];

export function drawGauge(gauge) {
  const { used, window: size } = gauge;
  const sent = used + gauge.tools; // the declarations of the tools take their place in the window too
  const percent = size ? Math.min(100, Math.round((100 * sent) / size)) : null;
  const numbers = { n: count(sent), used: count(sent), window: count(size), percent };
  byId("context-numbers").textContent = say(size ? CONTEXT.toggle : CONTEXT.toggleUnknown, numbers);
  byId("context-meter").textContent = percent === null ? count(sent) : `${percent} %`;
  byId("context-used").textContent = say(size ? CONTEXT.usedOf : CONTEXT.used, numbers);
  byId("context-used").dataset.used = used;
  const parts = KINDS.map((kind) => [kind, gauge.by_kind[kind] ?? 0]);
  parts.push(["tools", gauge.tools]);
  const whole = size ?? (sent || 1);
  byId("context-bar").replaceChildren(...parts.filter(([, n]) => n).map(([kind, n]) => {
    const part = el("span", { class: `gauge__part gauge__part--${kind}`, title: `${CONTEXT.kinds[kind]}: ${count(n)}` });
    part.style.inlineSize = `${Math.max(0.4, (100 * n) / whole)}%`;
    return part;
  }));
  byId("context-legend").replaceChildren(...parts.filter(([, n]) => n).map(([kind, n]) => el("li", {},
    el("span", { class: `gauge__dot gauge__part--${kind}`, "aria-hidden": "true" }), `${CONTEXT.kinds[kind]} `, el("b", {}, count(n)))));
  byId("context-says").textContent = [gauge.says, gauge.last ? say(CONTEXT.last, { n: count(gauge.last) }) : ""].filter(Boolean).join(" ");
  const warning = byId("context-warning");
  warning.hidden = !gauge.left_out;
  warning.textContent = gauge.left_out ? say(CONTEXT.leftOut, { n: count(gauge.left_out) }) : "";
  const back = byId("context-back");
  back.hidden = !gauge.removed;
  back.textContent = say(CONTEXT.bringBack, { n: count(gauge.removed) });
}
