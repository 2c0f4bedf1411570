// shared/mathml.js: the tree that KaTeX makes of a formula → MathML elements.
//
// Only what is named here is made; of an element that is not, its children. No links, no
// styles, no HTML within, whatever the formula asked KaTeX for.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const ELEMENTS = new Set(["menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow",
  "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover"]);
const FLAG = /^(?:true|false)$/;
const LENGTH = /^[+-]?\d{0,2}(?:\.\d+)?(?:em|ex|pt|px)?$/; // none that leaves the line far behind
const COLOR = /^(?:#[\da-f]{3,8}|[a-z]{3,20})$/i;
const ATTRIBUTES = {
  accent: FLAG, accentunder: FLAG, depth: LENGTH, displaystyle: FLAG, fence: FLAG, height: LENGTH, linethickness: LENGTH,
  lspace: LENGTH, mathbackground: COLOR, mathcolor: COLOR, mathsize: LENGTH, maxsize: LENGTH, minsize: LENGTH,
  movablelimits: FLAG, notation: /^[a-z ]+$/, rspace: LENGTH, scriptlevel: /^[0-3]$/, separator: FLAG,
  stretchy: FLAG, voffset: LENGTH, width: LENGTH,
};
// Where each alphabet begins: capitals, small letters, digits. Browsers no longer read
// `mathvariant`, but for "normal": https://www.w3.org/TR/mathml-core/#the-mathvariant-attribute
const ALPHABETS = {
  bold: [0x1d400, 0x1d41a, 0x1d7ce],
  italic: [0x1d434, 0x1d44e],
  "bold-italic": [0x1d468, 0x1d482],
  script: [0x1d49c, 0x1d4b6],
  "bold-script": [0x1d4d0, 0x1d4ea],
  fraktur: [0x1d504, 0x1d51e],
  "double-struck": [0x1d538, 0x1d552, 0x1d7d8],
  "bold-fraktur": [0x1d56c, 0x1d586],
  "sans-serif": [0x1d5a0, 0x1d5ba, 0x1d7e2],
  "bold-sans-serif": [0x1d5d4, 0x1d5ee, 0x1d7ec],
  "sans-serif-italic": [0x1d608, 0x1d622],
  monospace: [0x1d670, 0x1d68a, 0x1d7f6],
};
// Letters that Unicode had before these alphabets.
const OLDER = {
  italic: { h: "ℎ" },
  script: { B: "ℬ", E: "ℰ", F: "ℱ", H: "ℋ", I: "ℐ", L: "ℒ", M: "ℳ", R: "ℛ", e: "ℯ", g: "ℊ", o: "ℴ" },
  fraktur: { C: "ℭ", H: "ℌ", I: "ℑ", R: "ℜ", Z: "ℨ" },
  "double-struck": { C: "ℂ", H: "ℍ", N: "ℕ", P: "ℙ", Q: "ℚ", R: "ℝ", Z: "ℤ" },
};

function letter(character, variant) {
  const older = OLDER[variant]?.[character];
  if (older) return older;
  const kind = [/[A-Z]/, /[a-z]/, /\d/].findIndex((one) => one.test(character));
  const begins = ALPHABETS[variant]?.[kind];
  return begins ? String.fromCodePoint(begins + character.charCodeAt(0) - "Aa0".charCodeAt(kind)) : character;
}

const inAlphabet = (text, variant) => (Object.hasOwn(ALPHABETS, variant) ? text.replace(/[A-Za-z0-9]/g, (c) => letter(c, variant)) : text);

function make(name, attributes = {}) {
  const node = document.createElementNS(MATHML, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (Object.hasOwn(ATTRIBUTES, key) && ATTRIBUTES[key].test(value)) node.setAttribute(key, value);
  }
  if (name === "mi" && attributes.mathvariant === "normal") node.setAttribute("mathvariant", "normal");
  return node;
}

// `columnalign` is not read by browsers any more either: each cell says it.
function align(table, columns) {
  for (const row of table.children) {
    for (const [at, cell] of [...row.children].entries()) {
      if (["left", "right"].includes(columns[at])) cell.setAttribute("class", `math__${columns[at]}`);
    }
  }
}

function nodesOf(tree, variant = "") {
  if (typeof tree.text === "string" && !tree.children) return [document.createTextNode(inAlphabet(tree.text, variant))];
  if (typeof tree.width === "number" && !tree.children) return [make("mspace", { width: `${tree.width.toFixed(4)}em` })];
  const name = tree.type;
  // The cells beside a numbered row are there to be stretched by KaTeX's own styles.
  if (name === "annotation" || tree.classes?.includes("mtr-glue")) return [];
  const inner = (tree.children ?? []).flatMap((child) => nodesOf(child, tree.attributes?.mathvariant));
  if (!ELEMENTS.has(name)) return inner;
  const node = make(name, tree.attributes);
  node.append(...inner);
  node.normalize();
  if (name === "mtable") align(node, `${tree.attributes.columnalign ?? ""}`.split(" "));
  return [node];
}

// <math> for what KaTeX's __renderToDomTree gave; `isApart`: on lines of its own.
export function mathOf(tree, isApart) {
  const math = document.createElementNS(MATHML, "math");
  if (isApart) math.setAttribute("display", "block");
  const row = document.createElementNS(MATHML, "mrow");
  row.append(...nodesOf(tree));
  math.append(row);
  return math;
}
