"""Audits that a person keeps: found, read, exported, compared, deleted, forgotten.

Called by the doors and by `sessions_app.runs.audits.auditing`, which does the auditing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone

from context_app.models import Audit, ToolIntent
from providers.audit import FORMS, AuditReport, Intent, export
from providers.errors import ProviderError
from sessions_app.errors import Invalid, NotFound

MAX_LISTED = 200
MAX_INTENTS = 100
_MAX_LOOKED_AT = 5_000  # tool calls among which evidence is looked for

State = Audit.State


def audits_of(user: Any, *, source_name: str = "") -> list[Audit]:
    """A person's audits, or those of one source, newest first, without their reports."""
    rows = Audit.objects.visible_to(user).defer("report")
    if source_name:
        rows = rows.filter(source_name=source_name)
    return list(rows[:MAX_LISTED])


def audit_for(user: Any, audit_id: UUID) -> Audit:
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


def previous_of(user: Any, source_name: str) -> Audit | None:
    """The last whole audit of the same source, to compare with."""
    rows = Audit.objects.visible_to(user).filter(state=State.DONE)
    return rows.filter(source_name=source_name).first()


def readable_report(row: Audit | None) -> AuditReport | None:
    """The report to compare with; None where there is none, or an older Maestro's that
    cannot be read any more."""
    if row is None or row.report is None:
        return None
    try:
        return msgspec.convert(row.report, AuditReport)
    except (msgspec.ValidationError, ProviderError):
        return None


def summary_of(report: AuditReport) -> dict[str, Any]:
    """What lists and progress show of a report."""
    compared = report.comparison
    summary: dict[str, Any] = {
        "counts": report.counts,
        "files": len(report.files),
        "lines": sum(report.files.values()),
        "source_kind": report.source_kind,
        "severity_floor": report.severity_floor,
        "prompt_version": report.prompt_version,
        "is_complete": report.is_complete,
        "duration_s": report.duration_s,
        "usage": msgspec.to_builtins(report.usage),
        "comparison": None,
    }
    if compared is not None:
        summary["comparison"] = {
            "new": compared.new,
            "unchanged": compared.unchanged,
            "fixed": len(compared.fixed),
            "unconfirmed": len(compared.unconfirmed),
        }
    return summary


def evidence(
    owner_id: Any, files: Mapping[str, int]
) -> list[tuple[ToolIntent, Intent]]:
    """The owner's tool calls that wrote what was audited, the newest first.

    Both name files from the workspace on. What can only read has a low risk of its own
    and is no evidence of a purpose.
    """
    calls = ToolIntent.objects.filter(person=owner_id, state=ToolIntent.State.DONE)
    calls = calls.exclude(target="").exclude(computed_risk="low")
    calls = calls.defer("arguments", "result", "decision_why", "words")
    found = []
    for call in calls.order_by("-created_at")[:_MAX_LOOKED_AT].iterator():
        touched = sorted(_files_in(call.target, files))
        if touched:
            found.append((call, _intent(call, touched)))
        if len(found) >= MAX_INTENTS:
            break
    return found


def _files_in(target: str, files: Iterable[str]) -> set[str]:
    """Which of the files a target names: a path, several, or a command with paths."""
    words = {target, *target.split(), *target.split(", ")}
    plain = {word.strip("'\"`,;:()") for word in words}
    return {path for path in files if path in plain}


def _intent(call: ToolIntent, files: list[str]) -> Intent:
    return Intent(
        id=str(call.pk),
        tool=call.tool,
        files=files,
        purpose=call.purpose,
        scope=call.scope,
        model=call.model,
        at=call.created_at.isoformat(timespec="seconds"),
    )


def prune(days: int | None = None) -> int:
    """Forget reports older than the setting says; 0 keeps all. How many."""
    keep_days = settings.MAESTRO_KEEP_AUDITS_DAYS if days is None else days
    if keep_days <= 0:
        return 0
    end = timezone.now() - timedelta(days=keep_days)
    old = Audit.objects.exclude(state=State.RUNNING).filter(finished_at__lt=end)
    count = old.count()
    old.delete()
    return count
