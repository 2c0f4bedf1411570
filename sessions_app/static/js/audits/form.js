// audits/form.js: what is to be audited, and by whom. Files are read here and sent as text.

import { api } from "../shared/api.js";
import { el, byId } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { say } from "../shared/strings.js";
import { AUDIT } from "./strings.js";

const MAX_FILES = 2000;
// The same as providers/audit/selection.py leaves out; the server has the last word.
const SKIPPED = new Set(["__pycache__", "bower_components", "build", "dist", "env", "node_modules", "site-packages", "target", "third_party", "vendor", "venv"]);

const isSkipped = (path) => {
  const parts = path.split("/");
  return parts.some((part) => part.startsWith(".")) || parts.slice(0, -1).some((part) => SKIPPED.has(part));
};

export class AuditForm extends EventTarget {
  constructor(maxBytes) {
    super();
    this.maxBytes = maxBytes;
    this.files = {};
    this.reading = Promise.resolve();
    this.node = byId("audit-form");
    byId("from").addEventListener("change", () => this.show());
    for (const id of ["files", "directory"]) byId(id).addEventListener("change", (event) => { this.reading = this.read(event.target); });
    byId("credential").addEventListener("change", () => this.listModels());
    this.node.addEventListener("submit", (event) => { event.preventDefault(); this.begin(); });
    this.show(); // the browser may have kept a choice
  }

  get from() { return this.node.elements.from.value; }

  show() { for (const node of this.node.querySelectorAll("[data-from]")) node.hidden = node.dataset.from !== this.from; }

  async loadCredentials() {
    const { credentials } = await api("GET", "/api/credentials/");
    byId("credential").append(...credentials.map((row) => el("option", { value: row.id }, `${row.name} · ${row.provider}`)));
  }

  async listModels() {
    const id = byId("credential").value;
    const usual = el("option", { value: "" }, AUDIT.usual);
    byId("model").replaceChildren(usual);
    if (!id) return;
    try {
      const found = await api("GET", `/api/credentials/${id}/models/`);
      if (byId("credential").value !== id) return; // chosen anew meanwhile
      byId("model").append(...found.models.map((model) => el("option", { value: model.id }, model.id)));
      if (found.models.some((model) => model.id === found.default_model)) byId("model").value = found.default_model;
    } catch { usual.textContent = AUDIT.noModels; }
  }

  // Texts by path of what was chosen; what is no text, or not this project's, is left out.
  async read(input) {
    const other = byId(input.id === "files" ? "directory" : "files");
    other.value = "";
    const found = {};
    let bytes = 0;
    let skipped = 0;
    for (const file of [...input.files].slice(0, MAX_FILES * 5)) {
      const path = file.webkitRelativePath || file.name;
      if (file.webkitRelativePath && (isSkipped(path) || file.size > 400_000)) { skipped += 1; continue; }
      if (bytes + file.size > this.maxBytes) { bytes += file.size; continue; } // too much: it is said when it is sent
      const text = await file.text();
      if (text.includes("\0")) { skipped += 1; continue; }
      bytes += file.size;
      found[path] = text;
    }
    this.files = found;
    this.bytes = bytes;
    const words = [say(AUDIT.chosen, { n: count(Object.keys(found).length), kb: count(Math.ceil(bytes / 1000)) })];
    if (skipped) words.push(say(AUDIT.skipped, { n: count(skipped) }));
    byId("files-said").textContent = words.join(" ");
  }

  // What is sent; a text where something is missing.
  source() {
    if (this.from === "text") {
      const text = byId("text").value;
      return text.trim() ? { text, kind: byId("kind").value } : AUDIT.choose;
    }
    if (this.from === "path") {
      const path = byId("path").value.trim();
      return path ? { path, pattern: byId("pattern").value.trim() } : AUDIT.choosePath;
    }
    if (this.bytes > this.maxBytes) return this.tooLarge(this.bytes);
    return Object.keys(this.files).length ? { files: this.files } : AUDIT.chooseFiles;
  }

  tooLarge(bytes) { return say(AUDIT.tooLarge, { mb: (bytes / 1e6).toFixed(1), max: (this.maxBytes / 1e6).toFixed(1) }); }

  async begin() {
    await this.reading;
    const source = this.source();
    if (typeof source === "string") { this.said(false, source); return; }
    const body = {
      ...source, name: byId("name").value.trim(), model: byId("model").value, severity_floor: byId("floor").value,
      credential_id: byId("credential").value || null,
    };
    const { length } = new TextEncoder().encode(JSON.stringify(body));
    if (length > this.maxBytes) { this.said(false, this.tooLarge(length)); return; }
    byId("begin").disabled = true;
    try {
      const { audit } = await api("POST", "/api/audits/", body);
      this.said(true, AUDIT.begun);
      this.dispatchEvent(new CustomEvent("begun", { detail: audit }));
    } catch (error) { this.said(false, error.message); }
    byId("begin").disabled = false;
  }

  said(isFine, words) {
    byId("form-result").replaceChildren(el("span", { class: `notice ${isFine ? "notice--ok" : "notice--error"}` }, words));
  }
}
