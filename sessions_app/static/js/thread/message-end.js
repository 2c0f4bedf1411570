// thread/message-end.js: how an answer ended, in words, and how to go on.

import { el } from "../shared/dom.js";
import { why } from "../shared/format.js";
import { STRINGS } from "../shared/strings.js";

// What a person mends on the page of credentials.
const ABOUT_KEYS = new Set(["ConfigurationError", "CredentialError", "CredentialNotFound", "CredentialExpired",
  "CredentialRejected", "CredentialUnreadable", "PermissionRefused", "QuotaExhausted"]);

const ABOUT_LIMITS = new Set(["LimitReached", "CredentialLimitReached"]);

export const action = (label, name, extra = {}) =>
  el("button", { class: "message__action", type: "button", data: { action: name }, ...extra }, label);

// A failure says itself how to go on.
const goOn = (run) => (run?.can_continue ? [action(STRINGS.goOn, "continue", { title: STRINGS.goOnTitle })] : []);
export const again = (run) => (run?.status === "failed" ? goOn(run)
  : [...goOn(run), action(STRINGS.regenerate, "regenerate"), action(STRINGS.regenerateWith, "regenerate-with")]);

export function trouble(run) {
  if (!run) return "";
  if (run.status === "failed") {
    return el("div", { class: "notice notice--error trouble", role: "alert" },
      el("p", {}, run.error?.message || run.cause),
      run.error?.vendor_message ? el("p", { class: "message__status" }, run.error.vendor_message) : "",
      el("p", { class: "trouble__actions" },
        el("button", { class: "button button--small", type: "button", data: { action: "regenerate" } }, STRINGS.retry),
        el("button", { class: "button button--small button--quiet", type: "button", data: { action: "regenerate-with" } }, STRINGS.regenerateWith),
        ABOUT_LIMITS.has(run.error?.kind) ? el("a", { class: "button button--small button--quiet", href: usageUrl() }, STRINGS.openUsage) : "",
        ABOUT_KEYS.has(run.error?.kind) ? el("a", { class: "button button--small button--quiet", href: credentialsUrl() }, STRINGS.openCredentials) : ""));
  }
  const word = { stopped: "stopped", interrupted: "interrupted" }[run.status]
    ?? { length: "cut", content_filter: "filtered", refusal: "declined" }[run.stop_reason];
  const words = word ? [STRINGS.status[word], why(run)].filter(Boolean).join(" ") : run.status === "done" ? run.cause : "";
  return words ? el("p", { class: "message__status" }, words) : "";
}

const usageUrl = () => `${document.body.dataset.chatUrl ?? "/"}usage/`;
const credentialsUrl = () => `${document.body.dataset.chatUrl ?? "/"}credentials/`;
