// shared/storage-banner.js: says that nothing can be saved, for as long as that is so.

const AGAIN_MS = 10_000;
const banner = document.getElementById("storage-banner");
let asking = 0;

// "" when something was saved.
export function storageTrouble(words) {
  if (!banner) return;
  banner.querySelector(".banner__text").textContent = words;
  banner.hidden = !words;
  clearTimeout(asking);
  if (words) asking = setTimeout(look, AGAIN_MS);
}

async function look() {
  let words = banner.textContent;
  try {
    const { parts } = await (await fetch("/readyz", { cache: "no-store" })).json();
    if (parts.storage === "ok" && parts.database === "ok") words = "";
  } catch { /* away: not known */ }
  storageTrouble(words);
}

if (banner && !banner.hidden) storageTrouble(banner.textContent);
