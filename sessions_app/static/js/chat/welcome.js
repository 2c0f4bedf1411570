// chat/welcome.js: what the empty chat says: who answers, and what one might ask.

import { byId, el } from "../shared/dom.js";
import { STRINGS, say } from "../shared/strings.js";

export function welcome(picker, choose) {
  const hint = byId("welcome-hint");
  if (!picker.credential) {
    const base = document.body.dataset.chatUrl ?? "/";
    hint.replaceChildren(`${STRINGS.noCredential} `, el("a", { href: `${base}credentials/#add` }, STRINGS.addCredential));
  } else hint.textContent = say(STRINGS.welcomeHint, { model: picker.choice.model || "–", credential: picker.credential.name });
  byId("examples").replaceChildren(...STRINGS.examples.map((text) => el("li", {},
    el("button", { class: "button button--small", type: "button", on: { click: () => choose(text) } }, text))));
}
