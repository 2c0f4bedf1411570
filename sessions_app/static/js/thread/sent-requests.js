// thread/sent-requests.js: what was really sent for an answer, step by step, for its owner.

import { api } from "../shared/api.js";
import { byId, el } from "../shared/dom.js";
import { clock, count } from "../shared/format.js";
import { STRINGS, say } from "../shared/strings.js";

export async function showSent(run) {
  const { requests } = await api("GET", `/api/runs/${run.id}/requests/`);
  const words = STRINGS.sent;
  byId("sent-none").hidden = requests.length > 0;
  byId("sent-save").hidden = !requests.length;
  byId("sent-save").href = `${document.body.dataset.chatUrl ?? "/"}runs/${run.id}/requests.json`;
  byId("sent-list").replaceChildren(...requests.map((request, at) => {
    const counted = request.input_tokens === null ? "" : say(words.counted, { n: count(request.input_tokens) });
    const head = say(words.step, { n: request.step, to: `${request.provider}, ${request.model}`, at: clock(request.sent_at), tokens: count(request.estimated_tokens) });
    const code = el("pre", { class: "dialog__code", tabindex: "0" });
    const node = el("details", { open: at === 0 }, el("summary", {}, head, counted), code);
    const fill = () => { if (node.open && !code.textContent) code.textContent = JSON.stringify(request.body, null, 2); };
    node.addEventListener("toggle", fill);
    fill();
    return el("li", {}, node);
  }));
  byId("sent-dialog").showModal();
}
