"""`manage.py people`: what the page does, for scripts."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from sessions_app.models import SignedInBrowser
from tests.sessions_app.factories import (
    make_browser,
    make_superuser,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    make_superuser("root")
    return make_user("alice")


def said(capsys, *words):
    call_command("people", *words)
    return capsys.readouterr().out


def test_it_lists_everybody_or_some(capsys, alice):
    make_team(alice, name="Research")
    text = said(capsys, "list")
    assert "alice" in text and "Research" in text and "administrator" in text
    found = json.loads(said(capsys, "list", "ali", "--json"))["people"]
    assert [(p["username"], p["teams"]) for p in found] == [("alice", ["Research"])]


def test_it_closes_reopens_signs_out_and_resets(capsys, client, alice):
    make_browser(alice)
    assert json.loads(said(capsys, "sign-out", "alice", "--json"))["sessions"] == 1
    assert not SignedInBrowser.objects.exists()
    said(capsys, "close", "alice")
    alice.refresh_from_db()
    assert not alice.is_active
    with pytest.raises(CommandError):
        call_command("people", "reset", "alice")
    said(capsys, "reopen", "alice")
    link = said(capsys, "reset", "alice").strip()
    assert client.get(link.partition("8000")[2]).status_code == 200


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["close", "nobody"], 2),
        (["close", "root"], 1),  # oneself
        (["close", "root", "--user", "alice"], 1),
        (["list", "--user", "alice"], 1),
        (["list", "--user", "nobody"], 2),
    ],
)
def test_what_cannot_be_done_is_said_with_an_honest_code(alice, words, code):
    with pytest.raises(CommandError) as caught:
        call_command("people", *words)
    assert caught.value.returncode == code
