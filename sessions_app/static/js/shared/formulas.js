// shared/formulas.js: finds formulas in Markdown: $x$, \(x\) in a line, $$x$$, \[x\] apart.
//
// A formula becomes <span class="math"> with its whole source as text, delimiters included:
// it passes the sanitiser as text, and is readable where it is never typeset (typeset.js).
// No formula holds a backtick or a blank line, so none reaches into code or the next block.

const MAX_INLINE = 2_000; // characters
const MAX_BLOCK = 5_000;

const LINE = "\\n(?![ \\t]*\\n)"; // the end of a line, no blank one after it
const DOLLAR = `(?:\\\\[^\\n]|[^\\\\$\`\\n]|${LINE})`;
const DOLLARS = `(?:\\\\[^\\n]|[^\\\\$\`\\n]|\\$(?!\\$)|${LINE})`;
const ROUND = `(?:\\\\[^)\\n]|[^\\\\\`\\n]|${LINE})`;
const SQUARE = `(?:\\\\[^\\]\\n]|[^\\\\\`\\n]|${LINE})`;
// Prices stay text: no space just inside, no letter and no digit just after.
const IN_LINE = `\\$(?![\\s$])${DOLLAR}{1,${MAX_INLINE}}?(?<!\\s)\\$(?![\\w$])|\\\\\\(${ROUND}{1,${MAX_INLINE}}\\\\\\)`;
const APART = `\\$\\$${DOLLARS}{1,${MAX_BLOCK}}?\\$\\$(?!\\$)|\\\\\\[${SQUARE}{1,${MAX_BLOCK}}\\\\\\](?!\\()`;

const INLINE = new RegExp(`^(?:${APART}|${IN_LINE})`);
const ANYWHERE = new RegExp(`${APART}|${IN_LINE}`, "g");
const BLOCK = new RegExp(`^ {0,3}(?:${APART})[ \\t]*(?:\\n|$)`);
const INLINE_START = /(?<![\w$])\$|\\[([]/; // not the dollar of US$
const BLOCK_START = /\n[ \t]*\n|\n(?= {0,3}(?:\$\$|\\\[))/; // or the paragraph is over
const OPEN = /^ {0,3}(\$\$|\\[([])/;
const CLOSING = { $$: "$$", "\\[": "\\]", "\\(": "\\)" };

const source = (raw) => raw.trim();
const isEmpty = (raw) => source(raw).replace(/^(?:\$\$?|\\.)\s*|(?:\$\$?|\\.)$/g, "") === "";

// The rest of `src`, if a formula begins there and its end has not come yet.
function openPart(src, limit) {
  const opening = OPEN.exec(src);
  if (!opening || src.length > limit || /`|\n[ \t]*\n/.test(src)) return "";
  return src.includes(CLOSING[opening[1]], opening[0].length) ? "" : src;
}

// `isStreaming()`: whether text is still coming; then an open formula stays as it is written,
// where Markdown would take its backslashes, and its signs for lists and emphasis.
export function formulas({ escape, isStreaming }) {
  const span = (raw) => `<span class="math">${escape(source(raw))}</span>`;
  const find = (type, pattern, limit) => (src) => {
    const raw = pattern.exec(src)?.[0];
    if (raw && !isEmpty(raw)) return { type, raw, isOpen: false };
    const open = isStreaming() && openPart(src, limit);
    return open ? { type, raw: open, isOpen: true } : undefined;
  };
  const shown = ({ raw, isOpen }) => (isOpen ? escape(raw) : span(raw));
  return {
    extensions: [
      {
        name: "formulaBlock",
        level: "block",
        start(src) {
          const found = BLOCK_START.exec(src);
          return found && !/^\n[ \t]*\n/.test(found[0]) ? found.index + 1 : undefined;
        },
        tokenizer: find("formulaBlock", BLOCK, MAX_BLOCK),
        renderer: (token) => `<p>${shown(token)}</p>\n`,
      },
      {
        name: "formula",
        level: "inline",
        start: (src) => INLINE_START.exec(src)?.index,
        tokenizer: find("formula", INLINE, MAX_INLINE),
        renderer: shown,
      },
    ],
    // No star or underscore of a formula opens or closes emphasis.
    hooks: { emStrongMask: (src) => src.replace(ANYWHERE, (raw) => `[${"a".repeat(raw.length - 2)}]`) },
  };
}
