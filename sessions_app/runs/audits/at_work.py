"""Which audits this process works on: room for a few, how to stop them, a heartbeat.

    register ─▶ enter (wait for room) ─▶ … ─▶ leave
       beat, every few seconds: we live; was one stopped, deleted or given up elsewhere?

One process works on MAESTRO_MAX_CONCURRENT_AUDITS at once. Each row says which process it
is, so that whoever kills it leaves an audit that the reaper can end.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.db import Error
from django.utils import timezone

from context_app.models import Audit
from sessions_app.runs.turns import in_database, turn

log = logging.getLogger(__name__)

BEAT_S = 3.0
SHUTDOWN_S = 5.0


class _AtWork:
    """The audits of this process: how to stop them, and room for a few at once."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: a forked child has none of its parent's threads."""
        self.changed = threading.Condition()
        self.stops: dict[UUID, threading.Event] = {}
        self.busy = 0
        self.beats = False
        self.is_ending = False


_at_work = _AtWork()
os.register_at_fork(after_in_child=_at_work.forget)


def register(audit_id: UUID, stop: threading.Event) -> None:
    """This process is going to work on it."""
    with _at_work.changed:
        _at_work.stops[audit_id] = stop
        if _at_work.beats:
            return
        _at_work.beats = True
    try:
        threading.Thread(target=_beat, name="audit-beat", daemon=True).start()
    except RuntimeError:  # without a beat it may be given up elsewhere, and no worse
        log.error("audits.no_thread")
        _at_work.beats = False


def enter(stop: threading.Event) -> None:
    """Wait for room; whoever is stopped meanwhile need not wait."""
    with _at_work.changed:
        while _at_work.busy >= settings.MAESTRO_MAX_CONCURRENT_AUDITS:
            if stop.is_set():
                break
            _at_work.changed.wait(0.2)
        _at_work.busy += 1


def leave(audit_id: UUID) -> None:
    """It is done, and its place is free."""
    with _at_work.changed:
        _at_work.busy -= 1
        _at_work.stops.pop(audit_id, None)
        _at_work.is_ending = _at_work.is_ending and bool(_at_work.stops)
        _at_work.changed.notify_all()


def forget(audit_id: UUID) -> None:
    """It was registered, and nobody ever entered."""
    with _at_work.changed:
        _at_work.stops.pop(audit_id, None)
        _at_work.changed.notify_all()


def is_at(audit_id: UUID) -> bool:
    """Whether this process works on it."""
    return audit_id in _at_work.stops


def stop(audit_id: UUID) -> bool:
    """Ask it to end. Whether this process works on it."""
    event = _at_work.stops.get(audit_id)
    if event is not None:
        event.set()
    return event is not None


def shutdown(timeout_s: float = SHUTDOWN_S) -> bool:
    """End all of this process, keeping what they judged. Whether all did."""
    stop_all()
    return wait_until_idle(timeout_s)


def stop_all() -> None:
    """Ask all of this process to end, because it ends."""
    with _at_work.changed:
        _at_work.is_ending = bool(_at_work.stops)
        for event in _at_work.stops.values():
            event.set()


def is_ending() -> bool:
    """Whether this process asked its audits to end."""
    return _at_work.is_ending


def wait_until_idle(timeout_s: float) -> bool:
    """Whether nothing is at work in this process any more."""
    deadline = time.monotonic() + timeout_s
    with _at_work.changed:
        while _at_work.stops:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            _at_work.changed.wait(left_s)
    return True


def _beat() -> None:
    """Until nothing is at work: tell others that we live, and hear what they want."""
    while True:
        with _at_work.changed:
            if not _at_work.stops:
                _at_work.beats = False
                return
            stops = dict(_at_work.stops)
        try:
            in_database(_beat_once, stops)
        except Error as exc:
            log.warning("audit.beat_failed", extra={"error": type(exc).__name__})
        with _at_work.changed:
            _at_work.changed.wait(BEAT_S)


def _beat_once(stops: Mapping[UUID, threading.Event]) -> None:
    mine = Audit.objects.filter(pk__in=list(stops), state=Audit.State.RUNNING)
    with turn():
        mine.update(updated_at=timezone.now())
    wanted = set(mine.filter(stop_requested_at=None).values_list("pk", flat=True))
    for key, event in stops.items():
        if key not in wanted:  # stopped, deleted or given up for dead elsewhere
            event.set()


atexit.register(shutdown)
