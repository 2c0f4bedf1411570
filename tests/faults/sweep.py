"""Looking for a secret everywhere: every table, the database's own file, any text.

A secret is looked for as it is, as its heart (a part nobody would mask by chance), and in
the spellings that software gives it: base64, URL, hexadecimal, reversed JSON escapes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from django.db import connection


def spellings(secret: str) -> set[str]:
    """How a secret may be written down. Base64 in each of its three alignments."""
    raw = secret.encode()
    found = {secret, secret[6:], quote(secret, safe=""), raw.hex()}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        found.add(coded[4:-4])
        found.add(coded[4:-4].replace("+", "-").replace("/", "_"))
    return found


def is_in(text: str, secret: str) -> bool:
    """Whether a text holds it in any spelling."""
    return any(spelling in text for spelling in spellings(secret))


def every_value() -> Iterator[tuple[str, str]]:
    """(table.column, its text) of every row of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    text = (
                        value.decode("latin-1")
                        if isinstance(value, bytes)
                        else str(value)
                    )
                    yield f"{table}.{name}", text


def database_file() -> str:
    """The bytes of an SQLite database with its journal; empty for other databases."""
    if connection.vendor != "sqlite":
        return ""
    path = Path(str(connection.settings_dict["NAME"]))
    files = [path, path.with_name(path.name + "-wal")]
    return "".join(f.read_bytes().decode("latin-1") for f in files if f.exists())


def found_in_database(secret: str) -> list[str]:
    """Where the database holds it: columns, and the file with its free pages."""
    found = [where for where, text in every_value() if is_in(text, secret)]
    if is_in(database_file(), secret):
        found.append("the database file")
    return found
