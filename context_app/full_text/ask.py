"""The same question to either database: what has these words, of what may be seen.

What may be seen comes in as querysets and stands inside the statement, so that nothing
else is ever matched, ranked or counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from context_app.full_text import postgresql, sqlite
from context_app.full_text.words import Word


class Found(NamedTuple):
    """Where words stand. `kind`: message, title or chunk; `id` of that row."""

    kind: str
    id: UUID
    conversation_id: UUID | None
    score: float


def hits(
    words: Sequence[Word],
    *,
    conversations: QuerySet[Any],
    chunks: QuerySet[Any] | None = None,
    any_word: bool = False,
    limit: int = 50,
) -> list[Found]:
    """The best first. In these conversations, and in these chunks beside them."""
    if not words:
        return []
    connection = connections[conversations.db]
    build = _sqlite if connection.vendor == "sqlite" else _postgresql
    statement, values = build(words, conversations, chunks, any_word)
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} LIMIT %s", [*values, limit])
        return [
            Found(kind, _uuid(ref), conversation and _uuid(conversation), score)
            for kind, ref, conversation, score in cursor.fetchall()
        ]


def conversations_with(word: Word, conversations: QuerySet[Any]) -> RawSQL:
    """The ids, among these conversations, of those where a word stands anywhere."""
    connection = connections[conversations.db]
    build = _sqlite if connection.vendor == "sqlite" else _postgresql
    statement, values = build([word], conversations, None, False)
    return RawSQL(f"SELECT conversation FROM ({statement}) AS found", values)  # noqa: S608, S611


def _sqlite(
    words: Sequence[Word],
    conversations: QuerySet[Any],
    chunks: QuerySet[Any] | None,
    any_word: bool,
) -> tuple[str, list[Any]]:
    match, values = sqlite.matching(words, any_word=any_word)
    may, may_values = _ids(conversations)
    seen = f"e.conversation IN ({may})"
    if chunks is not None:
        also, also_values = _ids(chunks)
        seen = f"({seen} OR (e.kind = 'chunk' AND e.ref IN ({also})))"
        may_values += also_values
    return (
        "SELECT e.kind, e.ref, e.conversation, "  # noqa: S608
        f"{sqlite.score(words)} AS score FROM context_search s "
        f"JOIN context_search_entry e ON e.id = s.rowid WHERE {match} AND {seen} "
        "ORDER BY score DESC, e.id DESC",
        [*values, *may_values],
    )


def _postgresql(
    words: Sequence[Word],
    conversations: QuerySet[Any],
    chunks: QuerySet[Any] | None,
    any_word: bool,
) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    query = postgresql.tsquery(words, any_word=any_word)
    score = "ts_rank(search_words, to_tsquery('simple', %s))" if query else "0.0"
    for kind, (table, _, shown, conversation) in postgresql.SOURCES.items():
        match, match_values = postgresql.matching(words, shown, any_word=any_word)
        may, may_values = _ids(conversations)
        seen = f"{conversation} IN ({may})"
        if kind == "chunk" and chunks is not None:
            also, also_values = _ids(chunks)
            seen = f"({seen} OR id IN ({also}))"
            may_values += also_values
        parts.append(
            f"SELECT '{kind}' AS kind, id AS ref, {conversation} AS conversation, "  # noqa: S608
            f"{score} AS score, created_at FROM {table} WHERE {match} AND {seen}"
        )
        values += [*([query] if query else []), *match_values, *may_values]
    return (
        f"SELECT kind, ref, conversation, score FROM ({' UNION ALL '.join(parts)}) "  # noqa: S608
        "AS everything ORDER BY score DESC, created_at DESC",
        values,
    )


def _ids(rows: QuerySet[Any]) -> tuple[str, list[Any]]:
    query = rows.order_by().values("pk").query
    try:
        statement, values = query.get_compiler(rows.db).as_sql()
    except EmptyResultSet:
        return "SELECT NULL WHERE 1 = 0", []
    return statement, list(values)


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
