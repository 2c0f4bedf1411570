"""Single sign-on, without an issuer: it is not there; and what is decided about answers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.test import Client

from sessions_app.errors import NotAllowed
from sessions_app.services.people import single_sign_on
from tests.emulator import ROOT
from tests.sessions_app.factories import PASSWORD, make_superuser, make_user

ISSUER = "https://id.example.org"


def started_with(words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAESTRO_")}
    return subprocess.run(
        [sys.executable, "-c", words],
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "tests.settings", **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_without_an_issuer_the_library_is_not_even_imported() -> None:
    done = started_with(
        "import django, sys; django.setup(); import maestro.urls;"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "print([m for m in sys.modules if m.startswith('allauth')])"
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"MAESTRO_SSO_ISSUER": "id.example.org"}, "must look like"),
        ({"MAESTRO_SSO_ISSUER": ISSUER}, "CLIENT_ID is missing"),
    ],
)
def test_half_a_set_up_stops_the_start_with_a_word(settings, words) -> None:
    done = started_with("import django; django.setup()", **settings)
    assert done.returncode != 0 and words in done.stderr


@pytest.mark.django_db
def test_without_an_issuer_no_page_speaks_of_it(client: Client) -> None:
    assert "/sso/" not in client.get("/login/").text
    assert client.post("/sso/").status_code == 404
    assert client.get("/sso/callback/").status_code == 404


@pytest.fixture
def issuer(settings):
    settings.MAESTRO_SSO_ISSUER = ISSUER
    settings.MAESTRO_SSO_DOMAINS = ["example.org", "@Example.net"]


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"userinfo": {"sub": "ada"}},
        {"id_token": {"sub": "", "iss": ISSUER}},
        {"id_token": {"sub": "ada", "iss": "https://evil.example"}},
        {"id_token": {"sub": "ada"}},
        {"id_token": {"sub": "ada", "iss": ISSUER}, "userinfo": {"sub": "root"}},
        {"id_token": {"sub": "ada", "iss": ISSUER}, "userinfo": {"email": "a@b"}},
    ],
)
def test_an_answer_that_contradicts_itself_is_about_nobody(issuer, found) -> None:
    with pytest.raises(NotAllowed):
        single_sign_on.identity(found)


def test_an_answer_that_fits_is_about_its_subject(issuer) -> None:
    subject, claims = single_sign_on.identity(
        {
            "id_token": {"sub": "ada", "iss": f"{ISSUER}/"},
            "userinfo": {"sub": "ada", "name": "Ada"},
        }
    )
    assert (subject, claims["name"]) == ("ada", "Ada")


@pytest.mark.parametrize(
    ("email", "verified", "welcome"),
    [
        ("ada@example.org", True, True),
        ("ada@EXAMPLE.NET", True, True),
        ("ada@example.org", False, False),
        ("ada@example.org", None, False),
        ("ada@example.org", "true", False),
        ("ada@evil-example.org", True, False),
        ("ada@example.org.evil", True, False),
        ("ada@evil@example.org", True, True),
        ("@example.org", True, False),
        ("example.org", True, False),
        (None, True, False),
        (["ada@example.org"], True, False),
    ],
)
def test_only_a_verified_address_of_a_named_domain_is_welcome(
    issuer, email, verified, welcome
) -> None:
    claims = {"email": email, "email_verified": verified}
    assert single_sign_on.is_welcome(claims) is welcome


def test_identities_of_another_issuer_are_others() -> None:
    keys = {
        single_sign_on.issuer_key(url)
        for url in (ISSUER, "https://id.example.net", "https://id.example.org/realm")
    }
    assert len(keys) == 3


@pytest.fixture
def joined(issuer, monkeypatch):
    """Come in with a user name of the issuer's; the name that becomes of it."""
    monkeypatch.setattr(single_sign_on, "_add", lambda *_: None)  # the library's table

    def join(name: str) -> str:
        claims = {
            "preferred_username": name,
            "email": "somebody@example.org",
            "email_verified": True,
        }
        return single_sign_on.join(subject="s", claims=claims).get_username()

    return join


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("ａｄｍｉｎ", "admin-2"),  # full width
        ("𝐀𝐝𝐦𝐢𝐧", "Admin-2"),  # bold
        ("ADMIN", "ADMIN-2"),
        ("admin＠example.org", "admin-2"),  # an @ of full width
        ("ÉMILE", "ÉMILE-2"),
        ("e\u0301mile", "émile-2"),  # a letter and its accent
        ("ﬁona", "fiona"),
        ("ada lovelace", "ada_lovelace"),
        ("\u202eadmin", "admin-2"),  # written from right to left
    ],
)
def test_a_name_of_the_issuer_becomes_one_that_looks_like_nobody_elses(
    joined, told, name
) -> None:
    make_user("admin")
    make_user("émile")
    assert joined(told) == name


@pytest.mark.django_db
def test_where_passwords_are_off_they_are_left_to_who_has_all_rights(settings) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "axes.backends.AxesStandaloneBackend",
        "sessions_app.sign_in.BreakGlass",
        "sessions_app.sign_in.SsoBackend",
    ]
    make_user("bob", is_staff=True)
    make_superuser("root")
    for name, status in (("bob", 200), ("root", 302)):
        answer = Client().post("/login/", {"username": name, "password": PASSWORD})
        assert answer.status_code == status, name


@pytest.mark.django_db
def test_sessions_of_passwords_end_when_passwords_do(settings) -> None:
    bob = make_user("bob")
    client = Client()
    client.post("/login/", {"username": "bob", "password": PASSWORD})
    assert client.get("/api/conversations/").status_code == 200
    settings.AUTHENTICATION_BACKENDS = [
        "sessions_app.sign_in.BreakGlass",
        "sessions_app.sign_in.SsoBackend",
    ]
    assert client.get("/api/conversations/").status_code == 401
    client.force_login(bob, backend="sessions_app.sign_in.SsoBackend")
    assert client.get("/api/conversations/").status_code == 200
    bob.is_active = False
    bob.save()
    assert client.get("/api/conversations/").status_code == 401
