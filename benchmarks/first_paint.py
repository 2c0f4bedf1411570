"""Opening a long conversation in Chromium: to the first message, and what the server keeps.

    50          the anchor
    100,000     as many messages in one branch
    2 MB        50 messages, the last of which is an answer of two megabytes: as paragraphs,
                as one block of code, as one line

`first s` is from the navigation to the frame in which a message stands in the page,
`longest s` the longest that the page's one thread was busy: what a person feels as frozen.
`MB more` is the most that the web process's memory was above what it was before.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

import psutil
from playwright.sync_api import BrowserContext, sync_playwright

from benchmarks.installation import listener
from tests.e2e.started import Started

TIMES = 5
# In the page, before its own scripts.
WATCH = """
window.seen = { first: 0, longest: 0 };
new PerformanceObserver((list) => {
  for (const task of list.getEntries())
    seen.longest = Math.max(seen.longest, task.duration / 1000);
}).observe({ type: "longtask", buffered: true });
const look = () => {
  if (document.querySelector("#messages > li")) seen.first = performance.now() / 1000;
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
LINE = "The quick brown fox jumps over the lazy dog, and it does not mind. " * 4
CODE = "def a_function(argument: int) -> int:\n    return argument + 1  # why\n"
LARGE = 2_000_000
# Answers of two megabytes, by what they are made of.
ANSWERS = {
    "2 MB of paragraphs": f"{LINE}\n\n" * (LARGE // len(LINE)),
    "2 MB of code": f"```python\n{CODE * (LARGE // len(CODE))}```",
    "2 MB in one line": LINE * (LARGE // len(LINE)),
}
FILL = """
from django.contrib.auth.models import User
from benchmarks import first_paint, history
for size, name in {wanted}:
    row = history.conversation(User.objects.get(), size)
    if text := first_paint.ANSWERS.get(name):
        row.leaf.text, row.leaf.parts = text, [{{'type': 'text', 'text': text}}]
        row.leaf.save()
    print(row.pk)
"""


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {what, messages, first s, longest s, MB more, anchor s, ratio}."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        return []
    many = 5_000 if quick else 100_000
    wanted = [(50, "short answers"), (many, "short answers")]
    wanted += [(50, name) for name in ANSWERS]
    with tempfile.TemporaryDirectory(prefix="maestro-benchmark-") as folder:
        started = Started(Path(folder) / "data", "--no-demo")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=path, args=["--no-sandbox", "--disable-gpu"]
                )
                context = browser.new_context(viewport={"width": 1366, "height": 850})
                started.set_up(context.new_page())
                fill = FILL.format(wanted=wanted)
                keys = started.manage("shell", "-c", fill, within_s=600)
                context.add_init_script(WATCH)
                web = listener(psutil.Process(started.pid), started.port)
                rows: list[dict] = []
                for (size, name), key in zip(
                    wanted, keys.split()[-len(wanted) :], strict=True
                ):
                    anchor = rows[0]["first s"] if rows else 0.0
                    found = _opened(context, f"{started.url}/c/{key}/", web)
                    rows.append(_row(name, size, found, anchor))
                browser.close()
        finally:
            started.stop()
    return rows


def _opened(context: BrowserContext, url: str, web: psutil.Process) -> dict[str, float]:
    """The median of some times, each in a page of its own; the most memory of all."""
    before = web.memory_info().rss
    times, longest, most = [], [], before
    for _ in range(TIMES):
        page = context.new_page()
        page.goto(url, wait_until="commit")
        while not (seen := page.evaluate("window.seen"))["first"]:
            most = max(most, web.memory_info().rss)
        page.wait_for_timeout(1000)  # what is drawn after that is a task, too
        longest.append(page.evaluate("seen.longest"))
        times.append(seen["first"])
        most = max(most, web.memory_info().rss)
        page.close()
    return {
        "first s": round(statistics.median(times), 3),
        "longest s": round(statistics.median(longest), 3),
        "MB more": round((most - before) / 1e6, 1),
    }


def _row(name: str, size: int, found: dict[str, float], anchor: float) -> dict:
    anchor = anchor or found["first s"]
    ratio = round(found["first s"] / anchor, 2)
    return {"what": name, "messages": size, **found, "anchor s": anchor, "ratio": ratio}
