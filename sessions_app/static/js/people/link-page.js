// people/link-page.js: copies the link that is shown once.

import { copyText } from "../shared/clipboard.js";
import { byId, toast } from "../shared/dom.js";

byId("link").addEventListener("focus", (event) => event.target.select());
byId("copy-link").addEventListener("click", () => {
  copyText(byId("link").value).catch((error) => toast(error.message));
});
