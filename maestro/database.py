"""The database setting: SQLite tuned for several writers, or PostgreSQL with a pool.

SQLite figures behind this: with default settings one in four read-then-write
transactions of four processes fails with "database is locked", with WAL and IMMEDIATE
none does.
"""

from __future__ import annotations

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
        # A pool of connections, because every run has a thread of its own.
        config["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 20, "timeout": 30}}
    else:
        raise SettingError("MAESTRO_DATABASE_URL must be postgres://… or sqlite:///…")
    return config
