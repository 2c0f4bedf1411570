"""PostgreSQL: a generated column of words beside each text, with a GIN index.

Source: https://www.postgresql.org/docs/current/textsearch-tables.html. Generated columns
need no trigger and no function of ours, and a restore that makes the tables anew has
them. A tsvector holds a megabyte at most: of longer texts the beginning is indexed, and
the few that are longer (an index of their own finds them) are read. That they are few the
planner is told by statistics; it takes a third of the rows for long else, and reads them
all: https://www.postgresql.org/docs/current/sql-createstatistics.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from context_app.full_text.words import Word

LONG = 240_000  # characters: four bytes each, and it is still a tsvector

# Accents off, lower case, ASCII punctuation to spaces: else the parser would see file
# names, addresses and URLs where people see words.
_VECTOR = (
    "to_tsvector('simple'::regconfig, left(regexp_replace(regexp_replace("
    "lower(normalize({text}, NFKD)), '[\\u0300-\\u036f]', '', 'g'), "
    "'[\\u0001-\\u002f\\u003a-\\u0060\\u007b-\\u007f]+', ' ', 'g'), " + str(LONG) + "))"
)
_RESULTS = (
    "regexp_replace(jsonb_path_query_array(parts, "
    "'$[*] ? (@.type == \"tool_result\").text')::text, "
    "'\\\\[nrtbf\"]', ' ', 'g')"
)

# kind: table, what is searched of a row, what is shown of it, the conversation it is in
SOURCES = {
    "message": (
        "sessions_app_message",
        f"text || ' ' || {_RESULTS}",
        "text",
        "conversation_id",
    ),
    "title": ("sessions_app_conversation", "title", "title", "id"),
    "chunk": (
        "context_app_contextchunk",
        "title || ' ' || text",
        "text",
        "conversation_id",
    ),
}


def install(cursor: Any) -> None:
    """Columns and indexes; PostgreSQL fills them."""
    for kind, (table, text, shown, _) in SOURCES.items():
        cursor.execute(
            f"ALTER TABLE {table} ADD COLUMN search_words tsvector "
            f"GENERATED ALWAYS AS ({_VECTOR.format(text=text)}) STORED"
        )
        cursor.execute(
            f"CREATE INDEX context_search_{kind} ON {table} USING gin (search_words)"
        )
        cursor.execute(
            f"CREATE INDEX context_search_{kind}_long ON {table} (id) "
            f"WHERE char_length({shown}) > {LONG}"
        )


def remove(cursor: Any) -> None:
    """As if it had never been: the indexes go with the columns."""
    for kind, (table, _, _, _) in SOURCES.items():
        cursor.execute(f"DROP INDEX IF EXISTS context_search_{kind}_long")
        cursor.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS search_words")


def count_long(cursor: Any) -> None:
    """Statistics of the lengths of texts, taken now and by every ANALYZE from now on."""
    for kind, (table, _, shown, _) in SOURCES.items():
        cursor.execute(
            f"CREATE STATISTICS context_search_{kind}_length "
            f"ON (char_length({shown})) FROM {table}"
        )
        cursor.execute(f"ANALYZE {table}")


def forget_long(cursor: Any) -> None:
    """Back to the planner's guess."""
    for kind in SOURCES:
        cursor.execute(f"DROP STATISTICS IF EXISTS context_search_{kind}_length")


def matching(
    words: Sequence[Word], shown: str, *, any_word: bool = False
) -> tuple[str, list[Any]]:
    """A condition on a row of a source; each side of its OR has an index of its own."""
    parts, values = [], []
    query = tsquery(words, any_word=any_word)
    if query:
        tokens = list(dict.fromkeys(t.text for word in words for t in word.tokens))
        likes = " AND ".join([f"{shown} ILIKE %s"] * len(tokens))
        parts.append(
            "(search_words @@ to_tsquery('simple', %s) "
            f"OR (char_length({shown}) > {LONG} AND {likes}))"
        )
        values += [query, *(f"%{token}%" for token in tokens)]
    if any_word and query:
        return parts[0], values
    for literal in (word.literal for word in words if word.literal):
        parts.append(f"{shown} ILIKE %s")
        values.append(f"%{_escaped(literal)}%")
    return " AND ".join(parts), values


def tsquery(words: Sequence[Word], *, any_word: bool = False) -> str:
    """As to_tsquery takes it: tokens are letters and digits, and nothing else."""
    tokens = [t for word in words for t in word.tokens]
    said = [f"{t.text}:*" if t.is_prefix else t.text for t in tokens]
    return (" | " if any_word else " & ").join(said)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
