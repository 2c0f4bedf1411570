"""A report as Markdown, for people, issues and wikis. Pure.

What a model said, and what stands in the code, is text: it makes no link, no image, no tag
and no heading in whatever renders it, and no fence ends early.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from providers.audit.report import AuditReport, Finding, Intent
from providers.audit.rules import RULES

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&@:])")
_LANGUAGE = re.compile(r"[A-Za-z0-9+#-]*\Z")


def to_markdown(report: AuditReport) -> str:
    """The whole report."""
    lines = ["# Code audit", "", *_head(report), ""]
    for finding in report.findings:
        lines += _finding(finding)
    if not report.findings:
        lines += ["No findings.", ""]
    comparison = report.comparison
    if comparison is not None:
        lines += _list("Fixed since the last audit", map(_short, comparison.fixed))
        lines += _list(
            "Not named this time, though not known to be fixed",
            map(_short, comparison.unconfirmed),
        )
    lines += _list("Why the audited files were written", map(_intent, report.intents))
    lines += _list(
        "Not read",
        (f"{escaped(p.file)}{_span(p.start_line, p.end_line)}: {escaped(p.why)}"
         for p in report.not_read),
    )  # fmt: skip
    lines += _list(
        "Claims that did not stand",
        (f"{escaped(r.rule)} in {escaped(r.file)}, line {r.line}: {escaped(r.why)}"
         for r in report.rejected),
    )  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str) -> str:
    """Text as one paragraph that is nothing but text."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _head(report: AuditReport) -> list[str]:
    counts = ", ".join(f"{n} {severity}" for severity, n in report.counts.items() if n)
    score = "none, because not everything was read"
    if report.score is not None:
        score = f"{report.score} of 100"
    rows = [
        ("Score", score),
        ("Findings", counts or "none"),
        ("Files", str(len(report.files))),
        ("Model", f"{report.model} ({report.provider}), {report.prompt_version}"),
        ("Credential", report.session_id),
        ("Date", report.began_at),
    ]
    if report.comparison is not None:
        c = report.comparison
        told = f"{c.new} new, {c.unchanged} unchanged, {len(c.fixed)} fixed"
        rows.append(("Since the last audit", told))
    if report.omitted:
        rows.append(("Not described", f"{len(report.omitted)} more, milder findings"))
    if report.usage.cost_usd is not None:
        date = report.usage.price_date
        cost = f"about {float(report.usage.cost_usd):.4f} USD by the prices of {date}"
        rows.append(("Cost", cost))
    return [f"- **{name}:** {escaped(value)}" for name, value in rows]


def _finding(finding: Finding) -> list[str]:
    rule = RULES.get(finding.rule)
    title = rule.title if rule else finding.rule
    state = f" · {finding.state}" if finding.state else ""
    symbol = f" in {escaped(finding.symbol)}" if finding.symbol else ""
    lines = [
        f"## {finding.severity.capitalize()}: {escaped(title)}",
        "",
        f"{escaped(finding.file)}{_span(finding.start_line, finding.end_line)}{symbol} · "
        f"{escaped(finding.rule)} · confidence {finding.confidence}{state} · "
        f"{escaped(finding.fingerprint)}",
        "",
        *_fenced(finding.evidence, finding.language),
        "",
        escaped(finding.explanation),
        "",
    ]
    if finding.suggestion:
        lines += [f"**Suggestion:** {escaped(finding.suggestion)}", ""]
    return lines


def _fenced(code: str, language: str) -> list[str]:
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    word = language if _LANGUAGE.match(language) else ""
    return [f"{fence}{word}", *code.splitlines(), fence]


def _list(title: str, rows: Iterable[str]) -> list[str]:
    items = [f"- {row}" for row in rows]
    return [f"## {title}", "", *items, ""] if items else []


def _intent(intent: Intent) -> str:
    files = ", ".join(escaped(file) for file in intent.files)
    told = f"{escaped(intent.purpose)}: {escaped(intent.scope)}"
    return f"{files} · {escaped(intent.tool)} by {escaped(intent.model)} · {told}"


def _short(finding: Finding) -> str:
    return (
        f"{escaped(finding.rule)} in {escaped(finding.file)}"
        f"{_span(finding.start_line, finding.end_line)} ({escaped(finding.fingerprint)})"
    )


def _span(first: int, last: int) -> str:
    if not first:
        return ""
    return f", line {first}" if first == last else f", lines {first} to {last}"
