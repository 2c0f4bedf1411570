"""Findings, claims and reports with every default filled."""

from __future__ import annotations

from typing import Any

from providers.audit.diff import Line
from providers.audit.report import AuditReport, AuditUsage, Finding
from providers.audit.schema import Claim
from providers.audit.source import SourceFile, plain_lines
from providers.audit.split import Excerpt


def make_claim(**fields: Any) -> Claim:
    given: dict[str, Any] = {
        "rule": "logic_error",
        "severity": "medium",
        "confidence": "high",
        "file": "a.py",
        "start_line": 1,
        "end_line": 1,
        "evidence": "x = 1",
        "explanation": "It is wrong.",
        "suggestion": "",
    }
    return Claim(**{**given, **fields})


def make_finding(**fields: Any) -> Finding:
    given: dict[str, Any] = {
        "rule": "logic_error",
        "severity": "medium",
        "confidence": "high",
        "file": "a.py",
        "start_line": 1,
        "end_line": fields.get("start_line", 1),
        "evidence": "x = 1",
        "explanation": "It is wrong.",
    }
    return Finding(**{**given, **fields})


def make_report(*findings: Finding, **fields: Any) -> AuditReport:
    given: dict[str, Any] = {
        "provider": "gemini",
        "model": "m",
        "session_id": "work",
        "auth_type": "api_key",
        "prompt_version": "audit-1",
        "source_kind": "files",
        "began_at": "2026-11-23T10:00:00+00:00",
        "duration_s": 1.5,
        "findings": list(findings),
        "score": 80,
        "severity_floor": "info",
        "files": {"a.py": 3},
        "usage": AuditUsage(),
    }
    return AuditReport(**{**given, **fields})


def make_file(text: str, path: str = "a.py") -> SourceFile:
    return SourceFile(path, "python", plain_lines(text))


def whole(file: SourceFile) -> Excerpt:
    """The file as one excerpt."""
    return Excerpt(file, 0, file.lines)


def removed(text: str) -> Line:
    return Line(0, text, "-")
