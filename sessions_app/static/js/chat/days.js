// chat/days.js: under which heading of the list a moment belongs, in the person's own time zone.

import { STRINGS } from "../shared/strings.js";

const DAY = 86_400_000;

export function dayOf(iso) {
  const start = new Date();
  start.setHours(0, 0, 0, 0);
  const age = start - new Date(iso);
  if (age <= 0) return STRINGS.today;
  if (age <= DAY) return STRINGS.yesterday;
  return age <= 6 * DAY ? STRINGS.week : STRINGS.older;
}
