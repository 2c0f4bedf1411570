"""Chunks stand where they were put, however often, and whoever else moves some."""

from __future__ import annotations

import threading
from uuid import UUID, uuid4

import pytest
from django.db import close_old_connections, connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from context_app.models import ContextChunk
from context_app.services import chunks, context, order
from context_app.services.order import Place
from sessions_app.models import Conversation, Message
from sessions_app.services import sharing
from tests.sessions_app.factories import make_credential, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user()


@pytest.fixture
def talk(alice):
    return Conversation.objects.create(owner=alice)


def text(talk, words="Words."):
    return chunks.add(talk, kind="text", text=words, title=words).pk


def attached(**where):
    """A text of a library, on a credential or a team."""
    (scope,) = where
    entry = ContextChunk.objects.create(kind="text", applies_to="library", text="Kept.")
    return ContextChunk.objects.create(
        kind="text", applies_to=scope, reference=entry, **where
    ).pk


def move(talk, key, after=None, before=None, **options):
    chunks.change(talk, key, None, place=Place(after, before), **options)


def shown(talk, credential=None):
    """The ids in the order in which they are sent."""
    request = context.next_request(
        talk, [], provider="", model="", credential=credential
    )
    return [piece.id for piece in request.pieces]


def test_two_hundred_drops_between_the_same_two_all_count(client, alice, talk):
    first, one, other, last = (text(talk) for _ in range(4))
    above, moved = one, other
    for drop in range(200):
        move(talk, moved, after=first, before=above)
        assert shown(talk) == [first, moved, above, last], drop
        above, moved = moved, above
    client.force_login(alice)
    found = client.get(f"/api/conversations/{talk.pk}/context/").json()["chunks"]
    assert [chunk["id"] for chunk in found] == [str(key) for key in shown(talk)]
    assert len({chunk["position"] for chunk in found}) == 4


def test_numbering_anew_leaves_alone_what_somebody_edits(talk, monkeypatch):
    keys = [text(talk) for _ in range(3)]
    monkeypatch.setattr(order, "ROOM", 10.0)
    move(talk, keys[2], after=keys[0])
    assert shown(talk) == [keys[0], keys[2], keys[1]]
    chunks.change(talk, keys[1], None, version=1, text="Edited meanwhile.")


def test_a_text_goes_between_two_that_are_attached_to_a_team(alice, talk):
    team = make_team(alice)
    other = Conversation.objects.create(owner=alice)
    one, two = sorted((attached(team=team), attached(team=team)), key=str)
    own, behind = text(talk), text(talk)
    move(talk, own, after=one, before=two)
    assert shown(talk) == [one, own, two, behind]
    assert shown(other) == [one, two]


def test_a_new_text_is_the_last_also_where_all_others_are_ahead_of_what_is_attached(
    alice,
):
    team = make_team(alice)
    first = min((attached(team=team) for _ in range(8)), key=str)
    talk = Conversation.objects.create(owner=alice)
    key = text(talk)
    move(talk, key, before=first)
    for _ in range(3):
        new = text(talk)
        assert shown(talk)[0] == key and shown(talk)[-1] == new
        move(talk, new, before=key)
        key = new


def test_what_others_see_among_the_chunks_stays_between_the_same(
    alice, talk, monkeypatch
):
    bob = make_user()
    theirs = make_credential(owner=bob)
    key = attached(credential=theirs)
    ahead, behind, moved = text(talk), text(talk), text(talk)
    move(talk, ahead, after=key, before=behind, credentials=[theirs])
    ContextChunk.objects.filter(pk=ahead).update(position=-0.5)
    assert shown(talk, theirs) == [ahead, key, behind, moved]
    monkeypatch.setattr(order, "ROOM", 10.0)
    move(talk, moved, before=behind)
    assert shown(talk) == [ahead, moved, behind]
    assert [k for k in shown(talk, theirs) if k != moved] == [ahead, key, behind]


def test_a_place_counts_by_whom_it_was_beside(talk):
    first, second, third = (text(talk) for _ in range(3))
    move(talk, third, after=uuid4(), before=first)  # the upper one is gone
    assert shown(talk) == [third, first, second]
    with pytest.raises(chunks.Conflict, match="is gone"):
        move(talk, third, after=uuid4(), before=uuid4())


def test_a_message_has_no_other_place(client, alice, talk):
    client.force_login(alice)
    said = Message.objects.create(
        conversation=talk, role="user", parts=[{"type": "text", "text": "Hello."}]
    )
    Conversation.objects.filter(pk=talk.pk).update(leaf=said)
    key = text(talk)
    url = f"/api/conversations/{talk.pk}/context/{said.pk}/"
    answer = client.patch(url, {"after": str(key)}, content_type="application/json")
    assert answer.status_code == 400
    assert "stays where it was said" in answer.json()["error"]["message"]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["move", "move", "move", "add", "delete"]),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    min_size=5,
    max_size=40,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=MOVES)
def test_any_moves_are_those_of_a_plain_list(moves):
    """Room for two drops only, so that most examples number anew."""
    alice = make_user()
    talk = Conversation.objects.create(owner=alice)
    attached(team=make_team(alice)), attached(team=make_team(alice))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "ROOM", 0.2)
        own = [text(talk), text(talk)]
        model = shown(talk)
        for act, which, where in moves:
            key = own[which % len(own)]
            if act == "add":
                own.append(text(talk))
                model.append(own[-1])
            elif act == "delete" and len(own) > 1:
                chunks.delete(talk, key, None)
                own.remove(key)
                model.remove(key)
            else:
                model.remove(key)
                at = where % (len(model) + 1)
                after = model[at - 1] if at else None
                move(talk, key, after, model[at] if at < len(model) else None)
                model.insert(at, key)
            assert shown(talk) == model


@pytest.mark.django_db(transaction=True)
def test_two_people_drag_at_once_and_both_drops_count(alice, talk, monkeypatch):
    monkeypatch.setattr(order, "ROOM", 0.1)
    bob = make_user()
    team = make_team(alice, bob)
    sharing.share(user=alice, conversation=talk, team_id=team.pk, may_take_part=True)
    top, bottom, hers, his = (text(talk) for _ in range(4))
    url = f"/api/conversations/{talk.pk}/context/"
    refused, at_once = [], threading.Barrier(2)

    def drag(person: object, key: UUID) -> None:
        browser = Client()
        browser.force_login(person)
        place = {"after": str(top), "before": str(bottom)}
        at_once.wait()
        try:
            for _ in range(25):
                answer = browser.patch(f"{url}{key}/", place, "application/json")
                if answer.status_code != 200:
                    refused.append(answer.content)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=drag, args=pair) for pair in ((alice, hers), (bob, his))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    assert not refused
    found = shown(talk)
    assert (found[0], found[3]) == (top, bottom) and set(found[1:3]) == {hers, his}
    positions = ContextChunk.objects.values_list("position", flat=True)
    assert len(set(positions)) == 4


@pytest.mark.django_db(transaction=True)
def test_texts_that_are_added_at_once_have_places_of_their_own(talk):
    at_once = threading.Barrier(4)

    def add() -> None:
        at_once.wait()
        try:
            for _ in range(10):
                text(talk)
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    positions = ContextChunk.objects.values_list("position", flat=True)
    assert len(set(positions)) == 40
