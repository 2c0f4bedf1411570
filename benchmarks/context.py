"""The context: search over 100,000 messages, and the panel with 2,000 chunks in Chromium.

    search    common and rare words, by their beginning, several, and what has to be read
    panel     from the click to the drawn list; from the click that excludes a chunk to the
              drawn answer; and the longest frame while the list is scrolled

Composing 100,000 messages and 10,000 chunks is measured by `history`. The anchor of a
search is what it replaced: LIKE over the same messages.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.inside import databases, run_inside

SYLLABLES = [
    "ka",
    "lo",
    "mi",
    "ter",
    "san",
    "vo",
    "dre",
    "pul",
    "ni",
    "gas",
    "wem",
    "ro",
]
SCROLL = """async () => {
  const list = document.querySelector('.context__list');
  let longest = 0, last = performance.now();
  for (let at = 0; at < 120; at += 1) {
    list.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return longest;
}"""


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {what, database, size, seconds, anchor s, ratio}."""
    size = 5_000 if quick else 100_000
    rows: list[dict] = []
    for database in databases():
        found = run_inside("benchmarks.context", size, database=database)
        rows += [{"database": database, **row} for row in found]
    return rows + _panel(200 if quick else 2_000)


def work(size: int) -> list[dict[str, Any]]:
    """What the measured process does: half of the messages are somebody else's."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.db import connection

    alice = User.objects.create_superuser("alice")
    bob = User.objects.create_user("bob")
    began = time.monotonic()
    for owner in (alice, bob):
        _fill(owner, size // 2)
    rows = [_row("store with the index kept", size, time.monotonic() - began, 0.0)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return rows + _searches(alice, size)


ASKED = {
    "a common word": "kalo",
    "a rare word": "needle4711",
    "the beginning of a word": "needle",
    "three words": "kalo terna vodre",
    "what has to be read (no spaces)": "日本",
}


def _searches(user: Any, size: int) -> list[dict[str, Any]]:
    """Search, and the list of conversations, beside a plain LIKE over the same rows."""
    from django.db.models import Q

    from context_app.services import search
    from sessions_app.models import Conversation, Message
    from sessions_app.services.conversations import list_conversations

    rows = []
    for name, query in ASKED.items():
        like = Q()
        for word in query.split():
            like &= Q(text__icontains=word)
        mine = Message.objects.visible_to(user).filter(like)
        anchor = _median(lambda mine=mine: list(mine.values_list("pk")[:50]))
        took = _median(lambda query=query: search.search(user=user, query=query))
        rows.append(_row(f"search: {name}", size, took, anchor))
        found = Conversation.objects.visible_to(user).filter(
            pk__in=mine.values("conversation")
        )
        anchor = _median(lambda found=found: list(found[:50]))
        took = _median(lambda query=query: list_conversations(user=user, query=query))
        rows.append(_row(f"list of conversations: {name}", size, took, anchor))
    return rows


def _fill(owner: Any, size: int) -> None:
    from sessions_app.models import Conversation, Message

    dice = random.Random(owner.pk)
    vocabulary = [
        "".join(dice.choices(SYLLABLES, k=dice.randint(2, 4))) for _ in range(9000)
    ]
    talks = Conversation.objects.bulk_create(
        Conversation(owner=owner, title=" ".join(dice.choices(vocabulary, k=4)))
        for _ in range(max(size // 50, 1))
    )
    batch = []
    for at in range(size):
        words = dice.choices(vocabulary, k=60)
        if at % 3 == 0:
            words[7] = "kalo"
        if at % 1000 == 0:
            words[9] = f"needle{at + 711}"
        if at % 5000 == 0:
            words[11] = "日本語"
        text = " ".join(words)
        parts = [{"type": "text", "text": text}]
        talk = talks[at % len(talks)]
        batch.append(Message(conversation=talk, role="user", parts=parts, text=text))
        if len(batch) == 2000:
            Message.objects.bulk_create(batch)
            batch = []
    Message.objects.bulk_create(batch)


def _median(call: Callable[[], Any]) -> float:
    times = []
    for _ in range(5):
        started = time.monotonic()
        call()
        times.append(time.monotonic() - started)
    return statistics.median(times)


def _row(what: str, size: int, seconds: float, anchor: float) -> dict[str, Any]:
    found = {"what": what, "size": size, "seconds": round(seconds, 4)}
    if anchor:
        ratio = seconds / max(anchor, 1e-9)
        found |= {"anchor s": round(anchor, 4), "ratio": round(ratio, 2)}
    return found


def _panel(chunks: int) -> list[dict]:
    """In the product itself, with its demo, and the machine's Chromium."""
    import shutil

    from playwright.sync_api import sync_playwright

    from tests.e2e.started import Started

    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        return []
    with tempfile.TemporaryDirectory(prefix="maestro-benchmark-") as folder:
        started = Started(Path(folder) / "data")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=path, args=["--no-sandbox", "--disable-gpu"]
                )
                page = browser.new_page(viewport={"width": 1366, "height": 850})
                started.set_up(page)
                key = started.manage("shell", "-c", FILL.format(chunks=chunks))
                page.goto(f"{started.url}/c/{key.strip().splitlines()[-1]}/")
                page.wait_for_selector("#picker-credential:not(:empty)")
                rows = _looked_at(page, chunks)
                browser.close()
        finally:
            started.stop()
    return rows


FILL = """
from django.contrib.auth.models import User
from context_app.models import ContextChunk
from sessions_app.models import Conversation
row = Conversation.objects.create(owner=User.objects.get(), title='many')
ContextChunk.objects.bulk_create(
    ContextChunk(conversation=row, owner=row.owner, kind='text', title=f'chunk {{at}}',
                 text='The quick brown fox. ' * 20, position=at) for at in range({chunks}))
print(row.pk)
"""


def _looked_at(page: Any, chunks: int) -> list[dict]:
    began = time.monotonic()
    page.click("#context-toggle")
    page.wait_for_function(
        "count => document.querySelectorAll('#context-chunks > li').length === count",
        arg=chunks,
    )
    page.evaluate("() => new Promise(requestAnimationFrame)")
    rows = [_row("panel: open, in Chromium", chunks, time.monotonic() - began, 0.0)]
    times = []
    for at in range(5):
        node = page.locator("#context-chunks > li").nth(at)
        began = time.monotonic()
        node.locator("[data-do=exclude]").click()
        page.wait_for_function(
            "at => document.querySelectorAll('#context-chunks > li')[at]"
            ".classList.contains('chunk--out')",
            arg=at,
        )
        times.append(time.monotonic() - began)
    rows.append(_row("panel: exclude a chunk", chunks, statistics.median(times), 0.0))
    longest = page.evaluate(SCROLL) / 1000
    rows.append(_row("panel: longest frame of scrolling", chunks, longest, 0.0))
    return rows


if __name__ == "__main__":
    _, _, count = sys.argv
    print(json.dumps(work(int(count))))
