"""Code audits of a person: asked for, followed, compared, kept.

    start ─▶ row ─▶ thread: provider.audit_code ─▶ report, evidence, comparison ─▶ row

What an audit is and how it is judged is `providers/audit`; here is whose it is, with
which credential, and what it is compared with. A row whose server was killed is ended by
the reaper. Called by doors and by the tool.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import msgspec
from django.db import connections
from django.utils import timezone

from context_app.models import Audit, ToolIntent
from providers import provider
from providers.audit.choice import choose_provider
from providers.audit.export import FORMS, export
from providers.audit.report import AuditReport
from providers.chat_stream import ResponseStream
from providers.errors import ProviderError
from providers.types import AuthType
from sessions_app.errors import Invalid, NotFound, TooLarge
from sessions_app.models import SavedAuthentication
from sessions_app.people import Person
from sessions_app.runs.metering import Metered, call_of
from sessions_app.runs.turns import in_database
from sessions_app.services import usage
from sessions_app.services.credentials import credential_for, list_credentials

log = logging.getLogger(__name__)

MAX_CHARS = 4_000_000
MAX_RUNNING = 3  # of one person
STALE_AFTER = timedelta(minutes=10)

State = Audit.State
Source = str | Mapping[str, str]

_stops: dict[UUID, threading.Event] = {}  # of the audits that this process works on


def start(
    *,
    user: Person,
    source: Source,
    name: str,
    credential_id: UUID | None = None,
    model: str = "",
    conversation_id: UUID | None = None,
    options: Mapping[str, Any] | None = None,
) -> Audit:
    """Begin an audit; returns at once. Raises NotFound, Invalid, TooLarge, LimitReached."""
    row, credential = _row(user, source, name, credential_id, model, conversation_id)
    stop = _stops[row.pk] = threading.Event()
    work = threading.Thread(
        target=_work,
        args=(row, user, credential, source, dict(options or {}), stop),
        name="audit",
        daemon=True,
    )
    work.start()
    return row


def run(
    *, user: Person, source: Source, name: str, **choice: Any
) -> tuple[Audit, AuditReport | None]:
    """The same, and wait for it: for the command and the tool."""
    options = dict(choice.pop("options", {}) or {})
    stop = cast("threading.Event | None", choice.pop("stop", None)) or threading.Event()
    row, credential = _row(
        user,
        source,
        name,
        choice.get("credential_id"),
        choice.get("model", ""),
        choice.get("conversation_id"),
    )
    _stops[row.pk] = stop
    report = _work(row, user, credential, source, options, stop)
    row.refresh_from_db()
    return row, report


def audits_of(user: Person, limit: int = 100) -> list[Audit]:
    """A person's audits, newest first, without their reports."""
    return list(Audit.objects.visible_to(user).defer("report")[:limit])


def audit_for(user: Person, audit_id: UUID) -> Audit:
    """One of them. Raises NotFound."""
    found = Audit.objects.visible_to(user).filter(pk=audit_id).first()
    if found is None:
        raise NotFound("There is no such audit.")
    return found


def report_of(row: Audit) -> AuditReport:
    """Its report. Raises Invalid while there is none."""
    if row.report is None:
        raise Invalid(row.cause or "This audit has no report yet.")
    return msgspec.convert(row.report, AuditReport)


def exported(row: Audit, form: str) -> tuple[str, str, str]:
    """(text, media type, end of a file name). Raises Invalid."""
    if form not in FORMS:
        raise Invalid(f"A report is exported as {', '.join(FORMS)}.", field="form")
    found = FORMS[form]
    return export(report_of(row), form), found.media_type, found.suffix


def stop(user: Person, audit_id: UUID) -> Audit:
    """End it; what was judged so far is its report. Raises NotFound."""
    row = audit_for(user, audit_id)
    event = _stops.get(row.pk)
    if event is not None:
        event.set()
    else:
        _end(row, State.STOPPED, "It was stopped.")
    return row


def end_abandoned() -> int:
    """Say of audits whose server is gone that they failed. How many."""
    stale = timezone.now() - STALE_AFTER
    rows = Audit.objects.filter(state=State.RUNNING, updated_at__lt=stale)
    count: int = rows.exclude(pk__in=list(_stops)).update(
        state=State.FAILED,
        cause="The server stopped while it was at work.",
        finished_at=timezone.now(),
    )
    return count


def _row(
    user: Person,
    source: Source,
    name: str,
    credential_id: UUID | None,
    model: str,
    conversation_id: UUID | None,
) -> tuple[Audit, SavedAuthentication]:
    chars = len(source) if isinstance(source, str) else sum(map(len, source.values()))
    if not chars:
        raise Invalid("There is no code to audit.", field="source")
    if chars > MAX_CHARS:
        raise TooLarge(f"At most {MAX_CHARS:,} characters of code at once.")
    mine = Audit.objects.visible_to(user)
    if mine.filter(state=State.RUNNING).count() >= MAX_RUNNING:
        raise Invalid(f"{MAX_RUNNING} audits are at work already. Wait for one.")
    credential = _credential(user, credential_id)
    usage.admit(user.pk, credential.pk, is_run=False)
    name = " ".join(name.split())[:300] or "source"
    before = mine.filter(source_name=name, state=State.DONE).first()
    row = Audit.objects.create(
        owner_id=cast(int, user.pk),
        conversation_id=conversation_id,
        provider=credential.provider,
        credential_name=credential.name,
        model=model,
        is_demo=credential.is_demo,
        source_name=name,
        source_hash=_hash(source),
        previous=before,
    )
    return row, credential


def _credential(user: Person, credential_id: UUID | None) -> SavedAuthentication:
    """The one that was chosen; else Gemini where one is connected, else any that works."""
    if credential_id is not None:
        return credential_for(user=user, credential_id=credential_id)
    rows = list(list_credentials(user=user).filter(state="ok").order_by("is_demo"))
    if not rows:
        raise Invalid(
            "There is no credential to audit with. Add one under Credentials."
        )
    real = [row for row in rows if not row.is_demo] or rows
    chosen = choose_provider([row.provider for row in real])
    return next((row for row in real if row.provider == chosen), real[0])


def _work(
    row: Audit,
    user: Person,
    credential: SavedAuthentication,
    source: Source,
    options: dict[str, Any],
    stop: threading.Event,
) -> AuditReport | None:
    def progress(done: int, total: int, what: str) -> None:
        values = {"done": done, "total": total, "now": what[:300]}
        in_database(_update, row.pk, values)

    def around(stream: ResponseStream, model: str) -> ResponseStream:
        return Metered(stream, call_of(user, credential, model))

    try:
        report = provider.audit_code(
            credential.provider,
            credential.name,
            source,
            model=row.model,
            auth_type=cast(AuthType, credential.auth_type),
            on_progress=progress,
            cancel=stop,
            around=around,
            previous=in_database(_previous, row),
            after_thread=connections.close_all,
            **{"kind": "" if isinstance(source, str) else "files", **options},
        )
    except ProviderError as exc:
        in_database(_end, row, State.FAILED, exc.message)
        return None
    except Exception:
        log.exception("audit.failed", extra={"audit_id": str(row.pk)})
        in_database(_end, row, State.FAILED, "Something went wrong in Maestro itself.")
        return None
    finally:
        _stops.pop(row.pk, None)
        connections.close_all() if threading.current_thread().name == "audit" else None
    in_database(_keep, row, report)
    return report


def _previous(row: Audit) -> AuditReport | None:
    if row.previous is None or row.previous.report is None:
        return None
    return msgspec.convert(row.previous.report, AuditReport)


def _keep(row: Audit, report: AuditReport) -> None:
    values = {
        "report": msgspec.to_builtins(report),
        "score": report.score,
        "model": report.model,
        "state": State.STOPPED if report.was_cancelled else State.DONE,
        "now": "",
        "finished_at": timezone.now(),
    }
    _update(row.pk, values)
    row.intents.set(_evidence(row, report))


def _evidence(row: Audit, report: AuditReport) -> list[ToolIntent]:
    """The owner's tool calls that wrote what was audited, newest first."""
    files = set(report.files)
    calls = ToolIntent.objects.filter(person=row.owner_id, state=ToolIntent.State.DONE)
    touching = calls.exclude(target="").order_by("-created_at")[:2000]
    found = [call for call in touching if files & set(call.target.split())]
    return found[:200]


def _end(row: Audit, state: str, cause: str) -> None:
    values = {"state": state, "cause": cause[:300], "finished_at": timezone.now()}
    _update(row.pk, values)


def _update(pk: UUID, values: dict[str, Any]) -> None:
    running = Audit.objects.filter(pk=pk, state=State.RUNNING)
    running.update(**values, updated_at=timezone.now())


def _hash(source: Source) -> str:
    text = source if isinstance(source, str) else msgspec.json.encode(dict(source))
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()
