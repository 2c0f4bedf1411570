"""A report, made of what the vendor said of each piece: at the end, and on the way.

    claims ─▶ proven findings ─▶ joined ─▶ fingerprints ─▶ compared ─▶ score

On the way a piece that nobody judged yet counts as stopped, so that what is kept of an
audit is true at any moment, whatever becomes of the process that works on it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from providers.audit.asking import Heard
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
from providers.audit.source import Source
from providers.types import Credential


@dataclass(frozen=True, slots=True)
class Making:
    """What is known of an audit before anything is asked; made as it begins."""

    credential: Credential
    model: str
    source: Source
    options: AuditOptions
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)

    def usage(self, heard: Sequence[Heard]) -> AuditUsage:
        """The tokens of all requests so far."""
        usages = [usage for one in heard for usage in one.usages]
        provider = self.credential.provider
        return add_up(provider, self.model, usages, self.options.facts)

    def report(self, heard: Sequence[Heard]) -> AuditReport:
        """The report of these pieces."""
        read, options = self.source, self.options
        findings, rejected = _proven(heard, options)
        not_read = _not_read(heard)
        findings, comparison = _compared(findings, read, not_read, options)
        was_cancelled = any(one.stopped for one in heard)
        is_whole = not not_read and not was_cancelled
        limit = options.max_findings
        return AuditReport(
            provider=self.credential.provider,
            model=self.model,
            session_id=self.credential.name,
            auth_type=self.credential.auth_type,
            prompt_version=PROMPT_VERSION,
            source_kind=read.kind,
            began_at=self.began_at.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - self.began, 3),
            findings=findings[:limit],
            score=score(findings) if is_whole else None,
            severity_floor=options.severity_floor,
            files={f.path: sum(1 for n in f.lines if n.number) for f in read.files},
            usage=self.usage(heard),
            rejected=rejected,
            not_read=[*not_read, *read.left_out],
            omitted=[_omitted(finding) for finding in findings[limit:]],
            comparison=comparison,
            was_cancelled=was_cancelled,
        )


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
