"""The pages around the chat: what they carry, and what a browser may do with a file."""

import json

import pytest
from django.test import Client

from tests.sessions_app.conversations.trees import make_conversation
from tests.sessions_app.factories import (
    PASSWORD,
    make_credential,
    make_user,
    sign_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client):
    user = make_user("alice")
    sign_in(client, user)
    return user


def make_demo():
    make_credential(name="demo_openai", is_demo=True, is_shared_with_everyone=True)


@pytest.mark.parametrize("path", ["/", "/credentials/", "/login/"])
def test_every_page_says_that_there_is_a_demo(client, path):
    if path != "/login/":
        sign_in(client, make_user("alice"))
    assert client.get(path).context["demo_banner"] is False
    make_demo()
    answer = client.get(path)
    assert answer.context["demo_banner"] is True
    assert b'id="demo-banner"' in answer.content


def test_the_chat_page_is_one_persons_and_kept_by_no_cache(client, alice):
    row = make_conversation(alice, "x")
    answer = client.get(f"/c/{row.pk}/")
    assert answer.context["conversation_id"] == str(row.pk)
    assert answer.context["socket_token"]
    assert "no-store" in answer["Cache-Control"]
    other = Client()
    sign_in(other, make_user("bob"))
    assert other.get("/").context["socket_token"] != answer.context["socket_token"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Plain words", 'filename="plain-words.md"'),
        ("Größe 日本", "filename*=utf-8''gr%C3%B6%C3%9Fe-%E6%97%A5%E6%9C%AC.md"),
        ('"; evil="x\r\nSet-Cookie: a=b', 'filename="evilx-set-cookie-ab.md"'),
        ("../../etc/passwd", 'filename="etcpasswd.md"'),
        ("", 'filename="conversation.md"'),
    ],
)
def test_an_export_is_a_file_and_never_a_page(client, alice, title, name):
    """S-33"""
    row = make_conversation(alice, "<script>alert(1)</script>", title=title)
    answer = client.get(f"/c/{row.pk}/export.md")
    assert answer["Content-Disposition"] == f"attachment; {name}"
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["Cache-Control"] == "no-store"


def test_a_json_export_is_json(client, alice):
    row = make_conversation(alice, "x")
    answer = client.get(f"/c/{row.pk}/export.json")
    assert json.loads(answer.content)["id"] == str(row.pk)
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"].startswith("attachment")


def test_signing_in_leads_where_one_wanted_to_go_and_out_again(client):
    make_user("alice")
    form = {"username": "alice", "password": PASSWORD, "next": "/credentials/"}
    assert client.post("/login/", form)["Location"] == "/credentials/"
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert client.get("/api/credentials/").status_code == 401


def test_signing_in_leads_to_no_foreign_place(client):
    make_user("alice")
    form = {"username": "alice", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/login/", form)["Location"] == "/"


def test_a_wrong_password_is_a_word_and_the_same_for_a_name_nobody_has(client):
    make_user("alice")
    texts = []
    for name in ("alice", "nobody"):
        answer = client.post("/login/", {"username": name, "password": "wrong"})
        texts.append(list(answer.context["form"].non_field_errors()))
    assert texts[0]
    assert texts[0] == texts[1]
