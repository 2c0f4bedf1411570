"""An audit from end to end. No Django, no storage.

    source ─▶ pieces ─▶ asked (working.py, asking.py) ─▶ claims ─▶ proven findings
                                                                        │
    report ◀─ score ◀─ compared with the report before ◀─ fingerprints ◀─ joined

Called by `provider.audit_code`, which brings the way to a vendor.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from providers import catalogue
from providers.audit.asking import Asker, AuditFailed, Heard, Notice, OpenStream
from providers.audit.bill import add_up
from providers.audit.claims import joined, prove, worst_first
from providers.audit.compare import compare
from providers.audit.fingerprint import with_fingerprints
from providers.audit.options import AuditOptions
from providers.audit.prompt import PROMPT_VERSION
from providers.audit.report import (
    AuditReport,
    AuditUsage,
    Comparison,
    Finding,
    NotRead,
    Omitted,
    Rejected,
    rank,
)
from providers.audit.score import score
from providers.audit.source import Source, read_source
from providers.audit.split import Piece, piece_tokens, split
from providers.audit.working import Work
from providers.errors import ConfigurationError
from providers.retry import Limits
from providers.types import Credential


def run_audit(
    credential: Credential,
    model: str,
    source: str | Mapping[str, str],
    options: AuditOptions,
    open_stream: OpenStream,
    *,
    limits: Limits | None = None,
) -> AuditReport:
    """The report. Raises ProviderError where nothing at all could be judged: the first
    error of a vendor, or AuditFailed."""
    began_at, began = datetime.now(UTC), time.monotonic()
    read = read_source(
        source,
        kind=options.kind,
        name=options.name,
        paths=options.paths,
        languages=options.languages,
    )
    pieces = _pieces(credential, model, read, options)
    heard = _asked(pieces, read, options, open_stream, limits or Limits())
    usages = [usage for one in heard for usage in one.usages]
    usage = add_up(credential.provider, model, usages, options.facts)
    _raise_if_nothing_was_judged(heard, usage)
    findings, rejected = _proven(heard, options)
    not_read = _not_read(heard)
    findings, comparison = _compared(findings, read, not_read, options)
    was_cancelled = any(one.stopped for one in heard)
    is_whole = not not_read and not was_cancelled
    shown, rest = findings[: options.max_findings], findings[options.max_findings :]
    return AuditReport(
        provider=credential.provider,
        model=model,
        session_id=credential.name,
        auth_type=credential.auth_type,
        prompt_version=PROMPT_VERSION,
        source_kind=read.kind,
        began_at=began_at.isoformat(timespec="seconds"),
        duration_s=round(time.monotonic() - began, 3),
        findings=shown,
        score=score(findings) if is_whole else None,
        severity_floor=options.severity_floor,
        files={f.path: sum(1 for line in f.lines if line.number) for f in read.files},
        usage=usage,
        rejected=rejected,
        not_read=[*not_read, *read.left_out],
        omitted=[_omitted(finding) for finding in rest],
        comparison=comparison,
        was_cancelled=was_cancelled,
    )


def _asked(
    pieces: Sequence[Piece],
    source: Source,
    options: AuditOptions,
    open_stream: OpenStream,
    limits: Limits,
) -> list[Heard]:
    """What the vendor said of each piece, several at a time."""
    cancel = options.cancel or threading.Event()

    def new_asker(notice: Notice) -> Asker:
        return Asker(
            open_stream,
            cancel=cancel,
            limits=limits,
            floor=options.severity_floor,
            is_diff=source.kind == "diff",
            notice=notice,
        )

    work = Work(
        pieces,
        new_asker,
        cancel=options.cancel,
        on_progress=options.on_progress,
        after_thread=options.after_thread,
    )
    return work.ask_all(options.parallel)


def _pieces(
    credential: Credential, model: str, source: Source, options: AuditOptions
) -> list[Piece]:
    """Raises ConfigurationError before anything is spent on a source that is too large."""
    facts = options.facts or catalogue.lookup(credential.provider, model)
    pieces = split(source.files, options.piece_tokens or piece_tokens(facts))
    if len(pieces) > options.max_requests:
        raise ConfigurationError(
            f"This source takes {len(pieces)} requests, more than max_requests "
            f"({options.max_requests}). Choose fewer paths, or allow more.",
            provider=credential.provider,
        )
    return pieces


def _raise_if_nothing_was_judged(heard: Sequence[Heard], usage: AuditUsage) -> None:
    if any(one.claims for one in heard) or any(one.stopped for one in heard):
        return
    error = next(error for one in heard for _, error in one.failed)
    if isinstance(error, AuditFailed):
        error.usage = usage
    raise error


def _proven(
    heard: Sequence[Heard], options: AuditOptions
) -> tuple[list[Finding], list[Rejected]]:
    """Findings that stand, each once, with fingerprints, the worst first."""
    findings: list[Finding] = []
    rejected: list[Rejected] = []
    for one in heard:
        for piece, claims in one.claims:
            stands, falls = prove(claims, piece)
            findings += stands
            rejected += falls
    floor = rank(options.severity_floor)
    asked_for = [f for f in joined(findings) if rank(f.severity) <= floor]
    return worst_first(with_fingerprints(asked_for)), rejected


def _compared(
    findings: list[Finding],
    source: Source,
    not_read: Sequence[NotRead],
    options: AuditOptions,
) -> tuple[list[Finding], Comparison | None]:
    if options.previous is None:
        return findings, None
    return compare(
        findings,
        options.previous,
        source=source,
        not_read=not_read,
        floor=options.severity_floor,
    )


def _not_read(heard: Sequence[Heard]) -> list[NotRead]:
    """What should have been judged and was not, by file."""
    parts = [(piece, error.message) for one in heard for piece, error in one.failed]
    parts += [
        (piece, "the audit was stopped") for one in heard for piece in one.stopped
    ]
    found = []
    for piece, why in parts:
        for excerpt in piece:
            first, last = excerpt.span
            is_all = len(excerpt.lines) == len(excerpt.file.lines)
            found.append(
                NotRead(
                    file=excerpt.file.path,
                    why=why,
                    start_line=0 if is_all else first,
                    end_line=0 if is_all else last,
                )
            )
    return found


def _omitted(finding: Finding) -> Omitted:
    return Omitted(
        rule=finding.rule,
        severity=finding.severity,
        confidence=finding.confidence,
        fingerprint=finding.fingerprint,
    )
