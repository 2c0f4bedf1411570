// chat/tools-toggle.js: whether the next questions may use tools; remembered in this browser.

import { byId } from "../shared/dom.js";
import { STRINGS } from "../shared/strings.js";

const KEY = "maestro.tools";

export class ToolsToggle extends EventTarget {
  constructor() {
    super();
    this.button = byId("tools");
    this.isOn = localStorage.getItem(KEY) === "on";
    this.button.addEventListener("click", () => this.set(!this.isOn));
    this.set(this.isOn);
  }

  set(isOn) {
    this.isOn = isOn;
    localStorage.setItem(KEY, isOn ? "on" : "off");
    this.button.setAttribute("aria-pressed", String(isOn));
    this.button.textContent = isOn ? STRINGS.toolsOn : STRINGS.toolsOff;
    this.dispatchEvent(new Event("change"));
  }
}
