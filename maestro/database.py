"""The database setting: SQLite tuned for several writers, or PostgreSQL with a pool.

SQLite figures behind this: with default settings one in four read-then-write
transactions of four processes fails with "database is locked", with WAL and IMMEDIATE
none does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import environ

from maestro.env import SettingError

SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA foreign_keys=ON; PRAGMA busy_timeout=20000;"
    ),
}

# A pool of connections, because many threads work at once. Whoever waits longer than
# `timeout` (seconds) is told so; `reconnect_timeout` keeps the pauses between tries to
# connect short, so that everything works again a moment after the server does.
POSTGRES_POOL = {
    "min_size": 1,
    "max_size": 20,
    "timeout": 5.0,
    "reconnect_timeout": 4.0,
    "max_idle": 60.0,
}


def configure(url: str, data_dir: Path) -> dict[str, Any]:
    """Django's DATABASES["default"] for a URL, or for SQLite in the data directory."""
    if not url:
        path = data_dir / "maestro.sqlite3"
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(path),
            "OPTIONS": dict(SQLITE_OPTIONS),
        }
    try:
        config: dict[str, Any] = environ.Env.db_url_config(url)
    except Exception:
        raise SettingError("MAESTRO_DATABASE_URL is not a database URL.") from None
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = dict(SQLITE_OPTIONS)
    elif config["ENGINE"] == "django.db.backends.postgresql":
        config["CONN_HEALTH_CHECKS"] = True
        config["OPTIONS"] = {"pool": dict(POSTGRES_POOL)}
    else:
        raise SettingError("MAESTRO_DATABASE_URL must be postgres://… or sqlite:///…")
    return config


_left_behind: list[
    Any
] = []  # collected, they would say farewell on the parent's sockets


def _forget_pool() -> None:
    """A forked child has the sockets of its parent's pool, and none of its threads.

    Two processes that speak on one socket garble each other, and a pool without threads
    never connects again: the child begins with a pool of its own.
    """
    backend = sys.modules.get("django.db.backends.postgresql.base")
    if backend is None:
        return
    wrapper = backend.DatabaseWrapper
    _left_behind.append(wrapper._connection_pools)
    wrapper._connection_pools = {}
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        if connection.vendor == "postgresql" and connection.connection is not None:
            _left_behind.append(connection.connection)
            connection.connection = None


os.register_at_fork(after_in_child=_forget_pool)
