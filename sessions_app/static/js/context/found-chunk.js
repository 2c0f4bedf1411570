// context/found-chunk.js: opens the context panel at a part of it that a search found, and marks it.

import { byId } from "../shared/dom.js";
import { domId } from "./chunk.js";

const PATIENCE_MS = 5000; // for the panel's list to arrive
const MARGIN = 12; // pixels above the part

// `place`: {id, text, marks}. Whether it is there: it may have been taken out of the context.
export async function showFoundChunk(panel, place) {
  const { id } = panel;
  panel.exact.close();
  panel.search.clear();
  panel.toggle(true);
  const key = domId(place.id);
  const node = (await listed(panel, key)) ?? (await searched(panel, key, place));
  if (panel.id !== id || !panel.isOpen) return true; // they went elsewhere
  if (!node) return false;
  for (const one of panel.list.children) one.classList.toggle("chunk--found", one === node);
  panel.search.mark(node, place);
  node.tabIndex = -1;
  node.focus({ preventScroll: true });
  scrollTo(node);
  requestAnimationFrame(() => scrollTo(node)); // heights out of sight were estimates
  return true;
}

// The part, as soon as the whole list was drawn; null where that is without it.
function listed(panel, key) {
  return new Promise((resolve) => {
    const known = byId(key);
    if (known) { resolve(known); return; }
    const end = () => { clearTimeout(waiting); panel.list.removeEventListener("maestro:context", end); resolve(byId(key)); };
    const waiting = setTimeout(end, PATIENCE_MS);
    panel.list.addEventListener("maestro:context", end);
  });
}

// What is older is not listed: the panel's own search shows it.
async function searched(panel, key, { text, marks }) {
  const characters = [...text];
  const words = marks.map(([start, end]) => characters.slice(start, end).join(""));
  panel.search.box.value = [...new Set(words)].join(" ");
  await panel.search.ask();
  const node = byId(key);
  if (!node) panel.search.clear();
  return node;
}

// Within the list alone: scrollIntoView would move the page, too.
function scrollTo(node) {
  const scroller = byId("context-list");
  scroller.scrollTop += node.getBoundingClientRect().top - scroller.getBoundingClientRect().top - MARGIN;
}
