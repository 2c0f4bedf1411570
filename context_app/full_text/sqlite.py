"""SQLite: one FTS5 table, kept by triggers, whoever writes and however.

Source: https://www.sqlite.org/fts5.html. The keys of our tables are no row numbers, and
those that SQLite gives change with VACUUM; so an entry gives each text a number that
stays. A migration that rebuilds a table takes its triggers along: `restore` runs after
every `migrate` and puts them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from context_app.full_text.words import Word

_RESULTS = """coalesce((SELECT char(10) || group_concat(
    CASE type WHEN 'object' THEN json_extract(value, '$.text') END, char(10))
    FROM json_each({row}.parts)
    WHERE CASE type WHEN 'object' THEN json_extract(value, '$.type') END = 'tool_result'
    ), '')"""

# kind: table, what is searched of a row, its columns, the conversation it is in
SOURCES = {
    "message": (
        "sessions_app_message",
        "{row}.text || " + _RESULTS,
        ("text", "parts"),
        "{row}.conversation_id",
    ),
    "title": ("sessions_app_conversation", "{row}.title", ("title",), "{row}.id"),
    "chunk": (
        "context_app_contextchunk",
        "{row}.title || char(10) || {row}.text",
        ("title", "text"),
        "{row}.conversation_id",
    ),
}

_TABLES = (
    """CREATE TABLE context_search_entry (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, ref TEXT NOT NULL,
        conversation TEXT, UNIQUE (kind, ref))""",
    "CREATE INDEX context_search_conversation ON context_search_entry (conversation)",
    """CREATE VIRTUAL TABLE context_search USING fts5(
        words, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')""",
)


def install(cursor: Any) -> None:
    """Tables, triggers, and everything that is there already."""
    for statement in _TABLES:
        cursor.execute(statement)
    restore(cursor)


def remove(cursor: Any) -> None:
    """As if it had never been."""
    for name, _ in _triggers():
        cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
    cursor.execute("DROP TABLE IF EXISTS context_search")
    cursor.execute("DROP TABLE IF EXISTS context_search_entry")


def restore(cursor: Any) -> bool:
    """Put back triggers that are missing, and read all texts again. Whether any were."""
    cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE 'context_search%'")
    known = {name for (name,) in cursor.fetchall()}
    missing = [sql for name, sql in _triggers() if name not in known]
    if "context_search" not in known or not missing:
        return False
    for statement in missing:
        cursor.execute(statement)
    cursor.execute("DELETE FROM context_search")
    cursor.execute("DELETE FROM context_search_entry")
    for kind, (table, text, _, conversation) in SOURCES.items():
        cursor.execute(
            "INSERT INTO context_search_entry (kind, ref, conversation) "  # noqa: S608
            f"SELECT '{kind}', id, {conversation.format(row='t')} FROM {table} t"
        )
        cursor.execute(
            "INSERT INTO context_search (rowid, words) "  # noqa: S608
            f"SELECT e.id, {text.format(row='t')} FROM {table} t "
            f"JOIN context_search_entry e ON e.kind = '{kind}' AND e.ref = t.id"
        )
    return True


def _triggers() -> list[tuple[str, str]]:
    made = []
    for kind, (table, text, columns, conversation) in SOURCES.items():
        name = f"context_search_{kind}"
        row = f"SELECT id FROM context_search_entry WHERE kind = '{kind}' AND ref"  # noqa: S608
        new = text.format(row="NEW")
        is_changed = " OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in columns)
        made += [
            (
                f"{name}_added",
                f"CREATE TRIGGER {name}_added AFTER INSERT ON {table} BEGIN "  # noqa: S608
                "INSERT INTO context_search_entry (kind, ref, conversation) "
                f"VALUES ('{kind}', NEW.id, {conversation.format(row='NEW')}); "
                "INSERT INTO context_search (rowid, words) "
                f"VALUES (({row} = NEW.id), {new}); END",
            ),
            (
                f"{name}_changed",
                f"CREATE TRIGGER {name}_changed AFTER UPDATE OF "  # noqa: S608
                f"{', '.join(columns)} "
                f"ON {table} WHEN {is_changed} BEGIN "
                f"UPDATE context_search SET words = {new} "
                f"WHERE rowid = ({row} = NEW.id); END",
            ),
            (
                f"{name}_gone",
                f"CREATE TRIGGER {name}_gone AFTER DELETE ON {table} BEGIN "  # noqa: S608
                f"DELETE FROM context_search WHERE rowid = ({row} = OLD.id); "
                f"DELETE FROM context_search_entry WHERE kind = '{kind}' "
                "AND ref = OLD.id; END",
            ),
        ]
    return made


def matching(words: Sequence[Word], *, any_word: bool = False) -> tuple[str, list[Any]]:
    """A condition on `context_search`, which is `s` joined to its entry `e`."""
    tokens = [
        f'"{token.said}"{"*" if token.is_prefix else ""}'
        for word in words
        for token in word.tokens
    ]
    parts, values = [], []
    if tokens:
        parts.append("context_search MATCH %s")
        values.append((" OR " if any_word else " AND ").join(tokens))
    if any_word and tokens:
        return parts[0], values
    for literal in (word.literal for word in words if word.literal):
        spellings = _spellings(literal)
        likes = " OR ".join(["s.words LIKE %s ESCAPE '\\'"] * len(spellings))
        parts.append(f"({likes})")
        values += [f"%{_escaped(spelling)}%" for spelling in spellings]
    return " AND ".join(parts), values


def score(words: Sequence[Word]) -> str:
    """How well it matches; more is better."""
    return "-bm25(context_search)" if any(word.tokens for word in words) else "0.0"


def _spellings(word: str) -> list[str]:
    """LIKE ignores case in ASCII only: say the usual spellings of other words."""
    if word.isascii():
        return [word]
    return list({word, word.lower(), word.upper(), word.capitalize()})


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
