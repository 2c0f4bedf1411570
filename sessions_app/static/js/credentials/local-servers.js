// credentials/local-servers.js: offers servers that answer on this machine, by name; uses none unasked.
// Returns all that were found.

import { api } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { STRINGS, say } from "../shared/strings.js";

export async function offer(element, existing, use) {
  let servers = [];
  try { ({ servers } = await api("GET", "/api/local-servers/")); } catch { return servers; }
  const known = new Set(existing.map((c) => `${c.provider} ${c.base_url}`));
  const fresh = servers.filter((s) => !known.has(`${s.provider} ${s.url}`) && !known.has(`${s.provider} `));
  element.hidden = fresh.length === 0;
  element.replaceChildren(...fresh.map((server) => el("p", { class: "notice" },
    `${say(STRINGS.localFound, server)} `,
    el("button", { class: "button button--small", type: "button", on: { click: () => use(server) } }, STRINGS.useIt))));
  return servers;
}
