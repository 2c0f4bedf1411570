"""Questions of before get their authors, some at once: nobody waits for all of them."""

import importlib

import pytest

from tests.sessions_app.credentials.databases import migrate
from tests.sessions_app.credentials.old_table import rows_of

authors = importlib.import_module("sessions_app.migrations.0014_authors")
BEFORE, AFTER = "0013_shared_conversations", "0014_authors"


@pytest.fixture
def talks(database, monkeypatch):
    """Seven questions of Alice and one of Bob's, in batches of three; the models."""
    monkeypatch.setattr(authors, "BATCH", 3)
    apps = migrate(database, BEFORE)
    people = apps.get_model("auth", "User").objects.using(database.alias)
    for name, count in (("alice", 7), ("bob", 1)):
        owner = people.create(username=name)
        talk = rows_of(apps, database, "Conversation").create(owner=owner, title=name)
        for depth in range(count):
            for role in ("user", "assistant"):
                rows_of(apps, database, "Message").create(
                    conversation=talk, depth=depth, role=role
                )
    return apps


def named(apps, database):
    rows = rows_of(apps, database, "Message").order_by("conversation__title", "depth")
    asked = rows.filter(role="user").values_list("author__username", "author_name")
    answered = rows.exclude(role="user").values_list("author", "author_name")
    return list(asked), set(answered)


def test_each_question_is_its_conversations_owners(talks, database):
    apps = migrate(database, AFTER)
    asked, answered = named(apps, database)
    assert asked == [("alice", "alice")] * 7 + [("bob", "bob")]
    assert answered == {(None, "")}


def test_no_transaction_is_longer_than_one_batch(talks, database):
    held = []

    def watch(execute, statement, values, many, context):
        if statement.startswith("UPDATE") and "author" in statement:
            held.append(database.in_atomic_block)
        return execute(statement, values, many, context)

    with database.execute_wrapper(watch):
        migrate(database, AFTER)
    assert held == [False, False, False]


def test_killed_between_two_batches_it_is_gone_on_with(talks, database):
    seen = []

    def kill(execute, statement, values, many, context):
        if statement.startswith("UPDATE") and "author" in statement:
            seen.append(statement)
            if len(seen) == 2:
                raise KeyboardInterrupt
        return execute(statement, values, many, context)

    with database.execute_wrapper(kill), pytest.raises(KeyboardInterrupt):
        migrate(database, AFTER)
    half, _ = named(talks, database)
    assert half.count((None, "")) == 5
    asked, _ = named(migrate(database, AFTER), database)
    assert (None, "") not in asked
