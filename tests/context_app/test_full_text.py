"""Full text on SQLite and on PostgreSQL: the same words find the same texts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.migrations.executor import MigrationExecutor

from context_app.full_text import ask, postgresql, sqlite, words
from context_app.models import ContextChunk
from sessions_app.models import Conversation, Message
from tests.sessions_app.credentials.databases import empty_database

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="module", params=KINDS)
def database(request, tmp_path_factory, django_db_setup, django_db_blocker):
    """A database with two texts from before there was a search."""
    with (
        django_db_blocker.unblock(),
        empty_database(request.param, tmp_path_factory.mktemp("own")) as found,
    ):
        everything(found)
        with found.cursor() as cursor:
            search_of(found).remove(cursor)
            Store(found.alias).say("Words from before the flood", title="Old times")
            search_of(found).install(cursor)
        yield found


def everything(connection):
    """All migrations, whichever there are."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def search_of(connection):
    """What migration 0004_full_text calls."""
    return sqlite if connection.vendor == "sqlite" else postgresql


@pytest.fixture
def store(database):
    with transaction.atomic(using=database.alias):
        yield Store(database.alias)
        transaction.set_rollback(True, using=database.alias)


class Store:
    """What Alice has said and kept."""

    def __init__(self, alias):
        self.alias = alias
        people = User.objects.using(alias)
        self.alice = people.filter(username="alice").first() or people.create(
            username="alice"
        )

    def say(self, text, *, title="", owner=None, results=()):
        talk = Conversation.objects.using(self.alias).create(
            owner=owner or self.alice, title=title
        )
        parts = [{"type": "text", "text": text}]
        parts += [{"type": "tool_result", "text": result} for result in results]
        return Message.objects.using(self.alias).create(
            conversation=talk, role="user", text=text, parts=parts
        )

    def keep(self, text, **fields):
        return ContextChunk.objects.using(self.alias).create(
            owner=self.alice,
            **{"kind": "text", "applies_to": "library", "text": text, **fields},
        )

    def find(self, query, *, owner=None, **options):
        rows = Conversation.objects.using(self.alias).filter(owner=owner or self.alice)
        chunks = ContextChunk.objects.using(self.alias).filter(
            owner=owner or self.alice, conversation=None
        )
        return ask.hits(
            words.parse(query), conversations=rows, chunks=chunks, **options
        )

    def finds(self, query, row, **options):
        return row.pk in [hit.id for hit in self.find(query, **options)]


@pytest.mark.parametrize(
    "query",
    ["roof", "ROOF leaks", "leaks roof", "lea", "cafe", "CAFÉ", "Ωμέγα", "omega",
     "snake_case", "/srv/app.py", "C++", "日本", "本語", "🚀", "it's", "100%", "v2.1"],
)  # fmt: skip
def test_words_are_found_in_any_order_by_their_beginning(store, query):
    said = store.say(
        "The roof leaks at the Café, it's 100% so. Ωμέγα and Omega, snake_case in "
        "/srv/app.py of C++ v2.1, 日本語のテキスト 🚀"
    )
    assert store.finds(query, said)


@pytest.mark.parametrize(
    "query", ["oof", "roof cellar", "C#", "snakecase", "100 %x", "🛸", "本日", "a_b"]
)
def test_what_is_not_there_is_not_found(store, query):
    said = store.say("The roof leaks, 100% so, in C++ 日本語 🚀 acb")
    assert not store.finds(query, said)


@pytest.mark.parametrize(
    "query",
    ['"', "'", '"unbalanced', "NEAR(a b)", "a NEAR b", "roof*", "*", "^roof", "roof:x",
     "words:roof", "-roof", "+", "AND", "NOT roof", "a OR", "(", ")", "{a b}:c", "a&b|!c",
     ":*", "<->", "\\", "%", "_", "\x00", "\ud800", "🚀🚀", "x" * 10_000, "a " * 5_000,
     "'; DROP TABLE x; --", "%s %(a)s", "½ ²", "a\u037ab", "\u037a", "e\u0301", "\u202e", "!&|" * 3_000],
)  # fmt: skip
def test_no_query_is_an_error(store, query):
    store.say("The roof leaks")
    for any_word in (False, True):
        store.find(query, any_word=any_word)


def test_what_was_there_before_is_found_by_message_and_by_title(store):
    assert [hit.kind for hit in store.find("flood")] == ["message"]
    assert [hit.kind for hit in store.find("old times")] == ["title"]


def test_changes_and_deletions_are_followed_however_they_are_made(store):
    said = store.say("alpha", title="Greek")
    rows = Message.objects.using(store.alias).filter(pk=said.pk)
    rows.update(text="beta")
    assert not store.finds("alpha", said) and store.finds("beta", said)
    talk = Conversation.objects.using(store.alias).filter(pk=said.conversation_id)
    talk.update(title="Hebrew")
    assert not store.find("greek") and store.find("hebrew")
    talk.delete()
    assert not store.find("beta") and not store.find("hebrew")


def test_results_of_tools_are_found_in_their_message(store):
    said = store.say("I looked.", results=["line one\nthe zebra is here", "other"])
    assert store.finds("zebra", said) and store.finds("the here", said)
    assert not store.finds("nthe", said)


def test_chunks_are_found_by_title_and_text_and_only_where_they_may_be_seen(store):
    kept = store.keep("The cellar is dry.", title="Survey")
    assert store.finds("survey dry", kept)
    bob = User.objects.using(store.alias).create(username="bob")
    assert not store.find("survey", owner=bob)
    store.say("cellar", owner=bob)
    assert [hit.id for hit in store.find("cellar")] == [kept.pk]


def test_what_matches_better_comes_first_and_no_more_than_asked_for(store):
    store.say("one zebra among many other words " + "and more words " * 40)
    best = store.say("zebra zebra zebra")
    found = store.find("zebra")
    assert found[0].id == best.pk and len(found) == 2
    assert len(store.find("zebra", limit=1)) == 1


def test_the_end_of_a_text_too_long_for_an_index_is_found(store):
    said = store.say("start " + "filler " * 60_000 + "needle-in-haystack")
    assert store.finds("needle", said) and store.finds("needle-in-haystack", said)
    assert store.finds("start", said)


def test_a_text_of_nothing_but_different_words_is_stored(store):
    many = " ".join(chr(0x20000 + at) + chr(0x20000 + at // 7) for at in range(40_000))
    assert store.say(many).text == many


def test_conversations_are_found_by_words_in_different_places(store):
    said = store.say("the cellar is dry", title="The house")
    mine = Conversation.objects.using(store.alias).filter(owner=store.alice)
    rows = mine
    for word in words.parse("house cellar"):
        rows = rows.filter(pk__in=ask.conversations_with(word, mine))
    assert [row.pk for row in rows] == [said.conversation_id]


def test_going_back_loses_no_text_and_going_forward_finds_it_again(database):
    MigrationExecutor(database).migrate([("context_app", "0003_audits")])
    store = Store(database.alias)
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT text FROM sessions_app_message")
            assert cursor.fetchall() == [("Words from before the flood",)]
    finally:
        everything(database)
    assert store.find("flood")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_triggers_that_a_rebuilt_table_took_along_come_back_with_what_was_missed(
    database,
):
    """PostgreSQL's columns need no triggers."""
    store = Store(database.alias)
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        cursor.execute("DROP TRIGGER context_search_message_added")
        missed = store.say("unheard words")
        assert not store.find("unheard")
        assert sqlite.restore(cursor)
        assert store.finds("unheard", missed) and store.find("flood")
        assert not sqlite.restore(cursor)
        transaction.set_rollback(True, using=database.alias)


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("a café by the sea", "cafe sea", ["café", "sea"]),
        ("Größe und Große", "große", ["Größe", "Große"]),
        ("Snake_case here", "snake_case", ["Snake_case"]),
        ("roof roofing proof", "roof", ["roof", "roof"]),
    ],
)
def test_a_snippet_marks_the_words(text, query, shown):
    found = words.snippet(text, words.parse(query))
    assert [found.text[start:end] for start, end in found.marks] == shown


def test_a_snippet_is_short_and_around_the_first_word():
    text = "before " * 400 + "needle" + " after" * 400
    found = words.snippet(text, words.parse("needle"))
    assert len(found.text) <= 3 * words.AROUND
    assert found.text.startswith("…") and found.text.endswith("…")
    assert [found.text[s:e] for s, e in found.marks] == ["needle"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_asks_its_indexes_and_reads_no_text_for_it(database, store):
    """As the planner decides with many rows. SQLite's table of words is its index."""
    first = store.say("words")
    Message.objects.using(database.alias).bulk_create(
        Message(
            conversation=first.conversation,
            role="user",
            parts=[],
            text="words " * 60 + f"needle{at}",
        )
        for at in range(3_000)
    )
    table, _, shown, _ = postgresql.SOURCES["message"]
    match, values = postgresql.matching(words.parse("needle77"), shown)
    with database.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")
        cursor.execute(f"EXPLAIN SELECT id FROM {table} WHERE {match}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert "on context_search_message " in plan
    assert "on context_search_message_long " in plan
