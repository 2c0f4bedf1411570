"""What one process of several makes sure of before it serves or works."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection, connections

from maestro.operations import locks, schema
from maestro.operations.errors import CONFIG, OperationFailed
from sessions_app import crypto
from sessions_app.key_files import CryptoError


class NotReady(OperationFailed):
    """The process must not start like this; the message says what is missing."""

    exit_code = CONFIG


def enter() -> IO[str]:
    """The installation's lock, shared with the other processes; keep it open.

    Raises OperationFailed: on SQLite or the in-memory layer (two processes would not see
    each other's events), before `manage.py prepare`, with keys that do not fit.
    """
    os.umask(0o077)
    layer = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    if connection.vendor != "postgresql" or "InMemory" in layer:
        raise NotReady(
            "Several processes need PostgreSQL and Redis: set MAESTRO_DATABASE_URL and "
            "MAESTRO_REDIS_URL, or start everything with bin/run."
        )
    lock = locks.hold(Path(settings.DATA_DIR), alone=False)
    try:
        schema.refuse_newer()
        waiting = schema.pending()
        if waiting:
            raise NotReady(
                f"The database waits for {len(waiting)} migrations: run "
                "`manage.py prepare` once, then start."
            )
        crypto.verify_canary()
    except (CryptoError, DatabaseError) as exc:
        raise NotReady(f"It cannot start: {exc}") from None
    _refuse_unsafe()
    connections.close_all()  # whoever forks next must not share one
    return lock


def _refuse_unsafe() -> None:
    for found in checks.run_checks(databases=["default"]):
        if found.level >= checks.ERROR:
            raise NotReady(f"{found.msg} {found.hint or ''} ({found.id})")
