"""The product in a real browser: one installation with its demo, one Chromium a session.

Every page fails its test on an error in the console, an error of a script, a request that
failed, or a request to anywhere else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    expect,
    sync_playwright,
)
from xdist.scheduler import LoadFileScheduling

from tests.e2e.attacked import attacked, attacked_window, hostile, watched
from tests.e2e.logging_in import (
    elsewhere,
    far_page,
    here,
    login_page,
    login_reader,
    vendors,
)
from tests.e2e.started import Started
from tests.e2e.windows import DESKTOP, PHONE, watch

__all__ = [
    "attacked", "attacked_window", "elsewhere", "far_page", "here", "hostile",
    "login_page", "login_reader", "vendors", "watch", "watched",
]  # fmt: skip

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
]  # fmt: skip
expect.set_options(timeout=15_000)


# Vendors send a browser back to one fixed port of the person's machine: one at a time.
SHARE_A_PORT = ("test_logins", "test_saved_logins", "test_admin_logins")


# These take longest: they come first, so that no browser works on alone at the end.
LONGEST = (
    *SHARE_A_PORT, "test_pages", "test_reading", "test_recordings_in_browser",
    "test_untrusted_text", "test_audits", "test_hostile_vendor", "test_another_site",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order within stays."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


class ByFile(LoadFileScheduling):
    """Files beside each other, so that each starts its installations once."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "logins" if Path(file).stem in SHARE_A_PORT else file


# Not `--dist loadgroup`: marks come too late, since pytest 9.2 keeps ids as they were.
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


# The first is the same Chromium without the frame of a window, which costs more to draw for
# each test than most pages of ours.
BROWSERS = (
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Without one: skipped loudly, or failed where CI demands it."""
    path = next(filter(None, map(shutil.which, BROWSERS)), "")
    if not path:
        word = (
            "no Chromium found: install the package `chromium` to run the browser tests"
        )
        pytest.fail(word) if os.environ.get("CI") else pytest.skip(word)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Product:
    """A running installation with the demo, and its emulator's control."""

    started: Started
    state: dict[str, Any]  # cookies of the administrator

    @property
    def url(self) -> str:
        return self.started.url

    @property
    def emulator(self) -> str:
        port = (self.started.data / "demo.port").read_text()
        return f"http://127.0.0.1:{port}"

    def control(self, path: str, **data: Any) -> None:
        """Tell the emulator what happens next; see providers/emulator/control.py."""
        answer = requests.post(
            f"{self.emulator}/_emulator/{path}", json=data, timeout=5
        )
        assert answer.ok, answer.text


@pytest.fixture(scope="session")
def product(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Started once, set up through its own one-time link."""
    workspace = tmp_path_factory.mktemp("workspace")
    started = Started(
        tmp_path_factory.mktemp("product") / "data",
        MAESTRO_WORKSPACE=str(workspace),
        MAESTRO_DEMO_CONTROL="true",
        MAESTRO_RETRY_ATTEMPTS="1",
    )
    context = chromium.new_context()
    started.set_up(context.new_page())
    yield Product(started, dict(context.storage_state()))
    context.close()
    started.stop()
    for trouble in ("Traceback", "database is locked"):
        assert trouble not in started.output, started.output[-4000:]


@pytest.fixture
def window(chromium: Browser, product: Product) -> Iterator[BrowserContext]:
    """A desktop window in which the administrator is signed in."""
    yield from _window(chromium, product, DESKTOP)


@pytest.fixture
def phone(chromium: Browser, product: Product) -> Iterator[BrowserContext]:
    """The same on a phone."""
    yield from _window(chromium, product, PHONE)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def any_page(
    request: pytest.FixtureRequest, chromium: Browser, product: Product
) -> Iterator[Page]:
    """An empty chat page, once on a desktop and once on a phone."""
    for context in _window(chromium, product, request.param):
        found = context.new_page()
        found.goto("/")
        ready(found)
        yield found


def _window(chromium: Browser, product: Product, size: Any) -> Iterator[BrowserContext]:
    requests.delete(f"{product.emulator}/_emulator", timeout=5)
    context = chromium.new_context(
        base_url=product.url, storage_state=product.state, viewport=size
    )
    troubles: list[str] = []
    context.on("page", lambda page: watch(page, product.url, troubles))
    yield context
    context.close()
    assert not troubles


@pytest.fixture
def page(window: BrowserContext) -> Page:
    """An empty chat page."""
    found = window.new_page()
    found.goto("/")
    ready(found)
    return found


def ready(page: Page) -> None:
    """Wait until the page knows its model and its socket is open."""
    expect(page.locator("#picker-model")).not_to_have_text("Choose a model")
    expect(page.locator("#connection")).to_be_hidden()


def ask(page: Page, text: str) -> None:
    """Type a question, send it, and wait until it is accepted."""
    before = page.locator("#messages > li").count()
    page.fill("#question", text)
    page.press("#question", "Enter")
    expect(page.locator("#messages > li")).not_to_have_count(before)


def last_answer(page: Page) -> Any:
    """The newest answer."""
    return page.locator("#messages > li:not(.message--mine)").last


def away_from_end(page: Page) -> float:
    """How many pixels of the conversation are below what is seen."""
    away: float = page.evaluate(
        "(() => { const t = document.getElementById('thread');"
        " return t.scrollHeight - t.scrollTop - t.clientHeight; })()"
    )
    return away


def finished(page: Page, within_ms: int = 30_000) -> None:
    """Wait until there are answers and nothing is being answered."""
    expect(last_answer(page)).to_be_visible()
    expect(page.locator("#messages > li.message--live")).to_have_count(
        0, timeout=within_ms
    )
