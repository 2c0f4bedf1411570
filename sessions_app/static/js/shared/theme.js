// shared/theme.js: light or dark, as the system says until the person chooses.

const KEY = "maestro.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function draw() {
  document.documentElement.dataset.theme = stored() ?? (dark.matches ? "dark" : "light");
}

draw();
dark.addEventListener("change", draw);
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem(KEY, next); } catch { /* private window: for this page only */ }
  document.documentElement.dataset.theme = next;
});
