"""F18: a page of another origin, in the browser in which Alice is signed in, gets nowhere.

From two places: another port of our own host name, to which browsers send Alice's cookies
with every request, so that only the server can refuse; and another host name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response

from tests.e2e.foreign_site import ATTACKS, rows, serving
from tests.e2e.started import Started
from tests.sessions_app.factories import PASSWORD
from tests.sessions_app.views.test_access import WORDS, path_of, routes

MAKE_THINGS = """
import json
from django.contrib.auth.models import User
from sessions_app.models import Run
from tests.sessions_app.views.test_access import alices_things
ids, _ = alices_things()
Run.objects.update(status='done')
User.objects.filter(username='alice').update(is_staff=True, is_superuser=True)
print(json.dumps(ids, default=str))
"""
# Browsers report without a cookie; it writes no row.
EXEMPT = {"csp-report"}
PAGES = [
    "/",
    "/login/",
    "/account/",
    "/credentials/",
    "/people/",
    "/admin/",
    "/healthz",
]
# An <object> has nothing where it failed.
NOTHING_SHOWN = {"", "chrome-error://chromewebdata/"}


@pytest.fixture(scope="module")
def home(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    """An installation of this file's own: nobody else changes its rows."""
    started = Started(tmp_path_factory.mktemp("home") / "data", "--no-demo")
    page = chromium.new_page()
    started.set_up(page)
    page.close()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def alices(home: Started) -> dict[str, Any]:
    """One of everything that has an id, all hers, by the names that routes have for it."""
    printed = home.manage("shell", "-c", MAKE_THINGS)
    ids: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return ids | WORDS


@pytest.fixture(scope="module")
def alice(
    home: Started, alices: dict[str, Any], chromium: Browser
) -> Iterator[BrowserContext]:
    """Her window, in which she is signed in."""
    context = chromium.new_context(base_url=home.url)
    page = context.new_page()
    page.goto("/login/")
    page.fill("#id_username", "alice")
    page.fill("#id_password", PASSWORD)
    page.click(".gate button[type=submit]")
    page.wait_for_selector("#composer")
    page.close()
    yield context
    context.close()


@pytest.fixture(params=["127.0.0.1", "localhost"], ids=["other port", "other host"])
def theirs(request: pytest.FixtureRequest, alice: BrowserContext) -> Iterator[Page]:
    """The other site's page, in her window."""
    with serving() as port:
        page = alice.new_page()
        page.goto(f"http://{request.param}:{port}/")
        page.evaluate(ATTACKS)
        yield page
        page.close()


@pytest.fixture
def own(alice: BrowserContext) -> Iterator[Page]:
    """A page of ours beside it: what is refused there works here."""
    page = alice.new_page()
    page.goto("/account/")
    page.evaluate(ATTACKS)
    yield page
    page.close()


def paths(alices: dict[str, Any], beginning: str = "/") -> dict[str, str]:
    """The address of every route, with her ids, by the route's name."""
    found = {name: path_of(name, names, alices) for name, names in routes()}
    return {name: path for name, path in found.items() if path.startswith(beginning)}


def ask(page: Page, url: str, **options: Any) -> tuple[str, str]:
    """(kind of answer or name of the error, words) of a `fetch` with credentials."""
    kind, words = page.evaluate(
        "([url, options]) => attacks.ask(url, options)", [url, options]
    )
    return kind, words


def stolen_token(page: Page) -> str:
    """The CSRF token, where the attacker can read it: cookies know no ports."""
    jar = dict(
        part.strip().split("=", 1)
        for part in page.evaluate("document.cookie").split(";")
        if part.strip()
    )
    return jar.get("csrftoken", "x" * 32)


def is_same_host(page: Page) -> bool:
    return page.url.startswith("http://127.0.0.1:")


def test_no_socket_opens(theirs: Page, own: Page, home: Started) -> None:
    url = f"{home.url.replace('http', 'ws', 1)}/ws/chat/"
    assert own.evaluate("(url) => attacks.socket(url)", url) == "open"
    assert theirs.evaluate("(url) => attacks.socket(url)", url) == 1006


def test_no_post_to_any_address_changes_anything(
    theirs: Page, home: Started, alices: dict[str, Any]
) -> None:
    """Without CORS a script may send what a form may, and the server gets all of it."""
    statuses: dict[str, int] = {}
    theirs.on("response", lambda r: statuses.update({r.url: r.status}))
    token = stolen_token(theirs)
    assert is_same_host(theirs) == (token != "x" * 32)
    before = rows(home)
    kinds = set()
    for path in paths(alices).values():
        for kind, body in (
            ("application/x-www-form-urlencoded", f"csrfmiddlewaretoken={token}"),
            ("text/plain", json.dumps({"csrfmiddlewaretoken": token})),
        ):
            kinds.add(ask(
                theirs, f"{home.url}{path}", method="POST", mode="no-cors",
                body=body, headers={"content-type": kind},
            ))  # fmt: skip
    assert kinds == {("opaque", "")}
    names = {home.url + path: name for name, path in paths(alices).items()}
    let_in = {names[url]: status for url, status in statuses.items() if status != 403}
    assert let_in.keys() <= EXEMPT, let_in
    assert names.keys() - statuses.keys() <= {f"{home.url}/favicon.ico"}  # untold
    assert rows(home) == before


FORMS: dict[str, dict[str, str]] = {
    "account-name": {"display_name": "Mallory"},
    "team-rename": {"name": "Mallory's"},
    "team-delete": {},
    "invite": {"note": "for Mallory"},
    "person-close": {},
    "logout": {},
    "login": {"username": "alice", "password": PASSWORD},
}


def test_no_form_is_taken(theirs: Page, home: Started, alices: dict[str, Any]) -> None:
    before = rows(home)
    page = theirs.url
    for name, fields in FORMS.items():
        token = stolen_token(theirs)
        sent = submit(theirs, home.url + paths(alices)[name], token, fields)
        assert sent.status == 403, name
        theirs.goto(page)
        theirs.evaluate(ATTACKS)
    assert rows(home) == before


def test_the_same_form_of_our_own_page_is_taken(
    own: Page, home: Started, alices: dict[str, Any]
) -> None:
    before = rows(home)
    address = home.url + paths(alices)["account-name"]
    submit(own, address, stolen_token(own), {"display_name": "Alice herself"})
    after = rows(home)
    assert {name for name in after if after[name] != before[name]} == {"auth_user"}


def submit(page: Page, url: str, token: str, fields: dict[str, str]) -> Response:
    """The answer to a form that this page sends."""
    given = {"csrfmiddlewaretoken": token, **fields}
    with page.expect_navigation() as answer:
        page.evaluate("([url, fields]) => attacks.submit(url, fields)", [url, given])
    return answer.value


def test_no_json_is_read(
    theirs: Page, own: Page, home: Started, alices: dict[str, Any]
) -> None:
    url = f"{home.url}/api/conversations/"
    kind, words = ask(own, url)
    assert kind == "basic" and alices["conversation_id"] in words
    before = rows(home)
    for path in paths(alices).values():
        assert ask(theirs, home.url + path) == ("TypeError", "")
        assert ask(theirs, home.url + path, mode="no-cors") == ("opaque", "")
    for kind in ("script", "link"):
        assert embed(theirs, kind, url) == "error"
    assert rows(home) == before


def test_the_browser_asks_first_and_is_told_no(
    theirs: Page, home: Started, alices: dict[str, Any]
) -> None:
    """JSON, and every method but those of a form, need a word of ours that is never said."""
    before = rows(home)
    headers = {"content-type": "application/json", "x-csrftoken": stolen_token(theirs)}
    told = {
        ask(theirs, home.url + path, method=method, body="{}", headers=headers)
        for path in paths(alices, "/api/").values()
        for method in ("POST", "PUT", "PATCH", "DELETE")
    }
    assert told == {("TypeError", "")}
    assert rows(home) == before


@pytest.mark.parametrize("kind", ["iframe", "object", "embed"])
def test_no_page_of_ours_is_shown_inside_theirs(
    kind: str, theirs: Page, home: Started
) -> None:
    embed(theirs, kind, theirs.url)
    for path in PAGES:
        embed(theirs, kind, home.url + path)
    control, *ours = theirs.frames[1:]
    assert control.locator("#elsewhere").count() == 1
    assert ours and {frame.url for frame in ours} <= NOTHING_SHOWN


def test_a_window_that_they_open_is_not_in_their_hands(
    theirs: Page, home: Started
) -> None:
    with theirs.expect_popup() as opened:
        theirs.evaluate("(url) => { window.opened = open(url); }", home.url)
    opened.value.wait_for_selector("#composer")
    assert theirs.evaluate("opened.closed")  # what they hold leads nowhere
    assert opened.value.evaluate("window.opener") is None
    opened.value.close()


def test_a_link_changes_nothing(
    theirs: Page, own: Page, home: Started, alices: dict[str, Any]
) -> None:
    """A browser follows a link with the cookies of where it leads, whoever wrote it."""
    before = rows(home)
    for name in ("logout", "person-close", "team-delete", "account-end", "csp-report"):
        theirs.evaluate("(url) => { location = url; }", home.url + paths(alices)[name])
        theirs.wait_for_url(f"{home.url}/**")
        theirs.go_back()
    assert rows(home) == before
    own.reload()
    assert own.url == f"{home.url}/account/"  # still signed in


def embed(page: Page, kind: str, url: str) -> str:
    """Put it into the page as such an element; "load" or "error"."""
    told: str = page.evaluate("([kind, url]) => attacks.embed(kind, url)", [kind, url])
    return told
