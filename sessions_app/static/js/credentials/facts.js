// credentials/facts.js: how a credential is, in words and tags. Draws; asks nobody.

import { el } from "../shared/dom.js";
import { moment, until } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { WORDS } from "./strings.js";

const LOOKS = { ok: "tag--calm", needs_login: "tag--bad", rejected: "tag--bad", unreadable: "tag--bad" };

export const isBroken = ({ condition }) => ["needs_login", "rejected", "unreadable"].includes(condition);

// A limit that has not passed since the list was loaded.
export const isLimited = ({ limited_until }) => Boolean(limited_until) && new Date(limited_until) > new Date();

export const limitWords = (row) => (isLimited(row) ? say(WORDS.limitedUntil, { time: until(row.limited_until) }) : "");

export function conditionTag(row) {
  let text = WORDS.conditions[row.condition] ?? row.condition;
  if (row.condition === "limited") text = limitWords(row) || WORDS.conditions.ok;
  if (row.condition === "rejected" && row.auth_type === "api_key") text = WORDS.keyRejected;
  return el("span", { class: `tag ${LOOKS[row.condition] ?? ""}`, data: { condition: row.condition } }, text);
}

function sharing(row, isMine) {
  if (row.is_shared_with_everyone) return WORDS.sharedAll;
  if (row.team) return say(WORDS.sharedTeam, row);
  if (!row.owner) return WORDS.nobodys;
  return isMine ? WORDS.own : say(WORDS.theirs, row);
}

const timed = (word, iso) => (iso ? el("span", {}, `${word} `, moment(iso)) : "");

// Facts with dots between them; nothing where there are none.
function line(...facts) {
  const found = facts.filter(Boolean);
  if (!found.length) return "";
  return el("p", { class: "card__facts" }, ...found.flatMap((fact, i) => (i ? [" · ", fact] : [fact])));
}

// Everything below a card's name. `page`: {labels, person}.
export function facts(row, page) {
  const isLogin = row.auth_type === "oauth";
  const isPast = row.expires_at && new Date(row.expires_at) < new Date();
  return [
    row.cause ? el("p", { class: "card__cause" }, row.cause) : "",
    line(page.labels.get(row.provider) ?? row.provider, WORDS.kinds[row.auth_type] ?? row.auth_type, row.base_url,
      row.account, row.plan, WORDS.modes[row.mode]),
    line(sharing(row, row.owner === page.person), (row.team || row.is_shared_with_everyone) && row.owner ? say(WORDS.by, row) : "", row.is_personal ? WORDS.personal : "",
      row.last_used_at ? timed(WORDS.used, row.last_used_at) : WORDS.never),
    isLogin ? line(isBroken(row) ? "" : timed(isPast ? WORDS.expired : WORDS.expires, row.expires_at),
      isBroken(row) ? "" : timed(WORDS.renews, row.refresh_at), timed(WORDS.refreshed, row.last_refresh_at)) : "",
    row.refresh_error ? el("p", { class: "card__cause" }, say(WORDS.refreshFailed, { message: row.refresh_error })) : "",
    row.warning ? el("p", { class: "notice notice--warn" }, row.warning) : "",
  ];
}
