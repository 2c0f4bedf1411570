"""The pictures of the documents, taken anew: `python -m tests.e2e.pictures [FOLDER]`.

Starts an installation with its demo, does what docs/users.md tells, and saves what is seen
to docs/images. Run it after a change of the pages, and look at what comes out.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import requests
from playwright.sync_api import Page, sync_playwright

from tests.e2e.conftest import FLAGS, ask, finished, last_answer, ready
from tests.e2e.started import Started
from tests.e2e.windows import DESKTOP
from tests.emulator import ROOT

IMAGES = ROOT / "docs" / "images"
SEEDED = ROOT / "tests" / "providers" / "audit" / "seeded" / "shop"
QUESTION = "When does the next train leave for Bern?"
INTENT = {
    "purpose": "research",
    "scope": "The timetable of the railway, one page.",
    "risk_level": "low",
}


def chat(page: Page, say: Callable[..., None]) -> None:
    """A question and its answer."""
    for question in ("Compare things in a table", "Show your reasoning, please"):
        page.goto("/")
        ready(page)
        ask(page, question)
        finished(page)
    page.goto("/")
    ready(page)
    ask(page, "Show me some code")
    finished(page)
    page.evaluate("document.getElementById('thread').scrollTop = 0")


def tool(page: Page, say: Callable[..., None]) -> None:
    """A tool call that waits for a person."""
    page.goto("/")
    ready(page)
    if page.get_attribute("#tools", "aria-pressed") == "false":
        page.click("#tools")
    arguments = {"intent": INTENT, "url": "http://timetable.example/bern"}
    pieces = [
        {"text": "I will look at the timetable."},
        {"call": {"name": "web_fetch", "arguments": arguments}},
    ]
    say(pieces=pieces)
    ask(page, QUESTION)
    card = last_answer(page).locator(".tool").first
    card.get_by_role("button", name="Approve once").wait_for()
    card.locator("summary").first.click()


def context(page: Page, say: Callable[..., None]) -> None:
    """The panel beside the conversation, with a text that was added."""
    page.goto("/")
    ready(page)
    say(text="The roof of the old mill was mended in spring; the cellar is still wet.")
    ask(page, "What is left to do at the mill?")
    finished(page)
    say(text="About two weeks, if it stays dry.")
    ask(page, "How long will that take?")
    finished(page)
    page.click("#context-toggle")
    page.click("#context-add")
    page.fill("#chunk-title", "Notes of the builder")
    page.fill("#chunk-text", "Drain first, then plaster. No work below 5 °C.")
    page.click("#chunk-save")
    page.locator("#context-chunks > li", has_text="Drain first").wait_for()
    pin = page.locator("#context-chunks > li", has_text="Drain first")
    pin.locator("[data-do=pin]").click()
    first = page.locator("#context-chunks > li", has_text="The roof of the old mill")
    first.locator("[data-do=exclude]").click()
    page.wait_for_timeout(600)  # the gauge moves
    page.mouse.move(0, 0)


def credentials(page: Page, say: Callable[..., None]) -> None:
    """The page of credentials."""
    page.goto("/credentials/")
    page.wait_for_load_state("networkidle")


def audit(page: Page, say: Callable[..., None]) -> None:
    """A file that was read, and what was found in it."""
    page.goto("/audits/")
    page.fill("#text", (SEEDED / "orders.py").read_text())
    page.fill("#name", "orders.py")
    page.click("#begin")
    page.locator(".audit-name").first.click()
    page.locator(".finding").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelector('.finding').scrollIntoView()")
    page.mouse.wheel(0, -90)
    page.wait_for_timeout(300)


PICTURES = {
    "chat": chat,
    "tool": tool,
    "context": context,
    "credentials": credentials,
    "audit": audit,
}


def main(folder: Path) -> None:
    """Take all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        started = Started(Path(data) / "data", MAESTRO_DEMO_CONTROL="true")
        port = (started.data / "demo.port").read_text()

        def say(**answer: object) -> None:
            url = f"http://127.0.0.1:{port}/_emulator/scripts"
            requests.post(url, json=answer, timeout=5).raise_for_status()

        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(base_url=started.url, viewport=DESKTOP)
            started.set_up(page)
            for name, show in PICTURES.items():
                show(page, say)
                page.screenshot(path=folder / f"{name}.png")
                print(folder / f"{name}.png")
            browser.close()
        finally:
            started.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
