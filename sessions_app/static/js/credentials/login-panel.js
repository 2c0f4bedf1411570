// credentials/login-panel.js: what is seen of a login in its dialog. Draws; asks nobody.

import { byId } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { WORDS } from "./strings.js";

const words = WORDS.login;

// What can be seen: "choose" a method, "wait" for the person, or it is "over".
export function stage(name) {
  byId("login-choice").hidden = name !== "choose";
  byId("login-steps").hidden = name !== "wait";
  byId("login-start").hidden = name === "wait";
  byId("login-start").textContent = name === "over" ? words.startAgain : words.start;
  byId("login-leave").textContent = name === "over" ? words.close : words.leave;
  if (name !== "wait") byId("login-warning").hidden = true;
}

// Nothing of the login before.
export function empty(label, name) {
  byId("login-title").textContent = say(words.title, { vendor: label, name });
  byId("login-start").disabled = false;
  status("");
  complain("");
  byId("login-answer").value = "";
}

// A login that has just begun: where to go, what to type in there, where to paste.
export function show(login, label) {
  stage("wait");
  byId("login-warning").textContent = login.warning;
  byId("login-warning").hidden = !login.warning;
  byId("login-open").href = login.authorize_url;
  byId("login-open").textContent = say(words.open, { vendor: label });
  byId("login-device").hidden = login.answer !== "device";
  byId("login-user-code").textContent = login.user_code;
  byId("login-paste").hidden = login.answer === "device";
  byId("login-answer").value = "";
  byId("login-answer-label").textContent = login.answer === "code" ? words.pasteCode : words.pasteAddress;
  complain("");
  tell(login);
  byId("login-open").focus();
}

// What it waits for.
export function tell({ answer, is_listening, redirect_uri, status: now }) {
  const comesBack = is_listening || answer === "device" || redirect_uri.includes("/oauth/callback/");
  if (now === "working") status(words.working);
  else if (comesBack) status(words.waitsAlone);
  else status(answer === "code" ? words.waitsForPaste : words.waitsForAddress);
}

// Said once for each change: it is read aloud.
export function status(text, isFine = true) {
  const node = byId("login-status");
  if (node.textContent !== text) node.textContent = text;
  node.className = text ? `notice ${isFine ? "" : "notice--error"}` : "";
}

// What was pasted is no answer to this login; it still waits.
export function complain(message) {
  byId("login-answer-error").textContent = message;
  byId("login-answer").removeAttribute("aria-invalid");
  if (!message) return;
  byId("login-answer").setAttribute("aria-invalid", "true");
  byId("login-answer").focus();
}
