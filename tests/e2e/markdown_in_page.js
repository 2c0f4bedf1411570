// Draws every text in the page as the page itself would: streamed one character at a time,
// and whole. Returns what is wrong, as sentences; nothing wrong is an empty list.
async ({ module, texts, isStreamed }) => {
  const { GrowingMarkdown, render } = await import(module);
  const TAGS = new Set(("A BLOCKQUOTE BR BUTTON CODE DEL DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE "
    + "SPAN STRONG TABLE TBODY TD TH THEAD TR UL").split(" "));
  const ATTRIBUTES = new Set(["href", "class", "start", "align", "rel", "target", "title",
    "tabindex", "type", "data-copy-code"]);
  const MATHML = new Set(("math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub "
    + "msubsup msup mtable mtd mtext mtr munder munderover").split(" "));
  const OF_MATHML = new Set(("accent accentunder class depth display displaystyle fence height linethickness lspace "
    + "mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits notation rspace scriptlevel separator "
    + "stretchy voffset width").split(" "));
  const CLASSES = /^(math(--(apart|inline)|__(left|right))?|hljs[\w-]*|language-[\w+#-]+|code(__head)?|prose__(scroll|block)|message__action|[a-z]+_)$/;

  function fault(root) {
    for (const node of root.querySelectorAll("*")) {
      const isMath = node.namespaceURI.endsWith("/MathML");
      if (!(isMath ? MATHML : TAGS).has(node.tagName)) return `an element ${node.tagName}`;
      for (const { name } of node.attributes) if (!(isMath ? OF_MATHML : ATTRIBUTES).has(name)) return `an attribute ${name}`;
      for (const name of node.classList) if (!CLASSES.test(name)) return `a class ${name}`;
      if (node.tagName === "A") {
        const href = node.getAttribute("href"); // none: the sanitiser did not like it
        if (href !== null && !/^(https?:\/\/|mailto:)/i.test(href)) return `a link to ${href}`;
        if (node.rel !== "noopener noreferrer" || node.target !== "_blank") return `a link without its rel: ${node.outerHTML}`;
      }
    }
    return "";
  }

  const wrong = [];
  const stage = document.body.appendChild(document.createElement("section"));
  const place = () => stage.appendChild(document.createElement("div"));
  const first = place();
  render(first, "$x$"); // from here on formulas are drawn at once
  while (!first.querySelector("math")) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const text of texts) {
    try {
      const whole = place();
      render(whole, text);
      let found = fault(whole);
      if (isStreamed) {
        const streamed = place();
        const growing = new GrowingMarkdown(streamed);
        let soFar = "";
        for (const character of text) {
          growing.update(soFar += character);
          found ||= fault(streamed) && `while streaming, ${fault(streamed)}`;
        }
        growing.settle();
        if (streamed.innerHTML !== whole.innerHTML) found ||= `streamed ${streamed.innerHTML} but whole ${whole.innerHTML}`;
      }
      if (found) wrong.push(`${JSON.stringify(text)}: ${found}`);
    } catch (error) {
      wrong.push(`${JSON.stringify(text.slice(0, 200))}: ${error}`);
    }
  }
  for (const node of stage.querySelectorAll("*")) {
    for (const kind of ["pointerover", "focus", "load", "error", "toggle"]) node.dispatchEvent(new Event(kind));
  }
  await new Promise((resolve) => setTimeout(resolve, 80)); // loads and handlers have their chance
  stage.remove();
  return wrong;
}
