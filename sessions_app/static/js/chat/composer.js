// chat/composer.js: the question box: grows, sends with Enter, never while an input method works.

import { byId } from "../shared/dom.js";

export class Composer extends EventTarget {
  constructor() {
    super();
    this.form = byId("composer");
    this.box = byId("question");
    this.stop = byId("stop");
    this.steer = byId("steer");
    this.steer.addEventListener("click", () => this.submit("steer"));
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.box.addEventListener("input", () => this.grow());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.stop.addEventListener("click", () => this.dispatchEvent(new Event("stop")));
    this.grow();
  }

  key(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !this.steer.hidden) {
      event.preventDefault();
      this.submit("steer");
    } else if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.box.value) {
      event.preventDefault();
      this.dispatchEvent(new Event("edit-last"));
    }
  }

  submit(what = "send") {
    const text = this.box.value;
    if (!text.trim()) return;
    this.dispatchEvent(new CustomEvent(what, { detail: text }));
  }

  clear() { this.set(""); }

  set(text) {
    this.box.value = text;
    this.grow();
  }

  grow() {
    this.box.style.blockSize = "auto";
    this.box.style.blockSize = `${this.box.scrollHeight}px`;
  }

  // `canSteer`: the answer has begun, and can hear what is said.
  running(isRunning, canSteer = false) {
    this.stop.hidden = !isRunning;
    this.steer.hidden = !canSteer;
  }
  focus() { this.box.focus(); }
}
