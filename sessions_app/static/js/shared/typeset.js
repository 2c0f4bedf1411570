// shared/typeset.js: <span class="math"> with TeX in it → native MathML, by KaTeX.
//
// KaTeX is loaded by the first formula that is shown. Until it is here, if it cannot come, or
// if it does not understand a formula, the source stays. No HTML is made: mathml.js builds
// elements out of KaTeX's tree.

import { mathOf } from "./mathml.js";

const MAX_FORMULAS = 500; // of one piece of text; the rest stays as it is written
const MAX_KEPT = 300;
const OPTIONS = { output: "mathml", trust: false, throwOnError: true, strict: "ignore", maxExpand: 500, maxSize: 20 };
const DELIMITERS = { $$: "$$", "\\[": "\\]", "\\(": "\\)", $: "$" };

let katex = null;
let loading = null;
const waiting = new Set(); // elements whose formulas are drawn when KaTeX is here
const kept = new Map(); // source → its <math>, or null; an answer that grows is drawn often

function parts(source) {
  const opening = Object.keys(DELIMITERS).find((one) => source.startsWith(one));
  if (!opening || !source.endsWith(DELIMITERS[opening])) return null;
  const isApart = opening === "$$" || opening === "\\[";
  return { tex: source.slice(opening.length, -opening.length), isApart };
}

function make({ tex, isApart }) {
  try {
    return mathOf(katex.__renderToDomTree(tex, { ...OPTIONS, displayMode: isApart }), isApart);
  } catch { return null; } // not TeX that KaTeX knows, or too much of it
}

function mathFor(source, found) {
  if (!kept.has(source)) {
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(source, make(found));
  }
  return kept.get(source)?.cloneNode(true);
}

function draw(element) {
  for (const span of [...element.querySelectorAll("span.math")].slice(0, MAX_FORMULAS)) {
    if (span.firstElementChild) continue; // drawn already
    const source = span.textContent;
    const found = parts(source);
    const math = found && mathFor(source, found);
    if (!math) continue;
    span.classList.add(found.isApart ? "math--apart" : "math--inline");
    if (found.isApart) span.tabIndex = 0; // it scrolls
    span.replaceChildren(math);
  }
}

async function load() {
  try {
    katex = (await import("../../vendor/katex-0.19.1/katex.js")).default;
    for (const element of waiting) draw(element);
  } catch (error) {
    console.warn("formulas.failed", error.name);
    loading = null; // the next formula tries again
  }
  waiting.clear();
}

// Draws the formulas in `element`, at once or as soon as KaTeX is loaded.
export function typeset(element) {
  if (katex) return draw(element);
  if (!element.querySelector("span.math")) return undefined;
  waiting.add(element);
  loading ??= load();
  return undefined;
}
