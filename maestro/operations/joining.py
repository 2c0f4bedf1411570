"""What one process of several makes sure of before it serves or works.

Several web processes must hear each other, or a page would wait for an answer that
another process streams. Who else is there is read from the rows of `sessions_app.presence`
and then watched for a while: a row whose beat does not move is of a process that was
killed, whatever the clocks of the two machines say.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core import checks
from django.db import Error, OperationalError, connection, connections

from maestro.operations import locks, schema
from maestro.operations.errors import CONFIG, OperationFailed
from sessions_app import presence
from sessions_app.sealing import crypto
from sessions_app.sealing.key_files import CryptoError

DATABASE_WITHIN_S = 60.0
_WATCH_S = presence.BEAT_S * 1.5


class NotReady(OperationFailed):
    """The process must not start like this; the message says what is missing."""

    exit_code = CONFIG


def enter() -> IO[str]:
    """The installation's lock, shared with the other processes; keep it open.

    Raises OperationFailed: on SQLite or the in-memory layer (two processes would not see
    each other's events), before `manage.py prepare`, with keys that do not fit.
    """
    os.umask(0o077)
    if connection.vendor != "postgresql" or presence.layer() == presence.Layer.MEMORY:
        raise NotReady(
            "Several processes need PostgreSQL and Redis: set MAESTRO_DATABASE_URL and "
            "MAESTRO_REDIS_URL, or start everything with bin/run."
        )
    lock = locks.hold(Path(settings.DATA_DIR), alone=False)
    wait_for_database()
    try:
        schema.refuse_newer()
        waiting = schema.pending()
        if waiting:
            raise NotReady(
                f"The database waits for {len(waiting)} migrations: run "
                "`manage.py prepare` once, then start."
            )
        crypto.verify_canary()
        refuse_company(lambda text: None)
    except (CryptoError, Error) as exc:
        raise NotReady(f"It cannot start: {exc}") from None
    _refuse_unsafe()
    connections.close_all()  # whoever forks next must not share one
    return lock


def wait_for_database(within_s: float = DATABASE_WITHIN_S) -> None:
    """It may be starting, too. Raises OperationFailed when it does not come."""
    end = time.monotonic() + within_s
    while True:
        try:
            connection.ensure_connection()
            return
        except OperationalError as exc:
            connections.close_all()
            if time.monotonic() >= end:
                raise OperationFailed(
                    f"The database does not answer: {str(exc).strip()[:200]}"
                ) from None
            time.sleep(0.5)


def refuse_company(say: Callable[[str], None]) -> None:
    """Refuse to be one of several web processes that would not hear each other.

    Waits when somebody seems to be there, until it is certain. Raises NotReady.
    """
    beats = _unconnected()
    if not beats:
        return
    say("another process seems to use this database; waiting to be sure")
    end = time.monotonic() + _WATCH_S
    while time.monotonic() < end:
        time.sleep(0.5)
        now = _unconnected()
        alive = [place for place, beat in now.items() if beat != beats.get(place)]
        if alive:
            raise NotReady(
                f"Another web process uses this database ({', '.join(alive)}), and the "
                "two would not hear each other. Stop it; or give all of them PostgreSQL "
                "and the same MAESTRO_REDIS_URL, with the server under the same name."
            )
        if not now:
            return


def _unconnected() -> dict[str, object]:
    """Web processes that we would not hear, or that would not hear us: where → beat."""
    return {row.place: row.beat_at for row in presence.unheard()}


def _refuse_unsafe() -> None:
    for found in checks.run_checks(databases=["default"]):
        if found.level >= checks.ERROR:
            raise NotReady(f"{found.msg} {found.hint or ''} ({found.id})")
