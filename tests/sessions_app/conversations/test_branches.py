"""The branch that is shown: by pages, with its versions, and another one on demand."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions_app.errors import NotFound
from sessions_app.models import Message
from sessions_app.services import branches
from tests.sessions_app.conversations.trees import (
    add,
    make_conversation,
    make_deep_conversation,
    shown,
)
from tests.sessions_app.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_page_shows_the_newest_messages_and_the_next_the_older_ones():
    alice = make_user("alice")
    row = make_conversation(alice, *[f"m{i}" for i in range(7)])
    assert shown(alice, row, limit=3) == (["m4", "m5", "m6"], True)
    assert shown(alice, row, limit=3, before_depth=4) == (["m1", "m2", "m3"], True)
    assert shown(alice, row, limit=3, before_depth=1) == (["m0"], False)


def test_a_branch_is_the_way_from_the_root_to_a_message_and_no_other(
    django_assert_max_num_queries,
):
    alice = make_user("alice")
    row = make_conversation(alice, "q0", "a1", "q2", "a3")
    make_conversation(alice, "another conversation", "of hers")
    first, answer, question, _ = row.messages.order_by("depth")
    other = add(row, add(row, answer, "q2 again"), "a3 again")

    def texts(message):
        with django_assert_max_num_queries(2):
            return [found.text for found in branches.branch_to(message)]

    assert texts(first) == ["q0"]
    assert texts(question) == ["q0", "a1", "q2"]
    assert texts(other) == ["q0", "a1", "q2 again", "a3 again"]


def test_a_branch_of_thousands_of_messages_is_whole_and_in_order():
    row = make_deep_conversation(make_user("alice"), 1_203)
    found = branches.branch_to(row.leaf)
    assert [message.depth for message in found] == list(range(1_203))


@pytest.mark.parametrize("before_depth", [0, 10**9 - 1])
def test_a_page_beyond_either_end_is_what_there_is(before_depth):
    alice = make_user("alice")
    row = make_conversation(alice, "m0", "m1")
    texts = ["m0", "m1"] if before_depth else []
    assert shown(alice, row, before_depth=before_depth) == (texts, False)


def test_a_page_is_read_downwards_too():
    alice = make_user("alice")
    row = make_deep_conversation(alice, 10)

    def page(**options):
        found = branches.page_of_branch(
            user=alice, conversation_id=row.pk, limit=4, **options
        )
        return [m.depth for m in found.messages], found.has_more, found.has_newer

    assert page() == ([6, 7, 8, 9], True, False)
    assert page(before_depth=6) == ([2, 3, 4, 5], True, True)
    assert page(after_depth=1) == ([2, 3, 4, 5], True, True)
    assert page(after_depth=7) == ([8, 9], True, False)
    assert page(after_depth=9)[0] == page(after_depth=10**8)[0] == []


@pytest.mark.parametrize(
    ("depth", "shown_depths", "older", "newer"),
    [
        (0, [0, 1, 2], False, True),
        (5, [4, 5, 6, 7], True, True),
        (9, [6, 7, 8, 9], True, False),
    ],
)
def test_a_page_is_read_around_a_message(depth, shown_depths, older, newer):
    alice = make_user("alice")
    row = make_deep_conversation(alice, 10)
    message = row.messages.get(depth=depth)
    page = branches.page_of_branch(
        user=alice, conversation_id=row.pk, around=message.pk, limit=4
    )
    assert [m.depth for m in page.messages] == shown_depths
    assert (page.has_more, page.has_newer) == (older, newer)


def test_around_what_is_not_shown_there_is_no_page():
    alice = make_user("alice")
    row = make_conversation(alice, "question", "first answer")
    other = make_conversation(alice, "elsewhere")
    second = add(row, row.messages.get(text="question"), "second answer")
    for key in (second.pk, other.leaf_id, uuid.uuid4()):
        page = branches.page_of_branch(user=alice, conversation_id=row.pk, around=key)
        assert (page.messages, page.has_more, page.has_newer) == ([], False, False)
    with pytest.raises(NotFound):
        branches.page_of_branch(user=alice, conversation_id=row.pk, around="x")


def test_a_page_far_above_the_end_asks_a_handful_of_queries(
    django_assert_max_num_queries,
):
    alice = make_user("alice")
    row = make_deep_conversation(alice, 10_000)
    key = row.messages.get(depth=40).pk
    with django_assert_max_num_queries(6):
        page = branches.page_of_branch(user=alice, conversation_id=row.pk, around=key)
    assert [m.depth for m in page.messages] == list(range(16, 66))


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (-5, 1), (10**8, 200)])
def test_a_page_is_never_empty_nor_endless(limit, count):
    alice = make_user("alice")
    row = make_deep_conversation(alice, 210)
    assert len(shown(alice, row, limit=limit)[0]) == count


def test_an_empty_conversation_has_an_empty_page():
    alice = make_user("alice")
    assert shown(alice, make_conversation(alice)) == ([], False)


def test_ten_thousand_messages_open_in_pages_with_a_handful_of_queries(
    django_assert_max_num_queries,
):
    alice = make_user("alice")
    row = make_deep_conversation(alice, 10_000)
    with django_assert_max_num_queries(5):
        texts, has_more = shown(alice, row)
    assert has_more
    assert texts == [str(i) for i in range(9_950, 10_000)]
    with django_assert_max_num_queries(5):
        texts, _ = shown(alice, row, before_depth=51)
    assert texts == [str(i) for i in range(1, 51)]


def test_only_the_messages_of_the_page_are_read_whole():
    alice = make_user("alice")
    row = make_deep_conversation(alice, 300)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        branches.page_of_branch(user=alice, conversation_id=row.pk, limit=10)
    whole = [q["sql"] for q in asked if '"parts"' in q["sql"]]
    assert len(whole) == 1
    assert whole[0].count("'") == 2 * 10  # ten ids, quoted


def test_a_page_does_not_ask_per_message(django_assert_num_queries):
    """Answers without a run (imported ones) must not cost a query each."""
    alice = make_user("alice")
    small = make_deep_conversation(alice, 4)
    large = make_deep_conversation(alice, 50)
    with CaptureQueriesContext(connection) as few:
        shown(alice, small)
    with django_assert_num_queries(len(few)):
        shown(alice, large)


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


def test_choosing_goes_to_where_the_branch_was_last_gone_on_with():
    alice = make_user("alice")
    row = make_conversation(alice, "question")
    question = row.leaf
    old = add(row, question, "old answer")
    add(row, question, "young answer")
    last = add(row, add(row, old, "follow-up"), "last answer")
    assert branches.newest_end(question) == last.pk


def test_choosing_does_not_trust_the_clock_to_find_an_end():
    alice = make_user("alice")
    row = make_conversation(alice, "question", "answer")
    Message.objects.filter(text="answer").update(
        created_at=row.leaf.created_at - timedelta(hours=1)
    )
    assert branches.newest_end(Message.objects.get(text="question")) == row.leaf_id


def test_choosing_is_no_activity():
    alice = make_user("alice")
    row = make_conversation(alice, "question")
    branches.choose_branch(user=alice, message_id=row.leaf_id)
    before = row.updated_at
    row.refresh_from_db()
    assert row.updated_at == before


def test_a_message_of_another_own_conversation_is_not_found_in_this_one():
    alice = make_user("alice")
    here, there = make_conversation(alice, "here"), make_conversation(alice, "there")
    with pytest.raises(NotFound):
        branches.choose_branch(
            user=alice, conversation_id=here.pk, message_id=there.leaf_id
        )


def test_two_first_questions_are_versions_of_each_other():
    alice = make_user("alice")
    row = make_conversation(alice, "one")
    other = add(row, None, "two")
    page = branches.page_of_branch(user=alice, conversation_id=row.pk)
    assert page.messages[0].siblings == [row.leaf_id, other.pk]
    branches.choose_branch(user=alice, message_id=other.pk)
    assert shown(alice, row)[0] == ["two"]


def test_opaque_state_stays_behind():
    alice = make_user("alice")
    row = make_conversation(alice, "x")
    page = branches.page_of_branch(user=alice, conversation_id=row.pk)
    assert page.messages[0].parts == [{"type": "text", "text": "x"}]
