// shared/markdown.js: text of a model → safe HTML. Markdown → highlight → sanitise last → one sink.
//
// Raw HTML in the text is shown as text. Images never load: they become links that show
// their whole address. While an answer streams, finished blocks stay as they are and only
// the open tail is drawn again; when it is over, the whole is drawn once, so the result is
// the same however it came. Formulas pass the sanitiser as text; typeset.js makes elements of it.

import DOMPurify from "../../vendor/dompurify-3.4.18/purify.js";
import hljs from "../../vendor/highlight-11.12.0/highlight.js";
import { Marked } from "../../vendor/marked-18.2.1/marked.js";
import { copyText } from "./clipboard.js";
import { el, toast } from "./dom.js";
import { formulas } from "./formulas.js";
import { STRINGS, say } from "./strings.js";
import { typeset } from "./typeset.js";

const TAGS = ["a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6",
  "hr", "input", "li", "ol", "p", "pre", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"];
const CONFIG = {
  ALLOWED_TAGS: TAGS.filter((tag) => tag !== "input"),
  ALLOWED_ATTR: ["href", "class", "start", "align", "rel", "target", "title"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ADD_URI_SAFE_ATTR: ["start", "align", "rel", "target"], // their values are not addresses
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOW_UNKNOWN_PROTOCOLS: false,
};
const policy = globalThis.trustedTypes?.createPolicy("maestro", {
  createHTML: (html) => DOMPurify.sanitize(html, CONFIG),
}) ?? { createHTML: (html) => DOMPurify.sanitize(html, CONFIG) };

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const ENTITY = /&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|\w+);)|[<>"']/gi;
const escapeText = (text) => text.replace(ENTITY, (c) => `&#${c.charCodeAt(0)};`);
const isSafe = (url) => /^(https?:\/\/|mailto:)/i.test(url.trim()) && URL.canParse(url.trim());
// As the browser will read it: no letters that look like others, none that turn the line.
const plain = (url) => (isSafe(url) ? new URL(url.trim()).href : url);
const anchor = (url, inner) => `<a href="${escape(url.trim())}" target="_blank" rel="noopener noreferrer">${inner}</a>`;

let isStreaming = false; // an open code block is not highlighted at every frame

const marked = new Marked({
  gfm: true,
  breaks: false,
  renderer: {
    html: ({ text }) => escape(text),
    // Between <pre>, <code>, <kbd> marked would take text for HTML that is already escaped.
    text(token) { return token.tokens ? this.parser.parseInline(token.tokens) : escapeText(token.text); },
    image({ href, text }) {
      const words = escape(say(STRINGS.imageLink, { url: plain(href) }) + (text ? ` (${text})` : ""));
      return isSafe(href) ? anchor(href, words) : words;
    },
    link({ href, tokens }) {
      const inner = this.parser.parseInline(tokens);
      return isSafe(href) ? anchor(href, inner) : inner;
    },
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code({ text, lang }) {
      const name = (lang ?? "").split(/\s/)[0].replace(/[^\w+#-]/g, "").toLowerCase();
      const known = name && hljs.getLanguage(name) && text.length < 100_000 && !isStreaming;
      const inner = known ? hljs.highlight(text, { language: name, ignoreIllegals: true }).value : escape(text);
      return `<pre><code class="hljs${name ? ` language-${escape(name)}` : ""}">${inner}</code></pre>`;
    },
  },
});
marked.use(formulas({ escape, isStreaming: () => isStreaming }));

function fill(element, text, streaming = false) {
  isStreaming = streaming;
  try {
    element.innerHTML = policy.createHTML(marked.parse(text));
    decorate(element);
    typeset(element);
  } catch (error) {
    console.warn("markdown.failed", error.name); // nested too deeply, most likely
    element.textContent = text;
  } finally {
    isStreaming = false;
  }
}

// Frames around code and tables are ours and made of elements, after the sanitiser.
function decorate(element) {
  for (const pre of element.querySelectorAll("pre")) {
    const code = pre.querySelector("code");
    const name = [...(code?.classList ?? [])].find((c) => c.startsWith("language-"))?.slice(9) ?? "";
    const copy = el("button", { class: "message__action", type: "button", data: { copyCode: "" } }, STRINGS.copyCode);
    const frame = el("div", { class: "code" }, el("div", { class: "code__head" }, el("span", {}, name), copy));
    pre.replaceWith(frame);
    pre.tabIndex = 0;
    frame.append(pre);
  }
  for (const table of element.querySelectorAll("table")) {
    const scroll = el("div", { class: "prose__scroll", tabindex: "0" });
    table.replaceWith(scroll);
    scroll.append(table);
  }
}

function lexOpen(text) {
  isStreaming = true;
  try { return marked.lexer(text); } catch { return []; } // too deep: all of it is the tail
  finally { isStreaming = false; }
}

export function render(element, text) {
  element.replaceChildren();
  fill(element, text);
}

// Grows with an answer. `update(text)` takes the whole text so far; `settle()` ends it.
export class GrowingMarkdown {
  constructor(element) {
    this.element = element;
    this.reset();
  }

  reset() {
    this.element.replaceChildren();
    this.text = "";
    this.stable = 0; // characters that are in finished blocks
    this.tail = null;
  }

  update(whole) {
    const text = whole.replace(/\r\n?/g, "\n"); // as marked counts
    if (!text.startsWith(this.text)) this.reset();
    this.text = text;
    const tokens = lexOpen(text.slice(this.stable));
    let last = tokens.length - 1;
    while (last > 0 && tokens[last].type === "space") last -= 1;
    let done = "";
    for (let i = 0; i < last; i += 1) done += tokens[i].raw;
    if (done.trim()) {
      const block = el("div", { class: "prose__block" });
      fill(block, done);
      this.element.insertBefore(block, this.tail);
      this.stable += done.length;
    }
    if (!this.tail) this.tail = this.element.appendChild(el("div", { class: "prose__block" }));
    fill(this.tail, text.slice(this.stable), true);
  }

  settle() {
    render(this.element, this.text);
    this.stable = this.text.length;
    this.tail = null;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-code]");
  if (!button) return;
  try {
    await copyText(button.closest(".code").querySelector("pre").textContent);
  } catch (error) { toast(error.message); return; }
  button.textContent = STRINGS.copied;
  setTimeout(() => { button.textContent = STRINGS.copyCode; }, 1500);
});
