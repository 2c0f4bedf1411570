"""Code audits of a person: asked for, waited for, stopped, ended when nobody is at work.

    start ─▶ row ─▶ thread: provider.audit_code ─▶ report, evidence, comparison ─▶ row

What an audit is and how it is judged is `providers/audit`; what is kept of it,
`context_app/services/audits.py`; the work itself, `working.py`. Here is who may audit
with which credential, and how many at once. Called by doors and by the tool.
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
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from context_app.models import Audit, AuditSource
from context_app.services import audits as kept
from context_app.tools.base import Place
from providers import provider
from providers.audit import choose_provider
from sessions_app.errors import Invalid, TooLarge
from sessions_app.models import SavedAuthentication
from sessions_app.person import Person
from sessions_app.processes import identity, is_dead
from sessions_app.runs import notices
from sessions_app.runs.audits import at_work, working
from sessions_app.runs.audits.working import Progress, Source, Task
from sessions_app.runs.turns import in_database, writing
from sessions_app.services import usage
from sessions_app.services.credentials import credential_for, list_credentials
from sessions_app.storable import without_nul

MAX_CHARS = 4_000_000
MAX_RUNNING = 3  # of one person
MAX_NAME = 300
# A worker that beats every few seconds and is silent for so long is gone.
STALE_AFTER = timedelta(seconds=90)

State = Audit.State
_DIED = "The server stopped while it was at work"
WITH_FINDINGS = (
    f"{_DIED}. This is what was judged by then; audit it again for the rest."
)
WITHOUT_FINDINGS = f"{_DIED}, before anything was judged. Audit it again."
NO_THREAD = "The server has no thread left to work with. Try again later."

log = logging.getLogger(__name__)


def start(*, user: Person, source: Source, name: str, **choice: Any) -> Audit:
    """Begin an audit; returns at once. Raises NotFound, Invalid, TooLarge, LimitReached.

    `choice`: credential_id, model, conversation_id, `options` of `provider.audit_code`,
    and `place` where the source was read in the workspace.
    """
    task = _task(user, source, name, **choice)
    work = threading.Thread(
        target=working.work_in_thread, args=(task,), name="audit", daemon=True
    )
    try:
        work.start()
    except RuntimeError:  # no memory for another one
        log.error("audits.no_thread", extra={"audit_id": str(task.row.pk)})
        at_work.forget(task.row.pk)
        working.end(task.row.pk, State.FAILED, NO_THREAD)
        task.row.refresh_from_db()
    return task.row


def run(
    *,
    user: Person,
    source: Source,
    name: str,
    stop: threading.Event | None = None,
    on_progress: Progress | None = None,
    **choice: Any,
) -> Audit:
    """The same, and wait for it: for the command and the tool. `stop` ends it."""
    task = in_database(_task, user, source, name, stop=stop, **choice)
    working.work(task, on_progress)
    return in_database(Audit.objects.get, pk=task.row.pk)


def stop(user: Person, audit_id: UUID) -> Audit:
    """End it; what was judged so far is its report. Raises NotFound."""
    row = kept.audit_for(user, audit_id)
    running = Audit.objects.filter(pk=row.pk, state=State.RUNNING)
    if not running.update(stop_requested_at=timezone.now(), now="stopping"):
        return row
    if not at_work.stop(row.pk) and is_abandoned(row):
        working.end(row.pk, State.STOPPED, "It was stopped.")
    row.refresh_from_db()
    notices.audit_changed(row)
    return row


def stop_all_of(user_id: int) -> None:
    """End all audits of somebody."""
    running = Audit.objects.filter(owner=user_id, state=State.RUNNING)
    for row in running.select_related("owner"):
        stop(row.owner, row.pk)


def owners_closed() -> set[int]:
    """People whose account is closed and whose audits still go on."""
    running = Audit.objects.filter(state=State.RUNNING, owner__is_active=False)
    return set(running.values_list("owner", flat=True))


def delete(user: Person, audit_id: UUID) -> None:
    """Forget it, and end it if it is at work. Raises NotFound."""
    row = kept.audit_for(user, audit_id)
    at_work.stop(row.pk)
    row.delete()


def is_abandoned(row: Audit) -> bool:
    """Whether nobody works on an audit that says it is running."""
    if at_work.is_at(row.pk):
        return False
    if row.worker and is_dead(row.worker):
        return True
    return row.updated_at < timezone.now() - STALE_AFTER


def end_abandoned() -> int:
    """Say of audits whose server is gone that they were interrupted. How many."""
    ended = 0
    for row in Audit.objects.filter(state=State.RUNNING).defer("report"):
        if not is_abandoned(row):
            continue
        if row.stop_requested_at is not None:
            ended += working.end(row.pk, State.STOPPED, "It was stopped.")
        else:
            cause = WITH_FINDINGS if row.summary else WITHOUT_FINDINGS
            ended += working.end(row.pk, State.INTERRUPTED, cause)
    return ended


def _task(
    user: Person,
    source: Source,
    name: str,
    *,
    credential_id: UUID | None = None,
    model: str = "",
    conversation_id: UUID | None = None,
    options: Mapping[str, Any] | None = None,
    place: Place | None = None,
    stop: threading.Event | None = None,
) -> Task:
    _check(source)
    credential = _credential(user, credential_id)
    usage.admit(user.pk, credential.pk, is_run=False)
    plain = without_nul(" ".join(name.split()))[:MAX_NAME] or "source"
    row = Audit(
        owner_id=cast(int, user.pk),
        conversation_id=conversation_id,
        provider=credential.provider,
        credential_name=credential.name,
        model=without_nul(model or _usual_model(credential))[:200],
        is_demo=credential.is_demo,
        source_name=plain,
        source_hash=_hash(source),
        previous=kept.previous_of(user, plain),
        now="waiting for its turn",
        worker=identity(),
    )
    given = dict(options or {})
    repeats = _to_repeat(source, place, credential=credential, options=given)
    _store(user, row, repeats)
    stop = stop or threading.Event()
    at_work.register(row.pk, stop)
    return Task(row, user, credential, source, given, stop)


def _to_repeat(
    source: Source, place: Place | None, **fields: Any
) -> AuditSource | None:
    """What is needed to audit this again; None where the operator keeps no sources."""
    if place is not None:
        return AuditSource(**fields, path=place.path, pattern=place.pattern)
    if not settings.MAESTRO_KEEP_AUDIT_SOURCES:
        return None
    kept_source = AuditSource(**fields)
    kept_source.pack(source)
    return kept_source


def _store(user: Person, row: Audit, repeats: AuditSource | None) -> None:
    """Keep the row, if the person has not too many at work already."""
    row.can_repeat = repeats is not None
    with writing():
        # Two requests at once must not both find the last free place.
        get_user_model().objects.select_for_update().get(pk=row.owner_id)
        mine = Audit.objects.visible_to(user).filter(state=State.RUNNING)
        if mine.count() >= MAX_RUNNING:
            raise Invalid(
                f"{MAX_RUNNING} audits of yours are at work already. Wait for one, or "
                "stop one."
            )
        row.save(force_insert=True)
        if repeats is not None:
            repeats.audit = row
            repeats.save(force_insert=True)
    notices.audit_changed(row)


def _check(source: Source) -> None:
    chars = len(source) if isinstance(source, str) else sum(map(len, source.values()))
    if not chars:
        raise Invalid("There is no code to audit.", field="source")
    if chars > MAX_CHARS:
        raise TooLarge(
            f"At most {MAX_CHARS:,} characters of code at once; these are {chars:,}."
        )


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


def _usual_model(credential: SavedAuthentication) -> str:
    """What the interface would take, said from the beginning. Raises Invalid."""
    found = provider.provider_capabilities(credential.provider)["default_model"]
    if not found:
        raise Invalid(
            f"“{credential.name}” has no usual model. Choose one.", field="model"
        )
    return str(found)


def _hash(source: Source) -> str:
    text = source if isinstance(source, str) else msgspec.json.encode(dict(source))
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()
