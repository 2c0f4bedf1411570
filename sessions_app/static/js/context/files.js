// context/files.js: files into the context: chosen with a button, dropped on the page, or pasted.

import { upload } from "../shared/api.js";
import { byId, toast } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { CONTEXT } from "./strings.js";

export class ContextFiles {
  constructor(panel) {
    this.panel = panel;
    this.chooser = byId("context-file");
    this.depth = 0; // of dragenter without dragleave
    for (const id of ["context-add-file", "attach"]) byId(id).addEventListener("click", () => this.chooser.click());
    this.chooser.addEventListener("change", () => {
      const files = [...this.chooser.files];
      this.chooser.value = ""; // the same file may be chosen again
      this.add(files);
    });
    document.addEventListener("dragenter", (event) => this.over(event, 1));
    document.addEventListener("dragleave", (event) => this.over(event, -1));
    document.addEventListener("dragover", (event) => { if (hasFiles(event.dataTransfer)) event.preventDefault(); });
    document.addEventListener("drop", (event) => this.drop(event));
    byId("question").addEventListener("paste", (event) => {
      if (!event.clipboardData.files.length) return;
      event.preventDefault();
      this.add([...event.clipboardData.files]);
    });
  }

  over(event, step) {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    this.depth = Math.max(0, this.depth + step);
    document.body.classList.toggle("is-dropping", this.depth > 0);
  }

  drop(event) {
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    this.depth = 0;
    document.body.classList.remove("is-dropping");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
    if (entries.some((entry) => entry?.isDirectory)) toast(CONTEXT.notFiles);
    else this.add([...event.dataTransfer.files]);
  }

  // One after the other: each is shown as soon as it was read.
  async add(files) {
    if (!files.length || document.querySelector("dialog[open]")) return;
    const status = byId("attach-status");
    const names = [];
    try {
      const id = this.panel.id ?? (await this.panel.page.begin());
      for (const file of files) {
        status.hidden = false;
        status.textContent = say(CONTEXT.reading, { name: file.name });
        try {
          this.panel.taken(id, await upload(`/api/conversations/${id}/context/file/`, file));
          names.push(file.name);
        } catch (error) { toast(error.message); }
      }
    } catch (error) { toast(error.message); }
    status.textContent = names.length ? say(CONTEXT.added, { names: names.join(", ") }) : "";
    status.hidden = !names.length;
  }
}

const hasFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");
