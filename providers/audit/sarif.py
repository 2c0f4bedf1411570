"""A report as SARIF 2.1.0, for code scanning pages and editors. Pure.

Everything a model said is text here: brackets that would be links are escaped, paths are
percent-encoded and relative. Fixed findings are results with `baselineState: absent`.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from providers import VERSION
from providers.audit.fingerprint import FINGERPRINT_VERSION
from providers.audit.report import AuditReport, Finding
from providers.audit.rules import RULES

Json = dict[str, Any]

SCHEMA_URI = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
    "sarif-schema-2.1.0.json"
)
_LEVELS = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
# What GitHub and others sort by: CVSS-like figures as text.
_SECURITY_SEVERITY = {
    "critical": "9.5",
    "high": "8.0",
    "medium": "5.5",
    "low": "2.0",
    "info": "0.0",
}
_RANKS = {"high": 90.0, "medium": 60.0, "low": 30.0}


def to_sarif(report: AuditReport) -> Json:
    """The log as plain data, one run."""
    fixed = report.comparison.fixed if report.comparison else []
    shown = [*report.findings, *fixed]
    used = sorted({finding.rule for finding in shown})
    at = {rule: index for index, rule in enumerate(used)}
    results = [_result(f, at[f.rule]) for f in report.findings]
    results += [_result(f, at[f.rule], state="absent") for f in fixed]
    properties: Json = {
        "score": report.score,
        "provider": report.provider,
        "credential": report.session_id,
        "model": report.model,
        "promptVersion": report.prompt_version,
        "severityFloor": report.severity_floor,
        "usage": msgspec.to_builtins(report.usage),
    }
    if report.intents:  # why the audited files were written
        properties["intents"] = msgspec.to_builtins(report.intents)
    run: Json = {
        "tool": {"driver": _driver(used)},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": properties,
    }
    return {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}


def _driver(rules: list[str]) -> Json:
    return {
        "name": "Maestro code audit",
        "semanticVersion": VERSION,
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: str) -> Json:
    known = RULES.get(rule)
    title = known.title if known else rule
    described: Json = {"id": rule, "shortDescription": {"text": _literal(title)}}
    if known and known.cwe:
        described["helpUri"] = (
            f"https://cwe.mitre.org/data/definitions/{known.cwe}.html"
        )
        described["properties"] = {"tags": [f"external/cwe/cwe-{known.cwe:03d}"]}
    return described


def _result(finding: Finding, rule_index: int, state: str = "") -> Json:
    words = finding.explanation
    if finding.suggestion:
        words += f"\n\nSuggestion: {finding.suggestion}"
    place: Json = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(finding.file, safe="/")},
            "region": {
                "startLine": finding.start_line,
                "endLine": finding.end_line,
                "snippet": {"text": finding.evidence},
            },
        }
    }
    if finding.symbol:
        place["logicalLocations"] = [{"name": finding.symbol}]
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "rank": _RANKS[finding.confidence],
        "message": {"text": _literal(words) or finding.rule},
        "locations": [place],
        "partialFingerprints": {
            f"maestroFinding/v{FINGERPRINT_VERSION}": finding.fingerprint
        },
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "security-severity": _SECURITY_SEVERITY[finding.severity],
        },
    }
    if state or finding.state:
        result["baselineState"] = state or finding.state
    return result


def _invocation(report: AuditReport) -> Json:
    notes = [
        {"level": "error" if part.is_failure else "note", "message": {"text": text}}
        for part in report.not_read
        if (text := _literal(f"{part.file} was not read: {part.why}"))
    ]
    notes += [
        {"level": "note", "message": {"text": text}}
        for claim in report.rejected
        if (text := _literal(f"A claim ({claim.rule}) fell: {claim.why}"))
    ]
    return {
        "executionSuccessful": report.is_complete,
        "startTimeUtc": report.began_at.replace("+00:00", "Z"),
        "toolExecutionNotifications": notes,
    }


def _literal(text: str) -> str:
    """Text in which nothing is a link (SARIF 2.1.0, 3.11.6)."""
    return re.sub(r"([\\\[\]])", r"\\\1", text)
