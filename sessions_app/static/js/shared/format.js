// shared/format.js: numbers, money and times as people read them.

const number = new Intl.NumberFormat();
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
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

// "14:05" today, with its date on other days.
export function until(iso) {
  const moment = new Date(iso);
  return moment.toDateString() === new Date().toDateString() ? time.format(moment) : full.format(moment);
}

const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60]];

// "in 3 hours", "2 days ago", "now".
export function ago(iso, now = Date.now()) {
  const seconds = (new Date(iso) - now) / 1000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", Infinity];
  return relative.format(Math.trunc(seconds / size), unit);
}

// The same as an element; its title has the exact time.
export function moment(iso) {
  const node = document.createElement("time");
  node.dateTime = iso;
  node.title = full.format(new Date(iso));
  node.textContent = ago(iso);
  return node;
}

export const when = (iso) => full.format(new Date(iso));

export function seconds(from, to) {
  if (!from || !to) return null;
  return `${((new Date(to) - new Date(from)) / 1000).toFixed(1)} s`;
}

// Why an answer ended, where it was not the person's own press of a button.
export const why = (run) => (/^(You stopped it|It was stopped)/.test(run.cause ?? "") ? "" : run.cause ?? "");
