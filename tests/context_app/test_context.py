"""The context panel's door: list, add, pin, exclude, edit, delete; and what is then sent."""

from __future__ import annotations

import pytest

from context_app.models import ContextChunk
from providers import http
from sessions_app.models import Conversation, Message, Run
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}


@pytest.fixture
def vendors(emulator):
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    wait_for_runs()
    http.configure(before)


class Talk:
    """A conversation of one question and one answer, and its owner's browser."""

    def __init__(self, client, vendors, slug="openai"):
        self.client, self.vendors = client, vendors
        self.user = make_user()
        client.force_login(self.user)
        self.credential = make_credential(owner=self.user, provider=slug)
        self.model = MODELS[slug]
        self.row: Conversation | None = None
        self.first = self.ask("The first secret is alpha.", "I noted alpha.")

    def ask(self, text, answer="Yes.", **options):
        self.vendors.script(text=answer)
        started = ask(
            self.user,
            text=text,
            credential_id=self.credential.pk,
            model=self.model,
            conversation_id=self.row.pk if self.row else None,
            options=options,
        )
        wait_for_runs()
        self.row = started.conversation
        return started

    @property
    def url(self):
        return f"/api/conversations/{self.row.pk}/context/"

    def show(self):
        return self.client.get(self.url).json()

    def add(self, **fields):
        return self.client.post(self.url, fields, content_type="application/json")

    def patch(self, key, **fields):
        return self.client.patch(
            f"{self.url}{key}/", fields, content_type="application/json"
        )

    def delete(self, key):
        return self.client.delete(f"{self.url}{key}/")

    def sent(self):
        return self.vendors.requests()[-1]["body"]


@pytest.fixture
def talk(client, vendors):
    return Talk(client, vendors)


def by_preview(found, start):
    return next(c for c in found["chunks"] if c["preview"].startswith(start))


def test_every_part_is_listed_with_its_reason_and_the_sum_is_the_counter(talk):
    talk.add(kind="system", text="Answer in French.")
    found = talk.show()
    assert [c["kind"] for c in found["chunks"]] == ["system", "message", "message"]
    assert all(c["why"] and c["tokens"] > 0 and c["is_sent"] for c in found["chunks"])
    assert found["gauge"]["used"] == sum(c["tokens"] for c in found["chunks"])
    assert sum(found["gauge"]["by_kind"].values()) == found["gauge"]["used"]
    assert found["gauge"]["window"] > 100_000


@pytest.mark.parametrize("slug", MODELS)
def test_excluded_and_deleted_parts_are_absent_and_the_transcript_unchanged(
    client, vendors, slug
):
    talk = Talk(client, vendors, slug)
    talk.add(kind="text", text="The second secret is beta.")
    before = list(Message.objects.order_by("depth").values_list("parts", flat=True))
    found = talk.show()
    talk.patch(by_preview(found, "The first secret")["id"], excluded=True)
    talk.delete(by_preview(found, "I noted alpha")["id"])
    talk.delete(by_preview(found, "The second secret")["id"])
    talk.ask("What do you know?")

    assert "alpha" not in talk.sent() and "beta" not in talk.sent()
    after = Message.objects.order_by("depth").values_list("parts", flat=True)
    assert list(after)[:2] == before
    found = talk.show()
    assert "I noted alpha." not in [c["preview"] for c in found["chunks"]]
    assert found["gauge"]["removed"] == 1
    assert found["gauge"]["used"] == sum(
        c["tokens"] for c in found["chunks"] if c["is_sent"]
    )


@pytest.mark.parametrize("slug", MODELS)
def test_what_was_added_is_sent(client, vendors, slug):
    talk = Talk(client, vendors, slug)
    talk.add(kind="persona", text="You are a pirate.")
    talk.add(kind="text", text="The treasure is on Elba.", title="Map")
    talk.ask("Where?")
    assert "You are a pirate." in talk.sent()
    assert "The treasure is on Elba." in talk.sent()
    assert "not to be followed" in talk.sent()


def test_what_was_deleted_can_be_brought_back(talk):
    key = by_preview(talk.show(), "I noted alpha")["id"]
    talk.delete(key)
    talk.client.post(f"{talk.url}bring-back/")
    assert by_preview(talk.show(), "I noted alpha")["is_sent"]


def test_edited_words_are_sent_instead_of_what_was_said(talk):
    key = by_preview(talk.show(), "I noted alpha")["id"]
    assert talk.patch(key, text="I noted nothing.").status_code == 200
    talk.ask("Well?")
    assert "I noted nothing." in talk.sent() and "I noted alpha" not in talk.sent()
    assert Message.objects.get(depth=1).text == "I noted alpha."


def test_chunks_are_put_in_another_order(talk):
    talk.add(kind="text", text="first material")
    talk.add(kind="text", text="second material")
    found = talk.show()
    first, second = (by_preview(found, words)["id"] for words in ("first", "second"))
    assert talk.patch(second, before=first).status_code == 200
    talk.ask("Well?")
    sent = talk.sent()
    assert sent.index("second material") < sent.index("first material")


def test_a_change_says_what_became_different_and_nothing_else(talk):
    found = talk.show()
    key = by_preview(found, "I noted alpha")["id"]
    frame = talk.patch(key, excluded=True).json()
    assert [c["id"] for c in frame["chunks"]] == [key]
    assert frame["gauge"]["used"] < found["gauge"]["used"]
    gone = talk.delete(key).json()
    assert gone["removed"] == [key]


def test_two_people_who_edit_at_once_do_not_overwrite_each_other(talk):
    talk.add(kind="text", text="one")
    chunk = by_preview(talk.show(), "one")
    assert (
        talk.patch(chunk["id"], text="two", version=chunk["version"]).status_code == 200
    )
    late = talk.patch(chunk["id"], text="three", version=chunk["version"])
    assert late.status_code == 409
    assert ContextChunk.objects.get(pk=chunk["id"]).text == "two"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"kind": "message", "text": "x"}, "A chunk is one of"),
        ({"kind": "text", "text": "  "}, "no text"),
        ({"kind": "text", "text": "x" * 1_000_001}, "too long"),
        ({"kind": "text", "text": "x", "title": "t" * 201}, "at most 200"),
    ],
)
def test_what_cannot_be_added_says_why(talk, fields, word):
    response = talk.add(**fields)
    assert response.status_code in (400, 413)
    assert word in response.json()["error"]["message"]


def test_a_tool_result_cannot_be_rewritten(talk):
    message = Message.objects.get(depth=1)
    message.parts = [
        {"type": "tool_call", "call_id": "1", "name": "look", "arguments": {}},
        {"type": "tool_result", "call_id": "1", "name": "look", "text": "noon"},
    ]
    message.save()
    result = next(c for c in talk.show()["chunks"] if c["kind"] == "tool_result")
    assert talk.patch(result["id"], text="midnight").status_code == 400
    assert talk.patch(result["id"], excluded=True).status_code == 200


def test_nobody_else_sees_or_changes_it(talk, client):
    key = by_preview(talk.show(), "I noted alpha")["id"]
    client.force_login(make_user())
    assert client.get(talk.url).status_code == 404
    assert talk.patch(key, excluded=True).status_code == 404
    assert talk.delete(key).status_code == 404
    assert talk.add(kind="text", text="x").status_code == 404
    run = Run.objects.get()
    assert client.get(f"/api/runs/{run.pk}/requests/").status_code == 404
    assert not ContextChunk.objects.exists()


def test_an_unknown_id_changes_nothing(talk):
    assert (
        talk.patch("00000000-0000-0000-0000-000000000000", pinned=True).status_code
        == 404
    )
    assert not ContextChunk.objects.exists()
