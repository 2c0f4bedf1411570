// chat/shortcuts.js: the keyboard. Single letters can be switched off (WCAG 2.1.4).

import { byId } from "../shared/dom.js";

const KEY = "maestro.single-keys";
const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");

function singleKeys() {
  try { return localStorage.getItem(KEY) !== "off"; } catch { return true; }
}

export function listen({ stop, search, newChat, focus }) {
  const box = byId("single-keys");
  box.checked = singleKeys();
  box.addEventListener("change", () => {
    try { localStorage.setItem(KEY, box.checked ? "on" : "off"); } catch { /* private window */ }
  });
  const help = () => byId("shortcuts").showModal();
  document.querySelector("[data-shortcuts]").addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    let call = null;
    if (key === "escape") call = stop;
    else if (command && !event.shiftKey && key === "k") call = search;
    else if (command && event.shiftKey && key === "o") call = newChat;
    else if (!command && !isTyping(event.target) && singleKeys()) call = { "/": focus, "?": help }[event.key];
    if (!call) return;
    event.preventDefault();
    call();
  });
}
