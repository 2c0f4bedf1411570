"""Search as people meet it: the list of conversations, and the panel of one."""

from __future__ import annotations

import pytest

from context_app.models import ContextChunk
from context_app.services import library, search
from sessions_app.models import Message
from tests.sessions_app.conversations.trees import add, make_conversation
from tests.sessions_app.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client):
    user = make_user("alice")
    client.force_login(user)
    return user


def panel(client, row, query):
    found = client.get(f"/api/conversations/{row.pk}/context/", {"q": query})
    assert found.status_code == 200, found.content
    return found.json()["hits"]


def words_of(hit):
    return [hit["text"][start:end] for start, end in hit["marks"]]


def test_the_list_says_where_in_a_conversation_the_words_stand(client, alice):
    row = make_conversation(alice, "Where is it?", "The cellar is dry.", title="House")
    make_conversation(alice, "The attic.", title="Other")
    found = client.get("/api/conversations/", {"q": "house cellar"}).json()
    assert [c["title"] for c in found["conversations"]] == ["House"]
    place = found["found"][str(row.pk)]
    assert place["kind"] == "message" and words_of(place) == ["cellar"]
    assert place["id"] == str(Message.objects.get(text="The cellar is dry.").pk)


def test_a_part_of_the_context_is_named_as_the_panel_lists_it(client, alice):
    row = make_conversation(alice, "the first zebra", "no animals")
    url = f"/api/conversations/{row.pk}/context/"
    client.post(url, {"text": "A horse."}, content_type="application/json")
    said = Message.objects.get(text="the first zebra")
    change = {"text": "the first donkey"}
    client.patch(f"{url}{said.pk}/", change, content_type="application/json")
    listed = {c["preview"]: c["id"] for c in client.get(url).json()["chunks"]}
    for word, text in (("horse", "A horse."), ("donkey", "the first donkey")):
        found = client.get("/api/conversations/", {"q": word}).json()["found"]
        place = found[str(row.pk)]
        assert (place["kind"], place["id"]) == ("chunk", listed[text])


def test_the_panel_finds_what_is_said_attached_edited_and_given_by_tools(client, alice):
    row = make_conversation(alice, "the first zebra", "no animals")
    answer = Message.objects.get(text="no animals")
    answer.parts = [
        *answer.parts,
        {"type": "tool_call", "call_id": "1", "name": "look", "arguments": {}},
        {"type": "tool_result", "call_id": "1", "name": "look", "text": "zebra there"},
    ]
    answer.save()
    entry = library.add(alice, kind="text", title="Zoo", text="A zebra has stripes.")
    url = f"/api/conversations/{row.pk}/context/"
    client.post(url, {"library_id": entry.pk}, content_type="application/json")
    hits = panel(client, row, "ZEB")
    assert {hit["chunk"]["kind"] for hit in hits} == {"message", "tool_result", "text"}
    assert all(words_of(hit) == ["zeb"] for hit in hits)

    first = next(h["chunk"] for h in hits if h["text"].startswith("the first"))
    change = {"text": "the first horse"}
    client.patch(f"{url}{first['id']}/", change, content_type="application/json")
    assert len(panel(client, row, "zebra")) == 2
    assert [hit["chunk"]["id"] for hit in panel(client, row, "horse")] == [first["id"]]


def test_the_panel_finds_no_other_branch_and_nothing_deleted(client, alice):
    row = make_conversation(alice, "question", "the shown zebra")
    add(row, None, "the hidden zebra")
    url = f"/api/conversations/{row.pk}/context/"
    (hit,) = panel(client, row, "zebra")
    client.delete(f"{url}{hit['chunk']['id']}/")
    assert panel(client, row, "zebra") == []


def test_what_is_older_than_the_list_is_found(client, alice, monkeypatch):
    from sessions_app.runs.context import look

    monkeypatch.setattr(look, "MAX_LISTED", 2)
    row = make_conversation(alice, "the oldest zebra", *["more"] * 5)
    assert [hit["chunk"]["depth"] for hit in panel(client, row, "zebra")] == [0]


@pytest.mark.parametrize("query", ['"', "NEAR(", "*", "🚀", "x" * 10_000, "%00", "'"])
def test_no_query_is_an_error_at_any_door(client, alice, query):
    row = make_conversation(alice, "words")
    panel(client, row, query)
    assert client.get("/api/conversations/", {"q": query}).status_code == 200
    search.search(user=alice, query=query)


def test_nobody_finds_what_is_not_theirs_and_a_team_finds_its_library(client, alice):
    from sessions_app.models import Membership, Team

    bob, charlie = make_user("bob"), make_user("charlie")
    team = Team.objects.create(name="Builders")
    for person in (alice, bob):
        Membership.objects.create(user=person, team=team)
    make_conversation(alice, "zebra in a talk", title="zebra title")
    ContextChunk.objects.create(
        owner=alice, applies_to="library", kind="text", text="my own zebra"
    )
    ContextChunk.objects.create(
        owner=alice, team=team, applies_to="library", kind="text", text="team's zebra"
    )
    of = {
        user.username: sorted(
            hit.snippet.text for hit in search.search(user=user, query="zebra")
        )
        for user in (alice, bob, charlie)
    }
    assert of["alice"] == [
        "my own zebra", "team's zebra", "zebra in a talk", "zebra title"
    ]  # fmt: skip
    assert of["bob"] == ["team's zebra"]
    assert of["charlie"] == []


def test_the_panel_of_another_person_answers_nothing(client, alice):
    row = make_conversation(make_user("bob"), "secret zebra")
    answer = client.get(f"/api/conversations/{row.pk}/context/", {"q": "zebra"})
    assert answer.status_code == 404
