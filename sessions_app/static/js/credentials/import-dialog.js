// credentials/import-dialog.js: a credential from another program's file. Shown first, then saved.

import { api } from "../shared/api.js";
import { byId, el } from "../shared/dom.js";
import { say } from "../shared/strings.js";
import { result, whoever } from "./card.js";
import { WORDS } from "./strings.js";

const words = WORDS.imports;
const LARGEST = 256 * 1024; // bytes of one file

async function textOf(input) {
  const file = input.files[0];
  if (!file) return "";
  if (file.size > LARGEST) throw new Error(words.tooLarge);
  try { return await file.text(); } catch { throw new Error(words.unreadable); }
}

export class ImportDialog extends EventTarget {
  // `vendor(slug)`: its label. Sends "done" with the new credential in its detail.
  constructor(vendor) {
    super();
    this.vendor = vendor;
    this.form = byId("import-form");
    this.upload = null; // what was read: {file_name, content, companion}
    for (const id of ["import-file", "import-companion"]) byId(id).addEventListener("change", () => this.read());
    byId("import-offers").addEventListener("change", () => this.choose());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    byId("import").addEventListener("close", () => this.forget());
  }

  open() {
    this.forget();
    byId("import").showModal();
    byId("import-file").focus();
  }

  forget() {
    this.upload = null;
    this.form.reset(); // no secret stays in the page
    this.draw([]);
    byId("import-result").replaceChildren();
  }

  async read() {
    const file = byId("import-file").files[0];
    this.upload = null;
    this.draw([]);
    byId("import-result").textContent = file ? words.reading : words.choose;
    if (!file) return;
    try {
      const [content, companion] = [await textOf(byId("import-file")), await textOf(byId("import-companion"))];
      const upload = { file_name: file.name, content, companion };
      const { offers } = await api("POST", "/api/imports/", upload);
      if (byId("import-file").files[0] !== file) return; // another was chosen meanwhile
      this.upload = upload;
      this.draw(offers);
      const isOffered = offers.some((offer) => offer.is_offered);
      byId("import-result").textContent = isOffered ? "" : words.nothing;
      if (!isOffered) byId("import-second").open = true; // it may be the half of two
    } catch (error) { result(byId("import-result"), false, error.message); }
  }

  draw(offers) {
    const usual = offers.findIndex((offer) => offer.is_offered);
    byId("import-offers").hidden = offers.length === 0;
    byId("import-offers").replaceChildren(el("legend", {}, words.offers), ...offers.map((offer, i) => this.option(offer, i, i === usual)));
    byId("import-details").hidden = usual < 0;
    byId("import-save").disabled = usual < 0;
  }

  option(offer, index, isChosen) {
    const id = `import-offer-${index}`;
    const notes = [say(words.account, offer), offer.imports, offer.refusal || offer.warning];
    if (!offer.account) notes.shift();
    return el("div", { class: "option" },
      el("input", { type: "radio", name: "index", id, value: String(index), checked: isChosen, disabled: !offer.is_offered, "aria-describedby": `${id}-notes` }),
      el("label", { class: "option__label", for: id }, `${this.vendor(offer.provider)} · ${WORDS.kinds[offer.auth_type] ?? offer.auth_type} · ${offer.source}`),
      el("div", { class: "option__notes", id: `${id}-notes` }, ...notes.filter(Boolean).map((note) => el("p", { class: "form__help" }, note))));
  }

  choose() { byId("import-save").disabled = !this.form.elements.index?.value; }

  async save() {
    if (!this.upload) return;
    const { index, name, share } = Object.fromEntries(new FormData(this.form));
    byId("import-name").removeAttribute("aria-invalid");
    byId("import-save").disabled = true;
    try {
      const { credential } = await api("POST", "/api/imports/save/", { ...this.upload, index: Number(index), name, ...whoever(share) });
      byId("import").close();
      this.dispatchEvent(new CustomEvent("done", { detail: credential }));
    } catch (error) {
      if (error.field === "name") { byId("import-name").setAttribute("aria-invalid", "true"); byId("import-name").focus(); }
      result(byId("import-result"), false, error.message);
    } finally { byId("import-save").disabled = false; }
  }
}
