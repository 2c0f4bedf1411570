"""The work of an audit, in a thread of its own or in the caller's.

    room (at_work.py) ─▶ provider.audit_code, progress ─▶ report and evidence kept
                                     └─ report so far ─▶ kept: what a kill leaves

Each request is asked for with the right and the credential of that moment, and is counted
against the limits of whoever audits.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import msgspec
from django.contrib.auth.models import User
from django.db import Error, connection, connections
from django.utils import timezone

from context_app.models import Audit
from context_app.services import audits as kept
from providers import provider
from providers.audit import AuditReport
from providers.audit.source import clean_path
from providers.chat_stream import ResponseStream
from providers.errors import CredentialNotFound, ProviderError
from providers.types import AuthType
from sessions_app.models import SavedAuthentication
from sessions_app.person import Person
from sessions_app.runs import notices
from sessions_app.runs.audits import at_work
from sessions_app.runs.metering import Metered, call_of
from sessions_app.runs.turns import in_database, with_patience, writing
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)

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


def work_in_thread(task: Task) -> None:
    """The work, in a thread that was made for it and has nothing else to do."""
    try:
        work(task)
    except Error as exc:  # the reaper says what became of it
        log.warning("audit.lost", extra={"error": type(exc).__name__})
    finally:
        connections.close_all()


def work(task: Task, on_progress: Progress | None = None) -> None:
    """Audit, and keep what came of it in the row. Raises nothing of a vendor's."""
    at_work.enter(task.stop)
    try:
        _audit(task, on_progress)
    finally:
        at_work.leave(task.row.pk)


def _audit(task: Task, on_progress: Progress | None) -> None:
    key = task.row.pk

    def progress(done: int, total: int, what: str) -> None:
        _free_connection()
        _note(key, {"done": done, "total": total, "now": without_nul(what)[:300]})
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
        with_patience(_keep, task.row, report)


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
        in_database(_check_right, task)
        _free_connection()
        return Metered(stream, call_of(task.user, task.credential, model))

    def so_far(report: AuditReport) -> None:
        _free_connection()
        _note(task.row.pk, _kept(report))

    return provider.audit_code(
        task.credential.provider,
        task.credential.name,
        task.source,
        model=task.row.model,
        auth_type=cast(AuthType, task.credential.auth_type),
        on_progress=progress,
        on_report=so_far,
        cancel=task.stop,
        around=around,
        after_thread=connections.close_all,
        **given,
    )


def _note(key: UUID, values: dict[str, Any]) -> None:
    """How far it is. Where that cannot be stored it is of no account: what was asked of
    a vendor is paid for, and goes on."""
    try:
        in_database(update, key, values)
    except Error as exc:
        log.warning("audit.not_noted", extra={"error": type(exc).__name__})


def _check_right(task: Task) -> None:
    """A large source takes minutes, in which a right may be taken away."""
    person = User.objects.filter(pk=task.row.owner_id, is_active=True).first()
    mine = SavedAuthentication.objects.visible_to(person)
    if not mine.filter(pk=task.credential.pk).exists():
        raise CredentialNotFound(
            f"The credential “{task.credential.name}” is gone or no longer shared with "
            "you. Pick another one.",
            provider=task.credential.provider,
        )


def _free_connection() -> None:
    """The credential was read in this thread; minutes of waiting need no connection."""
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connections.close_all()


def _keep(row: Audit, report: AuditReport) -> None:
    found = kept.evidence(row.owner_id, report.files)
    report = msgspec.structs.replace(report, intents=[intent for _, intent in found])
    values = {
        **_kept(report),
        "score": report.score,
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


def _kept(report: AuditReport) -> dict[str, Any]:
    return {
        "report": without_nul(msgspec.to_builtins(report)),
        "summary": without_nul(kept.summary_of(report)),
        "model": report.model[:200],
    }


def _why_stopped() -> str:
    return "The server was stopped." if at_work.is_ending() else "It was stopped."


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
