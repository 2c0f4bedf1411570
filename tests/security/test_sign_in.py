"""F28, S-24: guessing a password, and claiming to be somebody by a header."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from sessions_app.guessing import EVERYWHERE
from tests.sessions_app.factories import PASSWORD, make_superuser, make_user

pytestmark = pytest.mark.django_db

LIMIT = 10


def try_in(client: Client, username: str, password: str, **extra: str):
    return client.post("/login/", {"username": username, "password": password}, **extra)


def page(answer) -> str:
    """What is seen, without what is never the same twice."""
    text = re.sub(
        r'(csrf-token" content|csrfmiddlewaretoken" value)="[^"]*"', "", answer.text
    )
    return re.sub(r'name="username"[^>]*', "", text)


@pytest.mark.parametrize("name", ["alice", "nobody-of-that-name"])
def test_after_ten_wrong_passwords_even_the_right_one_waits(client, name):
    make_user("alice")
    answers = [try_in(client, name, f"wrong {n}").status_code for n in range(200)]
    assert answers[: LIMIT - 1] == [200] * (LIMIT - 1)
    assert set(answers[LIMIT - 1 :]) == {429}
    assert try_in(client, name, PASSWORD).status_code == 429
    # A stranger does not lock a colleague out who sits elsewhere.
    elsewhere = try_in(Client(), "alice", PASSWORD, REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 302


def guess_from_everywhere(name: str, times: int) -> list[int]:
    return [
        try_in(Client(), name, "wrong", REMOTE_ADDR=f"10.1.0.{n}").status_code
        for n in range(times)
    ]


@pytest.mark.parametrize("name", ["alice", "nobody-of-that-name"])
def test_many_addresses_guess_no_more_than_twenty_times_in_five_minutes(name):
    make_user("alice")
    codes = guess_from_everywhere(name, 40)
    assert codes[: EVERYWHERE - 1] == [200] * (EVERYWHERE - 1)
    assert set(codes[EVERYWHERE - 1 :]) == {429}
    assert try_in(Client(), name, PASSWORD, REMOTE_ADDR="10.2.0.1").status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        later = try_in(Client(), name, PASSWORD, REMOTE_ADDR="10.2.0.1")
        assert later.status_code == (302 if name == "alice" else 200)


def known_browser(name: str) -> Client:
    """A browser in which this person was signed in, and is not any more."""
    browser = Client()
    assert try_in(browser, name, PASSWORD).status_code == 302
    assert browser.get("/").status_code == 200
    browser.post("/logout/")
    return browser


def test_who_guesses_from_everywhere_keeps_nobody_out_of_a_browser_they_know():
    make_user("alice")
    browser = known_browser("alice")
    guess_from_everywhere("alice", 40)
    again = try_in(browser, "alice", PASSWORD, REMOTE_ADDR="10.2.0.1")
    assert again.status_code == 302


def test_a_known_browser_may_be_wrong_ten_times_as_well():
    make_user("alice")
    browser = known_browser("alice")
    guess_from_everywhere("alice", 40)
    codes = [try_in(browser, "alice", f"wrong {n}").status_code for n in range(LIMIT)]
    assert codes == [200] * (LIMIT - 1) + [429]


@pytest.mark.parametrize("how", ["of another", "made up", "of an older password"])
def test_a_browser_is_known_for_one_person_and_one_password(how):
    alice = make_user("alice")
    make_user("bob")
    browser = known_browser("bob" if how == "of another" else "alice")
    if how == "made up":
        browser.cookies["sessionid_known"] = "0" * 64
    if how == "of an older password":
        alice.set_password(PASSWORD)
        alice.save()
    guess_from_everywhere("alice", 40)
    assert try_in(browser, "alice", PASSWORD).status_code == 429


def test_wrong_links_of_many_addresses_leave_the_others_theirs(client):
    for n in range(2 * EVERYWHERE):
        wrong = client.get(f"/join/{'x' * 43}/", REMOTE_ADDR=f"10.1.0.{n}")
        assert wrong.status_code == 404


def test_the_admin_has_no_second_door(client):
    make_superuser("root")
    for n in range(LIMIT):
        client.post("/admin/login/", {"username": "root", "password": f"w{n}"})
    assert try_in(client, "root", PASSWORD).status_code == 429


def test_the_limit_does_not_believe_who_says_where_they_are(client):
    make_user("alice")
    codes = [
        try_in(client, "alice", "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}").status_code
        for n in range(30)
    ]
    assert codes[-1] == 429


def test_signing_in_gives_a_session_that_nobody_knew_before(client):
    """ASVS 7.2: whoever planted a session in a browser does not share what begins in it."""
    make_user("alice")
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies["sessionid"] = planted.session_key
    assert try_in(client, "alice", PASSWORD).status_code == 302
    assert client.session.session_key != planted.session_key
    assert not planted.exists(planted.session_key)


def test_an_account_that_is_there_is_answered_as_one_that_is_not():
    """Also one that is closed: the same page, word for word."""
    make_user("alice")
    make_user("closed", is_active=False)
    answers = [
        try_in(Client(), name, password)
        for name, password in (
            ("alice", "wrong"), ("nobody", "wrong"), ("closed", "wrong"), ("closed", PASSWORD),
        )
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {200}
    assert len({page(answer) for answer in answers}) == 1


@pytest.mark.parametrize("name", ["alice", "nobody", "closed"])
def test_every_account_costs_the_same_work(monkeypatch, name):
    """One hash of the password, whether there is anything to compare it with or not."""
    make_user("alice")
    make_user("closed", is_active=False)
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher,
        "encode",
        lambda self, password, salt: (
            hashed.append(password) or encode(self, password, salt)
        ),
    )
    try_in(Client(), name, "wrong")
    assert hashed == ["wrong"]


HEADERS = (
    "X-User", "X-User-Id", "X-Username", "X-Auth-User", "X-Auth-Request-User",
    "X-Auth-Request-Email", "X-Forwarded-User", "X-Forwarded-Email", "X-Remote-User",
    "Remote-User", "X-WEBAUTH-USER", "X-Authenticated-User", "X-Real-User", "Authorization",
)  # fmt: skip


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1"])
def test_no_header_makes_anybody_somebody(settings, peer):
    """S-24: identity is the session's, or a stored token's, whatever a header says."""
    settings.MAESTRO_TRUSTED_PROXIES = ["10.0.0.1"]
    root = make_superuser("root")
    for name in HEADERS:
        for value in ("root", str(root.pk), "Basic cm9vdDpyb290"):
            client = Client(headers={name: value}, REMOTE_ADDR=peer)
            assert client.get("/api/conversations/").status_code == 401, name
            assert client.get("/people/").status_code == 302, name
            assert client.get("/admin/").status_code == 302, name


def test_no_header_makes_somebody_anybody_else():
    make_superuser("root")
    charlie = make_user("charlie")
    client = Client(headers=dict.fromkeys(HEADERS, "root"))
    client.force_login(charlie, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/people/").status_code == 404
    assert "charlie" in client.get("/account/").text


def test_a_fresh_installation_has_no_account_to_guess(transactional_db):
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    assert not User.objects.exists()
