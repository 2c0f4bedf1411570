// chat/sidebar.js: the list of conversations: search, days, rename, archive, delete.

import { api } from "../shared/api.js";
import { ask } from "../shared/dialogs.js";
import { byId, el, toast } from "../shared/dom.js";
import { foundWords } from "../shared/found-words.js";
import { PopupMenu } from "../shared/popup-menu.js";
import { STRINGS, say } from "../shared/strings.js";
import { isMine } from "../sharing/access.js";
import { WORDS } from "../sharing/strings.js";
import { dayOf } from "./days.js";

export class Sidebar extends EventTarget {
  constructor() {
    super();
    this.list = byId("conversations");
    this.search = byId("search");
    this.archived = document.querySelector("[data-archived-toggle]");
    this.openId = "";
    this.rows = [];
    this.popup = new PopupMenu((id) => this.list.querySelector(`[data-menu="${id}"]`));
    this.search.addEventListener("input", () => this.later());
    this.shared = document.querySelector("[data-shared-toggle]");
    for (const toggle of [this.archived, this.shared]) toggle.addEventListener("click", () => this.press(toggle));
    this.list.addEventListener("scroll", () => {
      if (this.list.scrollTop + this.list.clientHeight > this.list.scrollHeight - 200) this.more();
    });
    for (const button of document.querySelectorAll("[data-sidebar-toggle]")) button.addEventListener("click", () => this.toggle());
    byId("sidebar").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isDrawnOver) return;
      event.stopPropagation(); // it closes the list, it does not stop the answer
      this.toggle(false);
    });
  }

  // One of them, or neither: the person's own that are not put away.
  press(toggle) {
    for (const other of [this.archived, this.shared]) other.setAttribute("aria-pressed", String(other === toggle && !isPressed(toggle)));
    this.load();
  }

  get isDrawnOver() { return byId("sidebar").classList.contains("sidebar--open"); }

  toggle(open = !this.isDrawnOver) {
    const wasOpen = this.isDrawnOver;
    const isDrawer = getComputedStyle(byId("sidebar")).position === "fixed"; // on a phone
    byId("sidebar").classList.toggle("sidebar--open", open && isDrawer);
    document.querySelector(".sidebar-veil").hidden = !open || !isDrawer;
    if (open) this.search.focus();
    else if (wasOpen) document.querySelector(".stage__menu").focus();
  }

  later() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.load(), 200);
  }

  path(before = "") {
    const query = new URLSearchParams({ q: this.search.value, archived: Number(isPressed(this.archived)), shared: Number(isPressed(this.shared)) });
    if (before) query.set("before", before);
    return `/api/conversations/?${query}`;
  }

  async load() {
    const { conversations, next, found } = await api("GET", this.path());
    this.rows = conversations;
    this.found = found;
    this.next = next;
    this.draw();
  }

  async more() {
    if (!this.next || this.isLoading) return;
    this.isLoading = true;
    const { conversations, next, found } = await api("GET", this.path(this.next)).finally(() => { this.isLoading = false; });
    this.rows.push(...conversations);
    Object.assign(this.found, found);
    this.next = next;
    this.draw();
  }

  open(id) {
    this.openId = id;
    this.draw();
  }

  // A conversation changed or began: to its place, at once.
  changed(row) {
    if (this.search.value || isPressed(this.archived) || isMine(row) === isPressed(this.shared)) return;
    const known = this.rows.find((other) => other.id === row.id);
    this.rows = [{ ...known, ...row }, ...this.rows.filter((other) => other.id !== row.id)]
      .filter((other) => !other.archived)
      .sort((a, b) => b.updated_at.localeCompare(a.updated_at));
    this.draw();
  }

  // Drawn anew whenever something changes, also while somebody walks through it by keyboard.
  draw() {
    const held = this.list.contains(document.activeElement) ? keyOf(document.activeElement) : null;
    byId("conversations-empty").hidden = this.rows.length > 0;
    const nodes = [];
    let day = "";
    for (const row of this.rows) {
      const name = dayOf(row.updated_at);
      if (name !== day) nodes.push(el("li", { class: "conversations__day" }, name));
      day = name;
      nodes.push(this.row(row));
    }
    this.list.replaceChildren(...nodes);
    if (held) this.list.querySelector(held)?.focus({ preventScroll: true });
  }

  row(row) {
    const title = row.title || STRINGS.untitled;
    const base = document.body.dataset.chatUrl ?? "/";
    const place = this.found?.[row.id];
    const link = el("a", { class: "conversation__link", href: `${base}c/${row.id}/`, title, "aria-current": row.id === this.openId ? "page" : null },
      row.active_run_id ? el("span", { class: "conversation__busy", "aria-hidden": "true" }, "● ") : "", title,
      row.owner ? el("span", { class: "conversation__owner" }, say(WORDS.sharedBy, row)) : "",
      place ? el("span", { class: "conversation__found", dir: "auto" }, ...foundWords(place)) : "");
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.toggle(false);
      this.dispatchEvent(new CustomEvent("open", { detail: { id: row.id, place } }));
    });
    const menu = el("button", { class: "icon-button conversation__menu", type: "button", "aria-haspopup": "true", "aria-label": say(STRINGS.menu, { title }), data: { menu: row.id }, on: { click: (event) => this.menu(event.currentTarget, row) } }, "⋯");
    return el("li", { class: `conversation${row.id === this.openId ? " conversation--open" : ""}` }, link, menu);
  }

  menu(button, row) {
    const base = document.body.dataset.chatUrl ?? "/";
    const file = (kind) => `${base}c/${row.id}/export.${kind}`;
    const files = [{ words: STRINGS.exportMarkdown, href: file("md") }, { words: STRINGS.exportJson, href: file("json") }];
    if (!isMine(row)) { this.popup.toggle(button, row.id, files); return; }
    this.popup.toggle(button, row.id, [
      { words: STRINGS.rename, call: () => this.rename(row) },
      { words: WORDS.share, call: () => this.dispatchEvent(new CustomEvent("share", { detail: row.id })) },
      { words: row.archived ? STRINGS.unarchive : STRINGS.archive, call: () => this.archive(row) },
      ...files,
      { words: STRINGS.delete, call: () => this.remove(row), isDanger: true },
    ]);
  }

  async rename(row) {
    const title = await ask({ title: STRINGS.renameTitle, value: row.title, ok: STRINGS.rename });
    if (title !== null) this.change(row, { title });
  }

  async archive(row) {
    await this.change(row, { archived: !row.archived });
    this.load();
  }

  async change(row, body) {
    try {
      const { conversation } = await api("PATCH", `/api/conversations/${row.id}/`, body);
      Object.assign(row, conversation);
      this.draw();
      this.dispatchEvent(new CustomEvent("renamed", { detail: conversation }));
    } catch (error) { toast(error.message); }
  }

  async remove(row) {
    const sure = await ask({ title: STRINGS.deleteTitle, text: STRINGS.deleteText, ok: STRINGS.delete, isDanger: true });
    if (!sure) return;
    try {
      await api("DELETE", `/api/conversations/${row.id}/`);
      this.rows = this.rows.filter((other) => other.id !== row.id);
      this.draw();
      this.dispatchEvent(new CustomEvent("deleted", { detail: row.id }));
    } catch (error) { toast(error.message); }
  }
}

const isPressed = (toggle) => toggle.getAttribute("aria-pressed") === "true";

// How to find the same control after the list was drawn again.
const keyOf = (node) => (node.dataset.menu ? `[data-menu="${node.dataset.menu}"]` : `[href="${node.getAttribute("href")}"]`);
