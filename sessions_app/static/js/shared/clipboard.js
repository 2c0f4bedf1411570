// shared/clipboard.js: copies text, also where the browser has no clipboard for pages: on plain http
// in a closed network.

export async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "visually-hidden";
  const focused = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const isCopied = document.execCommand("copy");
  box.remove();
  focused?.focus();
  if (!isCopied) throw new Error("The browser does not let this page copy. Select the text and copy it yourself.");
}
