// format.js: numbers, money and times as people read them.

const number = new Intl.NumberFormat();
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const count = (value) => (value === null || value === undefined ? "–" : number.format(value));

export function money(text) {
  const value = Number(text);
  if (value === 0) return "0";
  return value >= 0.01 ? value.toFixed(2) : value.toPrecision(2);
}

export function clock(iso) {
  const node = document.createElement("time");
  const moment = new Date(iso);
  node.dateTime = iso;
  node.title = full.format(moment);
  node.textContent = time.format(moment);
  return node;
}

export const when = (iso) => full.format(new Date(iso));

export function seconds(from, to) {
  if (!from || !to) return null;
  return `${((new Date(to) - new Date(from)) / 1000).toFixed(1)} s`;
}
