// credential-card.js: one saved credential with what may be done to it.

import { api } from "./api.js";
import { ask } from "./dialogs.js";
import { el, toast } from "./dom.js";
import { when } from "./format.js";
import { STRINGS, say } from "./strings.js";

const words = STRINGS.credentials;

// Shown in place of a button's own words; the colour is never alone.
export function result(element, ok, text) {
  element.replaceChildren(el("span", { class: `notice ${ok ? "notice--ok" : "notice--error"}` }, text));
}

export const sharingChoices = (teams, isStaff) => [["", words.onlyMe],
  ...teams.map((team) => [team.id, say(words.team, team)]), ...(isStaff ? [["everyone", words.everyone]] : [])];

// A choice of that list, as the server takes it.
export const whoever = (value) => ({ team: value && value !== "everyone" ? value : null, everyone: value === "everyone" });

function sharing(row) {
  if (row.is_shared_with_everyone) return words.sharedAll;
  return row.team ? say(words.sharedTeam, row) : words.own;
}

// `page`: {labels: Map of vendor slug → label, teams, isStaff, defaultId, reload(), card(name) → its element}.
export function card(row, page) {
  const said = el("p", { class: "card__result", role: "status" });
  const button = (label, call, extra = "") => el("button", {
    class: `button button--small ${extra}`, type: "button", "aria-label": `${label}: ${row.name}`, data: { does: call.name },
    on: { click: () => call(row, said, page).catch((error) => result(said, false, error.message)) },
  }, label);
  const facts = [page.labels.get(row.provider) ?? row.provider, row.base_url, sharing(row),
    row.owner ? say(words.by, row) : "", row.last_used_at ? say(words.used, { when: when(row.last_used_at) }) : words.never];
  return el("li", { class: "card", data: { name: row.name } },
    el("div", { class: "card__head" }, el("span", { class: "card__name" }, row.name),
      row.is_demo ? el("span", { class: "tag" }, STRINGS.demo) : "",
      row.id === page.defaultId ? el("span", { class: "tag tag--calm", title: words.defaultTitle }, words.default) : "",
      row.state === "ok" ? "" : el("span", { class: "tag tag--bad" }, words.state[row.state] ?? row.state)),
    el("p", { class: "card__facts" }, facts.filter(Boolean).join(" · ")),
    row.cause ? el("p", { class: "card__facts" }, row.cause) : "",
    el("div", { class: "card__actions" }, button(words.test, test),
      ...(row.may_manage ? [button(words.rotate, rotate), button(words.share, share), button(words.remove, remove, "button--danger")] : [])),
    said);
}

async function test(row, said, page) {
  said.textContent = words.testing;
  const { ok, message } = await api("POST", `/api/credentials/${row.id}/test/`);
  await page.reload(); // a test finds out the state, too
  result(page.card(row.name)?.querySelector(".card__result") ?? said, ok, message);
}

async function rotate(row, said, page) {
  const key = await ask({ title: say(words.rotateTitle, row), text: words.rotateText, label: words.rotateLabel, ok: words.rotateOk, isSecret: true });
  if (!key?.trim()) return;
  await api("POST", `/api/credentials/${row.id}/key/`, { api_key: key.trim() });
  await page.reload();
  toast(say(words.rotated, row));
}

async function share(row, said, page) {
  const choices = sharingChoices(page.teams, page.isStaff);
  let now = row.is_shared_with_everyone ? "everyone" : "";
  if (row.team) now = page.teams.find((team) => team.name === row.team)?.id ?? "theirs";
  if (now === "theirs") choices.push(["theirs", say(words.team, { name: row.team })]); // not a team of mine
  if (now === "everyone" && !page.isStaff) choices.push(["everyone", words.everyone]);
  const chosen = await ask({ title: say(words.shareTitle, row), text: words.shareText, label: words.shareLabel, ok: words.shareOk, value: now, choices });
  if (chosen === null || chosen === now) return;
  await api("POST", `/api/credentials/${row.id}/share/`, whoever(chosen));
  await page.reload();
  toast(say(words.shared, { name: row.name, who: choices.find(([value]) => value === chosen)[1] }));
}

async function remove(row, said, page) {
  if (!(await ask({ title: say(words.removeTitle, row), text: words.removeText, ok: words.remove, isDanger: true }))) return;
  await api("DELETE", `/api/credentials/${row.id}/`);
  await page.reload();
  toast(say(words.removed, row));
}
