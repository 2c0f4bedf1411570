"""Single sign-on, end to end: the product as it is started, and a certified provider.

Maestro's process, `oidc-provider` from the npm registry as the company's identity
provider, and browsers that follow both.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from tests.e2e.started import PASSWORD, Started

SECRET = "a-secret-of-the-client"
_CSRF = re.compile(r'name="csrf-token" content="([^"]+)"')


class Browser:
    """Somebody's browser, in which the provider knows who sits."""

    def __init__(self, url: str, person: str = "ada") -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Person"] = person

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, allow_redirects=False, timeout=20)

    def post(self, path: str, on: str, **fields: str) -> requests.Response:
        """Send a form that stands on the page `on`."""
        found = _CSRF.search(self.get(on).text)
        assert found, on
        data = {"csrfmiddlewaretoken": found[1], **fields}
        return self.session.post(
            self.url + path, data=data, allow_redirects=False, timeout=20
        )

    def follow(self, answer: requests.Response) -> requests.Response:
        """Wherever it leads, until a page is shown."""
        url = answer.url
        for _ in range(15):
            if answer.status_code not in (302, 303):
                return answer
            url = urljoin(url, answer.headers["location"])
            answer = self.session.get(url, allow_redirects=False, timeout=20)
        raise AssertionError("it never came to a page")

    def sso(self, on: str = "/login/", **fields: str) -> requests.Response:
        """Press the button for single sign-on and go where it leads."""
        return self.follow(self.post("/sso/", on, **fields))

    @property
    def username(self) -> str:
        """Who is signed in; "" for nobody."""
        found = re.search(r"You sign in as ([^<]+)\.", self.get("/account/").text)
        return found[1] if found else ""


class Company:
    """The installation and its administrator's browser."""

    def __init__(self, started: Started, issuer: str) -> None:
        self.started = started
        self.url = started.url
        self.issuer = issuer
        self.admin = self.browser("root-at-work")
        path = started.setup_url.removeprefix(started.url)
        form = {"username": "admin", "password": PASSWORD, "again": PASSWORD}
        assert self.admin.post(path, path, **form).status_code == 302
        made = self.admin.post("/teams/add/", "/teams/", name="Everybody")
        assert made.status_code == 302

    def browser(self, person: str = "ada") -> Browser:
        return Browser(self.url, person)

    def ask(self, words: str) -> str:
        """What a line of Python says of the database."""
        return self.started.manage("shell", "-v", "0", "-c", words).strip()

    def people(self) -> set[str]:
        found = self.ask(
            "from django.contrib.auth.models import User; import json;"
            "print(json.dumps([u.username for u in User.objects.all()]))"
        )
        return set(json.loads(found))


@pytest.fixture(scope="module")
def company(
    modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}"
    started = Started(
        tmp_path_factory.mktemp("sso") / "data",
        MAESTRO_SSO_ISSUER=issuer,
        MAESTRO_SSO_CLIENT_ID="maestro-web",
        MAESTRO_SSO_CLIENT_SECRET=SECRET,
        MAESTRO_SSO_LABEL="Example ID",
        MAESTRO_SSO_DOMAINS="example.org",
        MAESTRO_SSO_TEAM="Everybody",
        MAESTRO_DEMO="false",
    )
    env = {
        "PATH": os.environ["PATH"],
        "ISSUER": issuer,
        "PORT": str(port),
        "SECRET": SECRET,
        "REDIRECT": f"{started.url}/sso/callback/",
    }
    provider = subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=modules,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert provider.stdout is not None
    try:
        provider.stdout.readline()
        yield Company(started, issuer)
    finally:
        provider.terminate()
        provider.wait(10)
        provider.stdout.close()
        started.stop()
    for trouble in ("Traceback", SECRET):
        assert trouble not in started.output, started.output[-3000:]


def test_the_sign_in_page_offers_it_and_who_comes_is_in(company: Company) -> None:
    browser = company.browser("ada")
    assert "Sign in with Example ID" in browser.get("/login/").text
    page = browser.sso()
    assert page.status_code == 200 and 'id="composer"' in page.text
    assert browser.username == "ada"
    teams = browser.get("/teams/").text
    assert "Everybody" in teams


def test_the_same_person_is_the_same_account_the_next_time(company: Company) -> None:
    first, second = company.browser("bea"), company.browser("bea")
    first.sso()
    before = company.people()
    second.sso()
    assert first.username == second.username == "bea"
    assert company.people() == before


def test_it_leads_back_to_where_somebody_wanted_to_go_and_nowhere_else(
    company: Company,
) -> None:
    back = company.browser("cleo").sso(next="/credentials/")
    assert back.url == f"{company.url}/credentials/"
    away = company.browser("cleo").sso(next="https://evil.example/")
    assert away.url == f"{company.url}/"


@pytest.mark.parametrize("person", ["eve.elsewhere", "mallory.unverified"])
def test_who_is_of_no_known_domain_stays_outside(company: Company, person: str) -> None:
    browser = company.browser(person)
    before = company.people()
    page = browser.sso()
    assert page.status_code == 403 and "nobody invited you" in page.text
    assert browser.username == ""
    assert company.people() == before


def test_an_address_leads_to_nobodys_account(company: Company) -> None:
    """No takeover: the issuer says the address of somebody who is here already."""
    company.ask(
        "from django.contrib.auth.models import User;"
        "User.objects.create_user('grace', 'grace@example.org', 'long and own 77')"
    )
    browser = company.browser("grace")
    browser.sso()
    assert browser.username == "grace-2"
    assert "not connected" in company.ask(
        "from allauth.socialaccount.models import SocialAccount as A;"
        "print('connected' if A.objects.filter(user__username='grace') else 'not connected')"
    )


def test_an_invitation_lets_anybody_in_as_invited(company: Company) -> None:
    made = company.admin.post("/invitations/", "/people/", note="Ivo", role="member")
    found = re.search(r'value="([^"]+/join/[^"]+)"', made.text)
    assert found
    path = found[1].removeprefix(company.url)
    token = path.split("/")[2]
    browser = company.browser("ivo.elsewhere")
    page = browser.sso(on=path, invitation=token)
    assert page.status_code == 200 and browser.username == "ivo"
    assert company.browser("other.elsewhere").get(path).status_code == 404
    refused = company.browser("other.elsewhere").sso(invitation=token)
    assert refused.status_code == 404


def test_whoever_is_signed_in_connects_their_own_identity(company: Company) -> None:
    company.ask(
        "from django.contrib.auth.models import User;"
        "User.objects.create_user('hana', '', 'long and own 77')"
    )
    browser = company.browser("hana.elsewhere")
    browser.post("/login/", "/login/", username="hana", password="long and own 77")
    page = browser.sso(on="/account/", connect="1", old="a guess")
    assert "not your present password" in page.text
    page = browser.sso(on="/account/", connect="1", old="long and own 77")
    assert "Your identity is connected" in page.text
    again = company.browser("hana.elsewhere")
    again.sso()
    assert again.username == "hana"
    # Nobody else gets it.
    other = company.browser("hana.elsewhere")
    other.post("/login/", "/login/", username="grace", password="long and own 77")
    refused = other.sso(on="/account/", connect="1", old="long and own 77")
    assert refused.status_code == 403 and "another account" in refused.text
    assert other.username == "grace"


def test_who_has_no_password_connects_no_second_identity(company: Company) -> None:
    """All that is there is a session, which may be stolen."""
    browser = company.browser("noor")
    browser.sso()
    assert browser.username == "noor"
    page = browser.sso(on="/account/", connect="1")
    assert "Ask an administrator for a link" in page.text


def test_a_closed_account_is_not_opened_by_its_issuer(company: Company) -> None:
    browser = company.browser("kim")
    browser.sso()
    pk = company.ask(
        "from django.contrib.auth.models import User;"
        "print(User.objects.get(username='kim').pk)"
    )
    company.admin.post(f"/people/{pk}/close/", "/people/")
    assert browser.username == ""
    page = company.browser("kim").sso()
    assert page.status_code == 403 and "closed" in page.text


def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(
    company: Company,
) -> None:
    """S-53 for people: state belongs to the browser, and is used once."""
    mine = company.browser("lea")
    going = mine.post("/sso/", "/login/")
    url = going.headers["location"]
    assert "code_challenge_method=S256" in url and "state=" in url
    answer = going
    while not url.startswith(f"{company.url}/sso/callback/"):
        answer = mine.session.get(url, allow_redirects=False, timeout=20)
        url = urljoin(url, answer.headers["location"])
    victim = company.browser("victim")
    for path in (url, f"{company.url}/sso/callback/", url.replace("state=", "state=x")):
        page = victim.session.get(path, allow_redirects=False, timeout=20)
        assert page.status_code == 400, path
    assert victim.username == ""
    assert mine.session.get(url, allow_redirects=False, timeout=20).status_code == 302
    assert mine.session.get(url, allow_redirects=False, timeout=20).status_code == 400


def test_nothing_begins_by_a_link_or_without_the_pages_token(company: Company) -> None:
    browser = company.browser()
    assert browser.get("/sso/").status_code == 405
    alone = browser.session.post(
        f"{company.url}/sso/", allow_redirects=False, timeout=20
    )
    assert alone.status_code == 403
    for path in ("/accounts/signup/", "/accounts/login/", "/oidc/x/login/", "/signup/"):
        assert browser.get(path).status_code == 404


def test_the_page_may_send_its_form_to_the_issuer_and_nowhere_else(
    company: Company,
) -> None:
    policy = company.browser().get("/login/").headers["Content-Security-Policy"]
    found = re.search(r"form-action ([^;]+)", policy)
    assert found and found[1].split() == ["'self'", company.issuer]
