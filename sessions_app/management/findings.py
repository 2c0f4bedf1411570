"""A report for a terminal, and whether it should stop a pipeline. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from providers.audit import RULES, AuditReport, Finding
from providers.audit.report import Severity, rank

# Words of models and of code must not drive the terminal.
_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)), "�")
_UNPRINTABLE.pop(ord("\n"))
_UNPRINTABLE.pop(ord("\t"))
_TURNING = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "�")


def printable(text: str) -> str:
    """Text without what would move a cursor, colour, or turn the direction of writing."""
    return text.translate(_UNPRINTABLE | _TURNING)


def as_text(report: AuditReport) -> str:
    """The report for a person at a terminal."""
    lines = [line for finding in report.findings for line in _finding(finding)]
    lines += _unread(report)
    lines.append(_total(report))
    return printable("\n".join(lines)) + "\n"


def is_bad(report: AuditReport, fail_on: Severity | str, *, new_only: bool) -> bool:
    """Whether there is a finding at least so severe, or something that nobody read."""
    if not fail_on:
        return False
    if not report.is_complete:
        return True
    worst = rank(fail_on)  # type: ignore[arg-type]
    looked_at = [f for f in report.findings if not new_only or f.state != "unchanged"]
    severities = [f.severity for f in looked_at]
    if not new_only:
        severities += [omitted.severity for omitted in report.omitted]
    return any(rank(severity) <= worst for severity in severities)


def _finding(finding: Finding) -> Iterator[str]:
    rule = RULES.get(finding.rule)
    state = f" ({finding.state})" if finding.state else ""
    place = f"{finding.file}:{finding.start_line}"
    yield f"{place}: {finding.severity}{state}: {rule.title if rule else finding.rule}"
    for line in finding.evidence.splitlines()[:5]:
        yield f"    | {line}"
    yield f"    {finding.explanation}"
    if finding.suggestion:
        yield f"    Suggestion: {finding.suggestion}"
    yield ""


def _unread(report: AuditReport) -> list[str]:
    failed = [part for part in report.not_read if part.is_failure]
    return [f"not read: {part.file}: {part.why}" for part in failed]


def _total(report: AuditReport) -> str:
    counts = ", ".join(f"{n} {word}" for word, n in report.counts.items() if n)
    score = "no score" if report.score is None else f"score {report.score}"
    told = [f"{counts or 'no findings'} in {len(report.files)} files", score]
    if report.comparison is not None:
        c = report.comparison
        told.append(f"{c.new} new, {c.unchanged} unchanged, {len(c.fixed)} fixed")
    told.append(f"{report.model} ({report.provider}, {report.session_id})")
    if report.usage.cost_usd is not None:
        told.append(f"about {float(report.usage.cost_usd):.4f} USD")
    return " · ".join(told)
