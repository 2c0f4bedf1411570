"""Conversations: list, search, branches, export; each for its owner alone."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation, Message
from sessions_app.services import branches, conversations, export
from tests.sessions_app.factories import make_user

pytestmark = pytest.mark.django_db


def make_conversation(owner, *texts, **fields):
    """A straight conversation of these texts, question and answer in turn."""
    conversation = Conversation.objects.create(owner=owner, **fields)
    parent = None
    for depth, words in enumerate(texts):
        parent = add(conversation, parent, words, depth)
    conversation.leaf = parent
    conversation.save()
    return conversation


def add(conversation, parent, words, depth=None):
    depth = depth if depth is not None else parent.depth + 1
    return Message.objects.create(
        conversation=conversation,
        parent=parent,
        depth=depth,
        role="user" if depth % 2 == 0 else "assistant",
        parts=[{"type": "text", "text": words, "state": {"opaque": "never shown"}}],
        text=words,
    )


def shown(user, conversation, **options):
    page = branches.page_of_branch(
        user=user, conversation_id=conversation.pk, **options
    )
    return [m.parts[0]["text"] for m in page.messages], page.has_more


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
    rest = conversations.list_conversations(user=alice, before=first[-1].updated_at)
    assert [c.title for c in rest] == ["c3", "c4"]


def test_charlie_sees_none_of_alices_conversations():
    alice, charlie = make_user("alice"), make_user("charlie")
    conversation = make_conversation(alice, "secret plan", title="plan")
    assert not conversations.list_conversations(user=charlie)
    assert not conversations.list_conversations(user=charlie, query="plan")
    for call in (
        lambda: conversations.conversation_for(
            user=charlie, conversation_id=conversation.pk
        ),
        lambda: branches.page_of_branch(user=charlie, conversation_id=conversation.pk),
        lambda: branches.choose_branch(user=charlie, message_id=conversation.leaf_id),
        lambda: export.export_json(user=charlie, conversation_id=conversation.pk),
        lambda: conversations.delete_conversation(
            user=charlie, conversation_id=conversation.pk
        ),
    ):
        with pytest.raises(NotFound):
            call()
    assert Conversation.objects.filter(pk=conversation.pk).exists()


def test_search_finds_every_word_in_title_or_messages():
    alice = make_user("alice")
    found = make_conversation(alice, "the quick brown fox", title="Animals")
    make_conversation(alice, "the slow brown bear", title="Others")
    hits = conversations.list_conversations(user=alice, query="animals brown FOX")
    assert [c.pk for c in hits] == [found.pk]


def test_archived_conversations_are_out_of_the_list_and_come_back():
    alice = make_user("alice")
    row = make_conversation(alice, "x")
    conversations.archive_conversation(
        user=alice, conversation_id=row.pk, archived=True
    )
    assert not conversations.list_conversations(user=alice)
    assert len(conversations.list_conversations(user=alice, archived=True)) == 1
    conversations.archive_conversation(
        user=alice, conversation_id=row.pk, archived=False
    )
    assert len(conversations.list_conversations(user=alice)) == 1


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_it_refuses_a_name_that_is_none(title):
    alice = make_user("alice")
    row = make_conversation(alice, "x", title="before")
    with pytest.raises(Invalid):
        conversations.rename_conversation(
            user=alice, conversation_id=row.pk, title=title
        )
    row.refresh_from_db()
    assert row.title == "before"


def test_a_page_shows_the_newest_messages_and_the_next_the_older_ones():
    alice = make_user("alice")
    row = make_conversation(alice, *[f"m{i}" for i in range(7)])
    assert shown(alice, row, limit=3) == (["m4", "m5", "m6"], True)
    assert shown(alice, row, limit=3, before_depth=4) == (["m1", "m2", "m3"], True)
    assert shown(alice, row, limit=3, before_depth=1) == (["m0"], False)


def test_an_empty_conversation_has_an_empty_page():
    alice = make_user("alice")
    assert shown(alice, make_conversation(alice)) == ([], False)


def test_a_deep_conversation_opens_with_a_handful_of_queries(
    django_assert_max_num_queries,
):
    alice = make_user("alice")
    conversation = Conversation.objects.create(owner=alice)
    rows = [
        Message(
            conversation=conversation,
            depth=i,
            role="user",
            parts=[{"type": "text", "text": str(i)}],
        )
        for i in range(10_000)
    ]
    for before, after in itertools.pairwise(rows):
        after.parent_id = before.pk
    Message.objects.bulk_create(rows, batch_size=500)
    conversation.leaf = rows[-1]
    conversation.save()
    with django_assert_max_num_queries(6):
        texts, has_more = shown(alice, conversation)
    assert has_more
    assert texts[-1] == "9999" and len(texts) == 50


def test_versions_of_a_message_are_listed_and_a_branch_can_be_chosen():
    alice = make_user("alice")
    row = make_conversation(alice, "question", "first answer", "follow-up")
    question = Message.objects.get(text="question")
    second = add(row, question, "second answer")
    row.leaf = second
    row.save()
    assert shown(alice, row)[0] == ["question", "second answer"]
    page = branches.page_of_branch(user=alice, conversation_id=row.pk)
    first = Message.objects.get(text="first answer")
    assert page.messages[1].siblings == [first.pk, second.pk]
    branches.choose_branch(user=alice, message_id=first.pk)
    assert shown(alice, row)[0] == ["question", "first answer", "follow-up"]


def test_two_first_questions_are_versions_of_each_other():
    alice = make_user("alice")
    row = make_conversation(alice, "one")
    other = add(row, None, "two", depth=0)
    page = branches.page_of_branch(user=alice, conversation_id=row.pk)
    assert len(page.messages[0].siblings) == 2
    branches.choose_branch(user=alice, message_id=other.pk)
    assert shown(alice, row)[0] == ["two"]


def test_markdown_keeps_code_whole_and_json_keeps_every_branch_without_opaque_state():
    alice = make_user("alice")
    code = "```python\nprint('<b>')\n```"
    row = make_conversation(alice, "show me", code, title="Code")
    add(row, Message.objects.get(text="show me"), "other answer")
    assert code in export.export_markdown(user=alice, conversation_id=row.pk)
    data = export.export_json(user=alice, conversation_id=row.pk)
    assert len(data["messages"]) == 3
    assert data["version"] == 1
    assert "opaque" not in str(data)
