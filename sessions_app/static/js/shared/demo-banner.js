// shared/demo-banner.js: one click removes the demo.

import { api } from "./api.js";
import { byId, toast } from "./dom.js";
import { STRINGS } from "./strings.js";

document.querySelector("[data-remove-demo]")?.addEventListener("click", async (event) => {
  event.target.disabled = true;
  try {
    await api("DELETE", "/api/demo/");
    byId("demo-banner").remove();
    toast(STRINGS.demoRemoved);
    document.dispatchEvent(new CustomEvent("maestro:credentials-changed"));
  } catch (error) {
    event.target.disabled = false;
    toast(error.message);
  }
});
