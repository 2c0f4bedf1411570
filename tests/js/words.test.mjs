// Words and numbers of the page, without a browser. Run: node --test tests/js

import assert from "node:assert/strict";
import { test } from "node:test";

const scripts = new URL("../../sessions_app/static/js/", import.meta.url);
// The scripts are modules of a page: their folder has no package.json that says so.
const load = async (name) => import(`data:text/javascript,${encodeURIComponent(
  await (await import("node:fs/promises")).readFile(new URL(name, scripts), "utf8"))}`);
const { STRINGS, say } = await load("shared/strings.js");
const { count, money, seconds, why } = await load("shared/format.js");

test("a value stands as it is, also when it looks like a placeholder", () => {
  assert.equal(say("Image: {url}", { url: "{url} $& $1 {title}" }), "Image: {url} $& $1 {title}");
  assert.equal(say("{a}{b}{a}", { a: "<b>", b: 0 }), "<b>0<b>");
});

test("a placeholder without a value is left to be seen", () => {
  assert.equal(say("By {owner}", {}), "By {owner}");
  assert.equal(say("By {owner}", { owner: null }), "By {owner}");
});

test("small costs keep two digits that say something", () => {
  assert.equal(money("0"), "0");
  assert.equal(money("0.00001234"), "0.000012");
  assert.equal(money("1.005"), "1.00");
  assert.equal(money("12.3456"), "12.35");
});

test("no number is a dash, and zero is a number", () => {
  assert.equal(count(null), "–");
  assert.equal(count(undefined), "–");
  assert.equal(count(0), "0");
});

test("why an answer ended is said unless its reader ended it", () => {
  assert.equal(why({ cause: "Ended: it took longer than a run may take here." }), "Ended: it took longer than a run may take here.");
  for (const cause of ["You stopped it.", "You stopped it before it began.", "It was stopped.", "", undefined]) assert.equal(why({ cause }), "");
});

test("a time that has not come has no length", () => {
  assert.equal(seconds("2026-01-01T00:00:00Z", null), null);
  assert.equal(seconds("2026-01-01T00:00:00Z", "2026-01-01T00:00:01.250Z"), "1.3 s");
});

test("every end of a run has words", () => {
  for (const end of ["queued", "running", "writing", "stopped", "interrupted", "cut", "filtered", "declined"]) {
    assert.ok(STRINGS.status[end], end);
  }
});
