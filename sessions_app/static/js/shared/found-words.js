// shared/found-words.js: a piece of text with the words in it that somebody looked for.

import { el } from "./dom.js";

// `marks`: [from, to) in characters, as the server counts them.
export function foundWords({ text, marks }) {
  const characters = [...text];
  const nodes = [];
  let at = 0;
  for (const [start, end] of marks) {
    nodes.push(characters.slice(at, start).join(""), el("mark", {}, characters.slice(start, end).join("")));
    at = end;
  }
  nodes.push(characters.slice(at).join(""));
  return nodes.filter((node) => node !== "");
}
