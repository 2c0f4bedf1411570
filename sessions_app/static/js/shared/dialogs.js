// shared/dialogs.js: ask before something is lost, for a line of text, a secret, or one of a few
// choices. One dialog, a promise of the answer: true or a string; null when it was left.

import { byId, el } from "./dom.js";
import { STRINGS } from "./strings.js";

const FIELDS = ["ask-input", "ask-secret", "ask-choice"];

// `choices`: [[value, text], …], of which `value` is chosen. `value` null: yes or no.
export function ask({ title, text = "", ok = STRINGS.ok, value = null, label = title, choices = null, isSecret = false, isDanger = false }) {
  const dialog = byId("ask");
  const field = fieldOf({ value, choices, isSecret });
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-text").hidden = !text;
  byId("ask-ok").textContent = ok;
  byId("ask-ok").classList.toggle("button--danger-solid", isDanger);
  byId("ask-choice").replaceChildren(...(choices ?? []).map(([key, words]) => el("option", { value: key }, words)));
  for (const id of FIELDS) byId(id).hidden = byId(id) !== field;
  byId("ask-label").hidden = !field;
  if (field) {
    byId("ask-label").htmlFor = field.id;
    byId("ask-label").textContent = label;
    byId("ask-label").classList.toggle("visually-hidden", label === title);
    field.value = value ?? "";
    if (field.rows) field.rows = field.value.length > 80 || field.value.includes("\n") ? 6 : 1;
  }
  dialog.returnValue = "";
  dialog.showModal();
  (field ?? byId("ask-ok")).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const answer = field ? field.value : true;
      for (const id of FIELDS) byId(id).value = ""; // a key does not stay in the page
      resolve(dialog.returnValue === "ok" ? answer : null);
    }, { once: true });
  });
}

function fieldOf({ value, choices, isSecret }) {
  if (choices) return byId("ask-choice");
  if (isSecret) return byId("ask-secret");
  return value === null ? null : byId("ask-input");
}

// The backdrop closes a dialog, unless the press began in it or words would be lost.
const KEPT = ["ask", "login", "import", "chunk-dialog"];
let pressed = null;
document.addEventListener("pointerdown", (event) => { pressed = event.target; });
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
  else if (event.target instanceof HTMLDialogElement && pressed === event.target && !KEPT.includes(event.target.id)) event.target.close();
});
byId("ask-input")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    byId("ask").close("ok");
  }
});
