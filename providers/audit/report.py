"""What an audit finds: the report, its findings, and what could not be used, as plain data.

Stored and exported as it is (`msgspec.json`); `REPORT_VERSION` names the form. Paths are
labels that the caller chose: nothing here opens a file.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import msgspec

Severity: TypeAlias = Literal["critical", "high", "medium", "low", "info"]
Confidence: TypeAlias = Literal["high", "medium", "low"]
State: TypeAlias = Literal["", "new", "unchanged"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)  # the worst first
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)
REPORT_VERSION = 1


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One defect, proven to stand where it says: `evidence` was found in the source.

    `start_line`, `end_line`: of the evidence, from 1, inclusive. `symbol`: the innermost
    function or class around it. `fingerprint`: the same for the same defect when lines or
    functions move. `relocated`: the model named another place; `claimed_line` is its line.
    `state`: against the previous report, "" without one.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    file: str
    start_line: int
    end_line: int
    evidence: str
    explanation: str
    suggestion: str = ""
    symbol: str = ""
    language: str = ""
    fingerprint: str = ""
    state: State = ""
    relocated: bool = False
    claimed_line: int = 0


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of the model's that is not true of the source, and why it was not taken."""

    rule: str
    file: str
    line: int
    why: str


class NotRead(msgspec.Struct, frozen=True, kw_only=True):
    """A file, or a part of one, that no model has judged. Lines 0: the whole file.

    `is_failure`: it should have been read (an error, a stop); else it was left out by
    rule (binary, empty, a path that leads outside).
    """

    file: str
    why: str
    start_line: int = 0
    end_line: int = 0
    is_failure: bool = True


class Omitted(msgspec.Struct, frozen=True, kw_only=True):
    """A finding beyond `max_findings`: counted, compared and scored, but not described."""

    rule: str
    severity: Severity
    confidence: Confidence
    fingerprint: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """This report beside the one before.

    `fixed`: the code they quoted is gone. `unconfirmed`: not named this time, though
    their code still stands or was not looked at; neither fixed nor found again.
    """

    new: int = 0
    unchanged: int = 0
    fixed: list[Finding] = []
    unconfirmed: list[Finding] = []


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that wrote audited files, and why, as its model declared it then.

    Evidence of purpose, attached by whoever keeps the report; no model judged it.
    """

    id: str
    tool: str
    files: list[str]
    purpose: str
    scope: str
    model: str = ""
    at: str = ""


class AuditUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of all requests, added up, repeated ones included.

    `is_complete` False: some response did not say, so the truth is more than this.
    `cost_usd`: a decimal as text, an estimate by the prices of `price_date`; None where
    a price or a count is missing.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    is_complete: bool = True
    cost_usd: str | None = None
    price_date: str = ""


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one audit.

    `score`: 0 to 100, see score.py; None when a part was not read. `source_kind`: text,
    files or diff. `files`: path → lines that were judged. `prompt_version` names the
    words and the form that the model was given. Times: ISO 8601 UTC, seconds.
    """

    provider: str
    model: str
    session_id: str
    auth_type: str
    prompt_version: str
    source_kind: str
    began_at: str
    duration_s: float
    findings: list[Finding]
    score: int | None
    severity_floor: Severity
    files: dict[str, int]
    usage: AuditUsage
    rejected: list[Rejected] = []
    not_read: list[NotRead] = []
    omitted: list[Omitted] = []
    comparison: Comparison | None = None
    was_cancelled: bool = False
    intents: list[Intent] = []
    report_version: int = REPORT_VERSION

    @property
    def is_complete(self) -> bool:
        """Whether everything that should have been read was read."""
        return not self.was_cancelled and not any(p.is_failure for p in self.not_read)

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity, the worst first, those omitted included."""
        found = [f.severity for f in self.findings] + [o.severity for o in self.omitted]
        return {severity: found.count(severity) for severity in SEVERITIES}


def rank(severity: Severity) -> int:
    """0 for the worst."""
    return SEVERITIES.index(severity)
