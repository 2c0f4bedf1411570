"""An installation whose vendor is an attacker: fixtures and steps of the tests of S-30 to 32."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.corpus import payloads
from tests.e2e.hostile import Hostile, serving
from tests.e2e.started import Started, module_url
from tests.e2e.watched import Watched

DRAW = (Path(__file__).parent / "markdown_in_page.js").read_text(encoding="utf-8")
BATCH = 60
_TEX = [payload for payload in payloads() if payload.kind == "tex"]
_OTHERS = [payload for payload in payloads() if payload.kind != "tex"]
SAMPLE = _OTHERS[:: len(_OTHERS) // 40][:40] + _TEX[::20]
CREDENTIAL = "hostile"
ANSWERED = """() => {
  const view = document.querySelector("#messages > li:last-child")?.message;
  return Boolean(view && !view.isMine && view.message.run?.finished_at
    && !document.querySelector(".message--live"));
}"""


@pytest.fixture(scope="session")
def hostile() -> Iterator[Hostile]:
    """A vendor that attacks, and a listener for what leaks."""
    with serving() as found:
        yield found


@pytest.fixture(scope="session")
def attacked(
    chromium: Browser, hostile: Hostile, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    """An installation whose only real credential leads to the attacker."""
    started = Started(tmp_path_factory.mktemp("untrusted") / "data", "--no-demo")
    page = chromium.new_page()
    started.set_up(page)
    page.close()
    started.manage(
        "credential", "add", "custom", "--name", CREDENTIAL, "--shared", "--key-stdin",
        "--base-url", f"{hostile.url}/v1", stdin="sk-any",
    )  # fmt: skip
    yield started
    started.stop()


@pytest.fixture(scope="session")
def attacked_window(attacked: Started, chromium: Browser) -> Iterator[BrowserContext]:
    """A window in which the administrator is signed in."""
    context = attacked.sign_in(chromium)
    yield context
    context.close()


@pytest.fixture
def watched(
    attacked_window: BrowserContext, attacked: Started, hostile: Hostile
) -> Iterator[Watched]:
    """A page of that window, watched; nothing is open yet."""
    hostile.say()
    hostile.models = ["plain"]
    hostile.leaked.clear()
    page = attacked_window.new_page()
    page.set_default_timeout(15_000)
    yield Watched(page, attacked.url)
    if page.url.startswith(attacked.url):
        page.evaluate("localStorage.clear()")
    page.close()


def open_chat(watched: Watched) -> Page:
    """The chat page, ready to be asked."""
    page = watched.page
    page.goto("/")
    page.wait_for_selector("#composer")
    page.wait_for_function(
        "() => document.getElementById('picker-model').textContent !== 'Choose a model'"
    )
    return page


def draw(page: Page, texts: list[str], *, is_streamed: bool = False) -> list[str]:
    """What is wrong with how the page draws these, in batches."""
    module = module_url(page, "shared/markdown")
    wrong: list[str] = []
    for at in range(0, len(texts), BATCH):
        told: dict[str, Any] = {"module": module, "isStreamed": is_streamed}
        wrong += page.evaluate(DRAW, {**told, "texts": texts[at : at + BATCH]})
    return wrong


def ask(page: Page, text: str) -> None:
    """Through the question box; returns when the answer is over."""
    page.fill("#question", text)
    page.press("#question", "Enter")
    page.wait_for_function(ANSWERED)


def safe_links(page: Page) -> None:
    """Every link in the thread leads to the web or to a mailbox, or into the product."""
    schemes = page.evaluate(
        "[...document.querySelectorAll('#messages a')].map((a) => a.protocol)"
    )
    assert set(schemes) <= {"http:", "https:", "mailto:"}


def credential_id(page: Page) -> str:
    """The attacker's credential."""
    rows = page.request.get("/api/credentials/").json()["credentials"]
    found: str = next(row["id"] for row in rows if row["name"] == CREDENTIAL)
    return found


def quiet(watched: Watched) -> None:
    """Nothing ran; Django's own pages may have styles that our policy refuses."""
    assert [
        line for line in watched.fired() if not line.startswith("policy style")
    ] == []
    assert watched.dialogs == []
    assert watched.foreign == []
