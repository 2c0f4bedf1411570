"""Empty databases of their own for migration tests: SQLite and PostgreSQL.

PostgreSQL is the server at MAESTRO_TEST_POSTGRES_URL, or the one of this machine. Where
none answers the test is skipped with a word, and fails when CI is set.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from maestro import database

SERVER = os.environ.get("MAESTRO_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1")
TABLE = "sessions_app_savedauthentication"


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[BaseDatabaseWrapper]:
    """A connection to a new database, configured as the product would."""
    name = f"maestro_test_{secrets.token_hex(4)}"
    if kind == "sqlite":
        with _connected(database.configure("", folder)) as connection:
            yield connection
        return
    with _server() as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            config = database.configure(f"{SERVER.rstrip('/')}/{name}", folder)
            config["OPTIONS"] = {}  # no pool: its connections would outlive the test
            with _connected(config) as connection:
                yield connection
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(connection: BaseDatabaseWrapper, name: str):
    """Bring this app to a migration; the models as they are there."""
    executor = MigrationExecutor(connection)
    target = [("sessions_app", name)]
    executor.migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps


@contextmanager
def _connected(config):
    alias = f"own_{secrets.token_hex(4)}"
    connections.settings[alias] = connections.configure_settings(
        {"default": connections.settings["default"], alias: config}
    )[alias]
    connection = connections[alias]
    try:
        yield connection
    finally:
        connection.close()
        del connections[alias]
        del connections.settings[alias]


@contextmanager
def _server():
    try:
        import psycopg

        connection = psycopg.connect(f"{SERVER}/postgres", autocommit=True)
    except Exception as exc:
        reason = f"no PostgreSQL at {SERVER.rpartition('@')[2]}: {type(exc).__name__}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with connection:
        yield connection
