"""The work of an audit, in a thread of its own or in the caller's, and its heartbeat.

    register ─▶ wait for room ─▶ provider.audit_code, progress ─▶ report kept ─▶ unregister
                     beat, every few seconds: still at work; was it stopped elsewhere?

One process works on MAESTRO_MAX_CONCURRENT_AUDITS at once. The row says which process it
is, so that whoever kills it leaves an audit that the reaper can end.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from context_app.models import Audit
from context_app.services import audits as kept
from providers import provider
from providers.audit import AuditReport
from providers.audit.source import clean_path
from providers.chat_stream import ResponseStream
from providers.errors import ProviderError
from providers.types import AuthType
from sessions_app.models import SavedAuthentication
from sessions_app.people import Person
from sessions_app.runs import notices
from sessions_app.runs.metering import Metered, call_of
from sessions_app.runs.turns import in_database, writing
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)

BEAT_S = 3.0
SHUTDOWN_S = 5.0
_OUR_FAULT = "Something went wrong in Maestro itself. The server's log says what."

State = Audit.State
Source = str | Mapping[str, str]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Task:
    """An audit to do: its row is stored and registered."""

    row: Audit
    user: Person
    credential: SavedAuthentication
    source: Source
    options: dict[str, Any]
    stop: threading.Event


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

    def enter(self, stop: threading.Event) -> None:
        """Wait for room; whoever is stopped meanwhile need not wait."""
        with self.changed:
            while self.busy >= settings.MAESTRO_MAX_CONCURRENT_AUDITS:
                if stop.is_set():
                    break
                self.changed.wait(0.2)
            self.busy += 1

    def leave(self) -> None:
        with self.changed:
            self.busy -= 1
            self.changed.notify_all()


_at_work = _AtWork()
os.register_at_fork(after_in_child=_at_work.forget)


def register(audit_id: UUID, stop: threading.Event) -> None:
    """This process is going to work on it."""
    with _at_work.changed:
        _at_work.stops[audit_id] = stop
        if _at_work.beats:
            return
        _at_work.beats = True
    threading.Thread(target=_beat, name="audit-beat", daemon=True).start()


def unregister(audit_id: UUID) -> None:
    """No more."""
    with _at_work.changed:
        _at_work.stops.pop(audit_id, None)
        _at_work.is_ending = _at_work.is_ending and bool(_at_work.stops)
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


atexit.register(shutdown)


def work_in_thread(task: Task) -> None:
    """The work, in a thread that was made for it and has nothing else to do."""
    try:
        work(task)
    except DatabaseError as exc:  # the reaper says what became of it
        log.warning("audit.lost", extra={"error": type(exc).__name__})
    finally:
        connections.close_all()


def work(task: Task, on_progress: Progress | None = None) -> None:
    """Audit, and keep what came of it in the row. Raises nothing of a vendor's."""
    _at_work.enter(task.stop)
    try:
        _audit(task, on_progress)
    finally:
        _at_work.leave()
        unregister(task.row.pk)


def _audit(task: Task, on_progress: Progress | None) -> None:
    key = task.row.pk

    def progress(done: int, total: int, what: str) -> None:
        _free_connection()
        values = {"done": done, "total": total, "now": without_nul(what)[:300]}
        in_database(update, key, values)
        if on_progress is not None:
            on_progress(done, total, what)

    try:
        report = _report(task, progress)
    except ProviderError as exc:
        in_database(end, key, State.FAILED, exc.message)
    except Exception:
        log.exception("audit.failed", extra={"audit_id": str(key)})
        in_database(end, key, State.FAILED, _OUR_FAULT)
    else:
        in_database(_keep, task.row, report)


def _report(task: Task, progress: Progress) -> AuditReport:
    is_text = isinstance(task.source, str)
    given: dict[str, Any] = {
        "kind": "" if is_text else "files",
        "previous": in_database(kept.readable_report, task.row.previous),
        **task.options,
    }
    if is_text:
        given.setdefault("name", clean_path(task.row.source_name) or "source")

    def around(stream: ResponseStream, model: str) -> ResponseStream:
        return Metered(stream, call_of(task.user, task.credential, model))

    return provider.audit_code(
        task.credential.provider,
        task.credential.name,
        task.source,
        model=task.row.model,
        auth_type=cast(AuthType, task.credential.auth_type),
        on_progress=progress,
        cancel=task.stop,
        around=around,
        after_thread=connections.close_all,
        **given,
    )


def _free_connection() -> None:
    """The credential was read in this thread; minutes of waiting need no connection."""
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connections.close_all()


def _keep(row: Audit, report: AuditReport) -> None:
    found = kept.evidence(row.owner_id, report.files)
    report = msgspec.structs.replace(report, intents=[intent for _, intent in found])
    values = {
        "report": without_nul(msgspec.to_builtins(report)),
        "summary": without_nul(kept.summary_of(report)),
        "score": report.score,
        "model": report.model[:200],
        "state": State.STOPPED if report.was_cancelled else State.DONE,
        "cause": _why_stopped() if report.was_cancelled else "",
        "now": "",
        "finished_at": timezone.now(),
    }
    with writing():
        running = Audit.objects.filter(pk=row.pk, state=State.RUNNING)
        if not running.update(**values):
            return  # deleted, or given up for dead
        row.intents.set([call for call, _ in found])
    _tell(row.pk)


def _why_stopped() -> str:
    return "The server was stopped." if _at_work.is_ending else "It was stopped."


def end(key: UUID, state: str, cause: str) -> bool:
    """It is over, without a report. False when it was already."""
    values = {
        "state": state,
        "cause": without_nul(cause)[:300],
        "now": "",
        "finished_at": timezone.now(),
    }
    return update(key, values)


def update(key: UUID, values: dict[str, Any]) -> bool:
    """Change an audit that is at work, and tell its owner's pages."""
    running = Audit.objects.filter(pk=key, state=State.RUNNING)
    with writing():
        changed = running.update(**values, updated_at=timezone.now())
    if changed:
        _tell(key)
    return bool(changed)


def _tell(key: UUID) -> None:
    row = Audit.objects.defer("report").filter(pk=key).first()
    if row is not None:
        notices.audit_changed(row)


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
        except DatabaseError as exc:
            log.warning("audit.beat_failed", extra={"error": type(exc).__name__})
        with _at_work.changed:
            _at_work.changed.wait(BEAT_S)


def _beat_once(stops: Mapping[UUID, threading.Event]) -> None:
    mine = Audit.objects.filter(pk__in=list(stops), state=State.RUNNING)
    with writing():
        mine.update(updated_at=timezone.now())
    wanted = set(mine.filter(stop_requested_at=None).values_list("pk", flat=True))
    for key, event in stops.items():
        if key not in wanted:  # stopped, deleted or given up for dead elsewhere
            event.set()
