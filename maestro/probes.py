"""What must work for this installation to work: tried for `/readyz` and the admin.

Each probe does the real thing, briefly, and raises when it does not work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import Error, connection, connections
from django.db.migrations.executor import MigrationExecutor

from maestro import doorbell
from sessions_app import presence, storage
from sessions_app.models import InstallationFact, ServerProcess
from sessions_app.sealing import crypto

log = logging.getLogger(__name__)

# A process that has just begun has not seen the worker's first beat.
GRACE_S = 20.0
RECENT_S = 1.0
_BEGAN = time.monotonic()


def _database() -> None:
    """A write, since a full or read-only disk still reads."""
    InstallationFact.objects.update_or_create(
        name="probe", defaults={"value": "written by /readyz"}
    )


def _storage() -> None:
    """Full, or read-only: sooner than the write notices, which may find a free page."""
    if why := storage.state():
        raise RuntimeError(why)


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("migrations are waiting: run manage.py migrate")


def _keys() -> None:
    crypto.verify_canary()


def _channel_layer() -> None:
    if presence.unheard():
        raise RuntimeError("several web processes, and not the same Redis between them")
    if presence.layer() != presence.Layer.MEMORY and not doorbell.is_heard():
        raise RuntimeError("a message through Redis did not come back")


def _worker() -> None:
    if time.monotonic() - _BEGAN < GRACE_S:
        return
    if not ServerProcess.objects.living().filter(role=presence.Role.WORKER).exists():
        raise RuntimeError("no worker was heard of: start manage.py work")


PROBES: dict[str, Callable[[], None]] = {
    "database": _database,
    "storage": _storage,
    "migrations": _migrations,
    "encryption_key": _keys,
    "channel_layer": _channel_layer,
    "worker": _worker,
}


class Recent:
    """What the probes said a moment ago: whoever asks often, unasked, costs nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, str] = {}
        self._at = float("-inf")

    def results(self) -> dict[str, str]:
        """At most RECENT_S old. One caller tries; who comes meanwhile waits for it."""
        with self._lock:
            if time.monotonic() - self._at >= RECENT_S:
                self._found = results()
                self._at = time.monotonic()
            return dict(self._found)

    def forget(self) -> None:
        """The next to ask has everything tried."""
        with self._lock:
            self._at = float("-inf")


recent = Recent()


def results() -> dict[str, str]:
    """Name → "ok" or "failed"; why it failed is in the log."""
    found = {}
    for name, probe in PROBES.items():
        try:
            probe()
            found[name] = "ok"
        except (
            Exception
        ) as exc:  # any failure of a part is the answer, not an error here
            log.warning("readyz.failed", extra={"part": name, "error": str(exc)[:200]})
            found[name] = "failed"
            if isinstance(exc, Error):
                connections.close_all()  # a fresh one for the next
    return found
