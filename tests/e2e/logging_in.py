"""Steps and fixtures of the tests of logins: an installation whose vendors are the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.started import Started
from tests.e2e.windows import DESKTOP, PHONE, watch
from tests.emulator import EmulatorProcess

POLL_S = 0.3  # between two questions of a device login


@dataclass
class Installation:
    """One that reaches the emulator in place of every vendor."""

    started: Started
    state: Any  # cookies of the administrator


@pytest.fixture(scope="session")
def vendors() -> Iterator[EmulatorProcess]:
    """Every vendor, of these tests alone."""
    process = EmulatorProcess("--pace", 0)
    yield process
    process.stop()


@pytest.fixture(scope="session")
def here(chromium, vendors, tmp_path_factory) -> Iterator[Installation]:
    """On the person's own machine: a loopback listener waits for the browser."""
    yield from _installed(
        chromium,
        vendors,
        tmp_path_factory.mktemp("here"),
        MAESTRO_LOGIN_LISTENER="true",
    )


@pytest.fixture(scope="session")
def elsewhere(chromium, vendors, tmp_path_factory) -> Iterator[Installation]:
    """As on a server: nobody listens on the person's machine."""
    yield from _installed(
        chromium, vendors, tmp_path_factory.mktemp("elsewhere"),
        MAESTRO_LOGIN_LISTENER="false", MAESTRO_GEMINI_OAUTH_CLIENT_ID="c.example",
        MAESTRO_GEMINI_OAUTH_CLIENT_SECRET="fake-secret", MAESTRO_GEMINI_PROJECT="p-1",
        MAESTRO_GEMINI_OAUTH_WEB_CLIENT="true",
    )  # fmt: skip


def _installed(
    chromium: Browser, vendors: EmulatorProcess, folder: Any, **settings: str
) -> Iterator[Installation]:
    reroute = ",".join(f"{origin}={at}" for origin, at in vendors.origins().items())
    started = Started(folder / "data", "--no-demo", MAESTRO_REROUTE=reroute, **settings)
    context = chromium.new_context()
    started.set_up(context.new_page())
    yield Installation(started, context.storage_state())
    context.close()
    started.stop()
    for trouble in ("Traceback", "database is locked"):
        assert trouble not in started.output, started.output[-4000:]


@pytest.fixture
def login_page(chromium, here, vendors) -> Iterator[Page]:
    """The page of credentials, empty, on a desktop."""
    yield from _page(chromium, here, vendors, viewport=DESKTOP)


@pytest.fixture
def far_page(chromium, elsewhere, vendors) -> Iterator[Page]:
    """The same of an installation on another machine."""
    yield from _page(chromium, elsewhere, vendors, viewport=DESKTOP)


def _page(
    chromium: Browser, where: Installation, vendors: EmulatorProcess, **options: Any
) -> Iterator[Page]:
    vendors.reset()
    vendors.oauth_config(device_interval_s=POLL_S)
    context = chromium.new_context(
        base_url=where.started.url, storage_state=where.state, **options
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    troubles: list[str] = []
    watch(page, where.started.url, troubles)
    page.goto("/credentials/")
    expect(page.locator("#provider option")).not_to_have_count(0)
    yield page
    page.goto("/credentials/")
    for row in page.request.get("/api/credentials/").json()["credentials"]:
        answer = page.request.delete(
            f"/api/credentials/{row['id']}/", headers=_csrf(page)
        )
        assert answer.ok, answer.text()
    context.close()
    # What the browser says of a refusal: the page says it in words.
    assert not [t for t in troubles if "status of 40" not in t]


def _csrf(page: Page) -> dict[str, str]:
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    return {"X-CSRFToken": token, "Referer": page.url}


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def login_reader(request, chromium, here, vendors) -> Iterator[Page]:
    """The page of credentials without its policy, so that axe may look at it."""
    yield from _page(chromium, here, vendors, viewport=request.param, bypass_csp=True)


def begin(page: Page, name: str, method: str = "", vendor: str = "openai") -> None:
    """Fill in the form and start; returns when the dialog waits."""
    page.select_option("#provider", vendor)
    page.check("#how-login")
    page.fill("#name", name)
    if method:
        page.check(f"#add-login-{method}")
    page.click("#save")
    expect(page.locator("#login-open")).to_be_visible()


def at_vendor(page: Page) -> Page:
    """Follow the link, as a person does."""
    with page.context.expect_page() as opened:
        page.click("#login-open")
    return opened.value


def failed_address(page: Page) -> str:
    """Where the vendor sends the browser to, where nobody answers."""
    with page.context.expect_event(
        "request", lambda request: "/auth/callback?" in request.url
    ) as seen:
        tab = at_vendor(page)
    tab.close()
    return seen.value.url


def card(page: Page, name: str) -> Any:
    """A credential in the list."""
    return page.locator(f".card[data-name={name}]")


def more(page: Page, name: str, action: str) -> None:
    """An action of a card's menu."""
    card(page, name).locator("[data-does=more]").click()
    page.locator(".menu").get_by_role("button", name=action, exact=True).click()


def paste(page: Page, text: str) -> None:
    """Into the dialog's field."""
    page.fill("#login-answer", text)
    page.click("#login-send")


def json_file(data: Any, name: str = "auth.json") -> dict[str, Any]:
    """A file to choose."""
    return {
        "name": name,
        "mimeType": "application/json",
        "buffer": json.dumps(data).encode(),
    }


def codex_file() -> dict[str, Any]:
    """A key, as Codex keeps it."""
    return json_file({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-test-imported"})
