// credentials/card.js: one saved credential with what may be done to it.

import { api } from "../shared/api.js";
import { ask } from "../shared/dialogs.js";
import { el, toast } from "../shared/dom.js";
import { PopupMenu } from "../shared/popup-menu.js";
import { STRINGS, say } from "../shared/strings.js";
import { conditionTag, facts, isBroken } from "./facts.js";
import { WORDS } from "./strings.js";

// Shown in place of a button's own words; the colour is never alone.
export function result(element, ok, text) {
  element.replaceChildren(el("span", { class: `notice ${ok ? "notice--ok" : "notice--error"}` }, text));
}

export const sharingChoices = (teams, isStaff) => [["", WORDS.onlyMe],
  ...teams.map((team) => [team.id, say(WORDS.team, team)]), ...(isStaff ? [["everyone", WORDS.everyone]] : [])];

// A choice of that list, as the server takes it.
export const whoever = (value) => ({ team: value && value !== "everyone" ? value : null, is_shared_with_everyone: value === "everyone" });

const menu = new PopupMenu((id) => document.getElementById(`c-${id}`)?.querySelector("[data-does=more]"));

// What stands on the card, and what in its menu: [words, call].
function actionsOf(row) {
  if (!row.may_manage) return [[[WORDS.test, test]], []];
  const sharing = row.is_personal ? [] : [[WORDS.share, share]];
  if (row.auth_type !== "oauth") return [[[WORDS.test, test], [WORDS.rotate, rotate], ...sharing, [WORDS.remove, remove]], []];
  const mode = row.modes.length ? [[WORDS.mode, changeMode]] : [];
  const first = [[WORDS.test, test], [WORDS.again, again]];
  return [isBroken(row) ? first.reverse() : first, [[WORDS.refresh, refresh], ...mode, ...sharing, [WORDS.revoke, revoke], [WORDS.remove, remove]]];
}

// `page`: {labels: Map of vendor slug → label, person, teams, isStaff, defaultId, reload(), login(row), said(id) → the
// element that says what came of an action; it outlives the card}.
export function card(row, page) {
  const said = page.said(row.id);
  const run = (call) => Promise.resolve(call(row, said, page)).catch((error) => result(said, false, error.message));
  const [buttons, rest] = actionsOf(row);
  const button = ([label, call]) => el("button", {
    class: `button button--small ${call === remove ? "button--danger" : ""} ${call === again && isBroken(row) ? "button--primary" : ""}`, type: "button",
    "aria-label": `${label}: ${row.name}`, data: { does: call.name }, on: { click: () => run(call) },
  }, label);
  const items = rest.map(([words, call]) => ({ words, call: () => run(call), isDanger: call === remove }));
  const more = rest.length ? el("button", {
    class: "button button--small", type: "button", "aria-label": say(STRINGS.menu, { title: row.name }), "aria-haspopup": "true",
    data: { does: "more", menu: row.id }, on: { click: (event) => menu.toggle(event.currentTarget, row.id, items) },
  }, `${WORDS.more} `, el("span", { "aria-hidden": "true" }, "▾")) : "";
  return el("li", { class: "card", id: `c-${row.id}`, tabindex: "-1", data: { id: row.id, name: row.name } },
    el("div", { class: "card__head" }, el("span", { class: "card__name" }, row.name),
      conditionTag(row),
      row.is_demo ? el("span", { class: "tag" }, STRINGS.demo) : "",
      row.id === page.defaultId ? el("span", { class: "tag tag--calm", title: WORDS.defaultTitle }, WORDS.default) : ""),
    ...facts(row, page),
    el("div", { class: "card__actions" }, ...buttons.map(button), more),
    said);
}

// Calls that answer {ok, message} and may change how the credential is.
async function checked(row, said, page, words, path, body) {
  said.textContent = words;
  const { ok, message } = await api("POST", `/api/credentials/${row.id}/${path}/`, body);
  await page.reload();
  result(said, ok, message);
}

const test = (row, said, page) => checked(row, said, page, WORDS.testing, "test");
const refresh = (row, said, page) => checked(row, said, page, WORDS.refreshing, "refresh");
const again = (row, said, page) => page.login(row);

async function changeMode(row, said, page) {
  const choices = row.modes.map((mode) => [mode, WORDS.modes[mode] ?? mode]);
  const now = row.mode_choice || row.modes[0];
  const mode = await ask({ title: say(WORDS.modeTitle, row), text: WORDS.modeText, label: WORDS.modeLabel, ok: WORDS.modeOk, value: now, choices });
  if (mode !== null && mode !== now) await checked(row, said, page, WORDS.testing, "mode", { mode });
}

async function revoke(row, said, page) {
  if (!(await ask({ title: say(WORDS.revokeTitle, row), text: WORDS.revokeText, ok: WORDS.revokeOk, isDanger: true }))) return;
  await checked(row, said, page, WORDS.testing, "revoke");
}

async function rotate(row, said, page) {
  const key = await ask({ title: say(WORDS.rotateTitle, row), text: WORDS.rotateText, label: WORDS.rotateLabel, ok: WORDS.rotateOk, isSecret: true });
  if (!key?.trim()) return;
  await api("POST", `/api/credentials/${row.id}/key/`, { api_key: key.trim() });
  await page.reload();
  toast(say(WORDS.rotated, row));
}

async function share(row, said, page) {
  const choices = sharingChoices(page.teams, page.isStaff);
  let now = row.is_shared_with_everyone ? "everyone" : "";
  if (row.team) now = page.teams.find((team) => team.name === row.team)?.id ?? "theirs";
  if (now === "theirs") choices.push(["theirs", say(WORDS.team, { name: row.team })]); // not a team of mine
  if (now === "everyone" && !page.isStaff) choices.push(["everyone", WORDS.everyone]);
  const chosen = await ask({ title: say(WORDS.shareTitle, row), text: WORDS.shareText, label: WORDS.shareLabel, ok: WORDS.shareOk, value: now, choices });
  if (chosen === null || chosen === now) return;
  await api("POST", `/api/credentials/${row.id}/share/`, whoever(chosen));
  await page.reload();
  toast(say(WORDS.shared, { name: row.name, who: choices.find(([value]) => value === chosen)[1] }));
}

async function remove(row, said, page) {
  const text = row.auth_type === "oauth" ? WORDS.removeLoginText : WORDS.removeText;
  if (!(await ask({ title: say(WORDS.removeTitle, row), text, ok: WORDS.remove, isDanger: true }))) return;
  await api("DELETE", `/api/credentials/${row.id}/`);
  await page.reload();
  toast(say(WORDS.removed, row));
}
