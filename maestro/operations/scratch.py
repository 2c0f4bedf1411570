"""A second database beside the real one, for as long as a block lasts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def connected(**changes: Any) -> Iterator[BaseDatabaseWrapper]:
    """A connection configured as the default one, with these settings changed."""
    alias = f"scratch_{secrets.token_hex(4)}"
    config = {**connections["default"].settings_dict, **changes, "CONN_MAX_AGE": None}
    connections.settings[alias] = config
    connection = connections[alias]
    try:
        yield connection
    finally:
        connection.close()
        del connections[alias]
        del connections.settings[alias]


def ask(connection: BaseDatabaseWrapper, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a question."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
