// thread/answer-segments.js: how each kind of part looks. Each is {node, draw(part, isOver, isLast)}.

import { el } from "../shared/dom.js";
import { GrowingMarkdown, render } from "../shared/markdown.js";
import { STRINGS, say } from "../shared/strings.js";
import { toolCard } from "./tool-card.js";

export function makeSegment(type) {
  if (type === "text") return textSegment();
  if (type === "reasoning") return reasoningSegment();
  if (type === "refusal") return refusalSegment();
  if (type === "steer") return steerSegment();
  if (type === "note") return noteSegment();
  return type === "tool_call" ? toolCard() : toolSegment();
}

function textSegment() {
  const prose = el("div", { class: "prose" });
  const sources = el("ol", { class: "sources", hidden: true, "aria-label": STRINGS.sources });
  const growing = new GrowingMarkdown(prose);
  let drawn = null;
  return {
    node: el("div", {}, prose, sources),
    draw(part, isOver) {
      if (isOver) { growing.text = part.text; growing.settle(); }
      else if (part.text !== drawn) growing.update(part.text);
      drawn = part.text;
      drawSources(sources, part.citations ?? []);
    },
  };
}

function drawSources(list, citations) {
  const seen = new Map();
  for (const cited of citations) if (/^https?:\/\//.test(cited.url ?? "")) seen.set(cited.url, cited.title || cited.url);
  list.hidden = seen.size === 0;
  list.replaceChildren(...[...seen].map(([url, title]) =>
    el("li", {}, el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, title))));
}

function reasoningSegment() {
  const summary = el("summary", {}, STRINGS.thinking);
  const prose = el("div", { class: "prose" });
  const node = el("details", { class: "reasoning" }, summary, prose);
  return {
    node,
    draw(part, isOver, isLast) {
      node.hidden = !part.text;
      const seconds = part.since ? Math.max(1, Math.round((part.until - part.since) / 1000)) : 0;
      if (!isLast || isOver) summary.textContent = seconds ? say(STRINGS.thought, { s: seconds }) : STRINGS.reasoning;
      render(prose, part.text);
    },
  };
}

function refusalSegment() {
  const text = el("p", {});
  return {
    node: el("div", { class: "notice" }, el("strong", {}, STRINGS.refused), text),
    draw(part) { text.textContent = part.text; },
  };
}

function toolSegment() {
  const name = el("span", { class: "tool__name" });
  const inside = el("div", { class: "tool__arguments" });
  return {
    node: el("div", { class: "tool" }, name, inside),
    draw(part) {
      name.textContent = `${part.name ?? ""}${part.status ? ` · ${part.status}` : ""}`;
      const data = part.arguments ?? part.detail;
      inside.textContent = data ? JSON.stringify(data, null, 1) : part.text;
    },
  };
}

// What the person said while the answer was on its way, where it was said.
function steerSegment() {
  const text = el("p", { class: "steer__text", dir: "auto" });
  return {
    node: el("div", { class: "steer" }, el("span", { class: "visually-hidden" }, `${STRINGS.you}: `), text),
    draw(part) { text.textContent = part.text; },
  };
}

// Why somebody else answers from here on.
function noteSegment() {
  const node = el("p", { class: "notice step-note" });
  return { node, draw(part) { node.textContent = part.text; } };
}
