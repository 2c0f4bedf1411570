// chat/stage-head.js: the line above the thread: the title of the open conversation, and its file.

import { byId } from "../shared/dom.js";
import { STRINGS } from "../shared/strings.js";

export function title(text) {
  byId("title").textContent = text || STRINGS.newChat;
  document.title = text ? `${text} · Maestro` : "Maestro";
}

export function exportLink(id) {
  byId("export").hidden = !id;
  byId("export").href = id ? `${document.body.dataset.chatUrl ?? "/"}c/${id}/export.md` : "#";
}
