"""The list of conversations: last active first, searched, named, put away, deleted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation, Message, Run
from sessions_app.services import branches, conversations, export
from tests.sessions_app.conversations.trees import (
    make_conversation,
    make_deep_conversation,
)
from tests.sessions_app.factories import make_user

pytestmark = pytest.mark.django_db


def titles(user, **options):
    return [c.title for c in conversations.list_conversations(user=user, **options)]


def test_the_last_active_conversation_comes_first_and_pages_go_back():
    alice = make_user("alice")
    now = timezone.now()
    for age in range(5):
        row = make_conversation(alice, title=f"c{age}")
        Conversation.objects.filter(pk=row.pk).update(
            updated_at=now - timedelta(hours=age)
        )
    first = conversations.list_conversations(user=alice, limit=3)
    assert [c.title for c in first] == ["c0", "c1", "c2"]
    assert titles(alice, before=first[-1].updated_at) == ["c3", "c4"]


def test_conversations_of_the_same_moment_are_each_listed_once():
    alice = make_user("alice")
    for name in "abcdefg":
        make_conversation(alice, title=name)
    Conversation.objects.update(updated_at=timezone.now())
    seen, position = [], {}
    while page := conversations.list_conversations(user=alice, limit=2, **position):
        seen += [c.title for c in page]
        position = {"before": page[-1].updated_at, "before_id": page[-1].pk}
    assert sorted(seen) == list("abcdefg")


def test_charlie_sees_none_of_alices_conversations():
    alice, charlie = make_user("alice"), make_user("charlie")
    conversation = make_conversation(alice, "secret plan", title="plan")
    pk = conversation.pk
    assert not titles(charlie)
    assert not titles(charlie, query="plan")
    mine = {"user": charlie, "conversation_id": pk}
    for call in (
        lambda: conversations.conversation_for(**mine),
        lambda: conversations.change_conversation(**mine, title="mine"),
        lambda: conversations.change_conversation(**mine, archived=True),
        lambda: conversations.delete_conversation(**mine),
        lambda: branches.page_of_branch(**mine),
        lambda: branches.choose_branch(user=charlie, message_id=conversation.leaf_id),
        lambda: export.export_json(**mine),
        lambda: export.export_markdown(**mine),
    ):
        with pytest.raises(NotFound):
            call()
    conversation.refresh_from_db()
    assert (conversation.title, conversation.archived_at) == ("plan", None)


@pytest.mark.parametrize("garbage", ["", "x", "-" * 36, "0" * 500, "\x00"])
def test_what_is_no_id_is_not_found(garbage):
    alice = make_user("alice")
    with pytest.raises(NotFound):
        conversations.conversation_for(user=alice, conversation_id=garbage)
    with pytest.raises(NotFound):
        branches.choose_branch(user=alice, message_id=garbage)


def test_search_finds_every_word_in_title_or_messages():
    alice = make_user("alice")
    make_conversation(alice, "the quick brown fox", title="Animals")
    make_conversation(alice, "the slow brown bear", title="Others")
    assert titles(alice, query="animals brown FOX") == ["Animals"]


@pytest.mark.parametrize("query", ["öl", "ÖL", "Öl"])
def test_search_ignores_case_beyond_ascii(query):
    alice = make_user("alice")
    make_conversation(alice, "Das Öl ist teuer", title="found")
    assert titles(alice, query=query) == ["found"]


@pytest.mark.parametrize("query", ["100%", "a_b", "c\\d", "it's"])
def test_search_takes_every_character_as_itself(query):
    alice = make_user("alice")
    make_conversation(alice, f"so {query} it is", title="found")
    make_conversation(alice, "100 acb cxd its", title="other")
    assert titles(alice, query=query) == ["found"]


def test_search_survives_what_a_database_cannot_store():
    alice = make_user("alice")
    make_conversation(alice, "x", title="found")
    assert titles(alice, query="x\x00") == ["found"]


def test_archived_conversations_are_out_of_the_list_and_come_back():
    alice = make_user("alice")
    mine = {"user": alice, "conversation_id": make_conversation(alice, title="c").pk}
    conversations.change_conversation(**mine, archived=True)
    assert titles(alice) == []
    assert titles(alice, archived=True) == ["c"]
    conversations.change_conversation(**mine, archived=False)
    assert titles(alice) == ["c"]


@pytest.mark.parametrize("title", ["", "   ", "\x00\x07", "x" * 201])
def test_it_refuses_a_name_that_is_none_and_changes_nothing(title):
    alice = make_user("alice")
    row = make_conversation(alice, "x", title="before")
    with pytest.raises(Invalid):
        conversations.change_conversation(
            user=alice, conversation_id=row.pk, title=title, archived=True
        )
    row.refresh_from_db()
    assert (row.title, row.archived_at) == ("before", None)


def test_a_name_is_one_line_without_control_characters():
    alice = make_user("alice")
    row = make_conversation(alice)
    named = conversations.change_conversation(
        user=alice, conversation_id=row.pk, title=" two\r\n\x00 lines "
    )
    assert named.title == "two lines"
    assert named.title_is_chosen


def test_naming_and_putting_away_is_no_activity():
    alice = make_user("alice")
    row = make_conversation(alice)
    conversations.change_conversation(
        user=alice, conversation_id=row.pk, title="new", archived=True
    )
    before = row.updated_at
    row.refresh_from_db()
    assert row.updated_at == before


def test_the_list_says_which_conversation_is_at_work_in_one_query(
    django_assert_num_queries,
):
    alice = make_user("alice")
    for name in "abc":
        row = make_conversation(alice, "question", "answer", title=name)
    run = Run.objects.create(
        conversation=row,
        question=row.leaf.parent,
        answer=row.leaf,
        provider="openai",
        auth_type="api_key",
        credential_name="k",
        model="m",
    )
    with django_assert_num_queries(1):
        found = conversations.list_conversations(user=alice)
    assert {c.title: c.active_run for c in found} == {"a": None, "b": None, "c": run.pk}


def test_deleting_takes_every_message_of_a_long_conversation(
    django_assert_max_num_queries,
):
    alice = make_user("alice")
    kept = make_conversation(alice, "kept")
    row = make_deep_conversation(alice, 3_000)
    with django_assert_max_num_queries(60):
        conversations.delete_conversation(user=alice, conversation_id=row.pk)
    assert list(Conversation.objects.all()) == [kept]
    assert Message.objects.count() == 1
