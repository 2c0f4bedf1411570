// thread/message-actions.js: what the buttons of a message do.

import { api } from "../shared/api.js";
import { copyText } from "../shared/clipboard.js";
import { ask } from "../shared/dialogs.js";
import { toast } from "../shared/dom.js";
import { STRINGS } from "../shared/strings.js";

export function messageActions({ thread, outbox, socket, picker, options }) {
  return {
    async copy(view) { await copyText(view.text); toast(STRINGS.copied); },
    async edit(view) {
      const text = await ask({ title: STRINGS.editTitle, text: STRINGS.editText, value: view.text, ok: STRINGS.send });
      if (text?.trim() && text !== view.text) outbox.put({ type: "edit", message_id: view.id, text, ...options() });
    },
    approve(_, { dataset }) { socket.send({ type: "decide", intent_id: dataset.intent, approve: true }); },
    "approve-here": (_, { dataset }) => socket.send({ type: "decide", intent_id: dataset.intent, approve: true, for_conversation: true }),
    async refuse(_, { dataset }) {
      const words = await ask({ title: STRINGS.refuseTitle, text: STRINGS.refuseText, value: "", ok: STRINGS.tool.refuse, isDanger: true });
      if (words !== null) socket.send({ type: "decide", intent_id: dataset.intent, approve: false, words });
    },
    // What it costs and repeats is said first.
    async continue(view) {
      const { run } = view.message;
      const found = await api("GET", `/api/runs/${run.id}/continuation/`);
      if (!found.can_continue) { toast(found.why_not); return; }
      if (await ask({ title: STRINGS.goOn, text: found.says, ok: STRINGS.goOn })) socket.send({ type: "continue", run_id: run.id });
    },
    async regenerate(view) {
      const { run } = view.message;
      if (run?.status === "interrupted") {
        const { says_restart } = await api("GET", `/api/runs/${run.id}/continuation/`);
        if (!(await ask({ title: STRINGS.restart, text: says_restart, ok: STRINGS.regenerate }))) return;
      }
      outbox.put({ type: "regenerate", message_id: view.id, ...options() });
    },
    async "regenerate-with"(view) {
      const choice = await picker.open(true);
      if (choice) outbox.put({ type: "regenerate", message_id: view.id, ...options(choice) });
    },
    async version(view, button) {
      const page = await api("POST", `/api/conversations/${thread.conversationId}/branch/`, { message_id: button.dataset.to });
      const label = button.getAttribute("aria-label");
      const shown = thread.showVersion(page, view, button.dataset.to)?.node;
      const same = shown?.querySelector(`[data-action=version][aria-label="${label}"]`);
      (same?.disabled ? shown.querySelector("[data-action=version]:enabled") : same)?.focus({ preventScroll: true });
    },
  };
}
