// dialogs.js: ask before something is lost, or for a line of text. One dialog, a promise.

import { byId } from "./dom.js";
import { STRINGS } from "./strings.js";

export function ask({ title, text = "", ok = STRINGS.ok, value = null, label = title, secret = false }) {
  const dialog = byId("ask");
  const input = byId("ask-input");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-text").hidden = !text;
  byId("ask-ok").textContent = ok;
  byId("ask-label").textContent = label;
  input.hidden = value === null;
  input.value = value ?? "";
  input.rows = value && value.length > 80 ? 6 : 1;
  // A textarea has no password type; this keeps a key from being read over a shoulder.
  input.style.webkitTextSecurity = secret ? "disc" : "none";
  input.autocomplete = "off";
  dialog.returnValue = "";
  dialog.showModal();
  (value === null ? byId("ask-ok") : input).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const answer = dialog.returnValue === "ok" ? (value === null ? true : input.value) : null;
      input.value = "";
      resolve(answer);
    }, { once: true });
  });
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
  else if (event.target instanceof HTMLDialogElement) event.target.close(); // the backdrop
});
byId("ask-input")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("ask").close("ok");
  }
});
