"""This audit beside the one before: what is new, unchanged, fixed, or not known. Pure.

    same fingerprint                                   unchanged
    same rule and symbol, one quote within the other   unchanged, and keeps the fingerprint
    in this one only                                   new
    in the earlier one only, its code is gone          fixed
    in the earlier one only, else                      unconfirmed: the model did not name it
                                                       this time, or it was not looked for

A model does not say the same twice. "Fixed" is therefore claimed of code that is gone from
a source which was read, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from providers.audit.claims import with_state
from providers.audit.fingerprint import squeezed
from providers.audit.locate import Squeezed
from providers.audit.report import (
    AuditReport,
    Comparison,
    Finding,
    NotRead,
    Severity,
    rank,
)
from providers.audit.source import Source
from providers.audit.split import Excerpt
from providers.audit.symbols import symbol_at

# So much code, without white space, is the same code also in a function renamed.
DISTINCT_CHARS = 40


def compare(
    findings: Sequence[Finding],
    previous: AuditReport,
    *,
    source: Source,
    not_read: Sequence[NotRead],
    floor: Severity,
) -> tuple[list[Finding], Comparison]:
    """The findings with their state, and the comparison. Fingerprints are set already."""
    matched = _match(findings, previous)
    settled = _inherited(findings, matched)
    new = {f.fingerprint for f in settled} - _known(previous)
    settled = with_state(settled, new)
    found_again = {f.fingerprint for f in settled}
    missing = [old for old in previous.findings if old.fingerprint not in found_again]
    code = _Code(source, not_read, settled)
    fixed = [old for old in missing if rank(old.severity) <= rank(floor)]
    fixed = [old for old in fixed if code.is_gone(old)]
    comparison = Comparison(
        new=len(new),
        unchanged=len(settled) - len(new),
        fixed=fixed,
        unconfirmed=[old for old in missing if old not in fixed],
    )
    return settled, comparison


def _known(previous: AuditReport) -> set[str]:
    found = {old.fingerprint for old in previous.findings}
    return found | {old.fingerprint for old in previous.omitted}


def _match(findings: Sequence[Finding], previous: AuditReport) -> dict[str, str]:
    """Fingerprint now → fingerprint before, for findings that were quoted otherwise."""
    now = {f.fingerprint for f in findings}
    free = [old for old in previous.findings if old.fingerprint not in now]
    taken_before = _known(previous)
    matched: dict[str, str] = {}
    for finding in findings:
        if finding.fingerprint in taken_before:
            continue
        for old in free:
            if _is_requoted(finding, old):
                matched[finding.fingerprint] = old.fingerprint
                free.remove(old)
                break
    return matched


def _is_requoted(finding: Finding, old: Finding) -> bool:
    """The same rule in the same function, with more or less of the same code quoted."""
    if finding.rule != old.rule or finding.symbol != old.symbol:
        return False
    if not finding.symbol and finding.file != old.file:
        return False
    ours, theirs = squeezed(finding.evidence), squeezed(old.evidence)
    return ours in theirs or theirs in ours


def _inherited(findings: Sequence[Finding], matched: dict[str, str]) -> list[Finding]:
    return [
        msgspec.structs.replace(
            f, fingerprint=matched.get(f.fingerprint, f.fingerprint)
        )
        for f in findings
    ]


class _Code:
    """What was read, to tell whether earlier evidence still stands in it."""

    def __init__(
        self, source: Source, not_read: Sequence[NotRead], findings: Sequence[Finding]
    ) -> None:
        self._is_whole = source.kind != "diff"
        self._unread = {part.file for part in (*not_read, *source.left_out)}
        self._findings = findings
        self._files = [(f, Squeezed(Excerpt(f, 0, f.lines))) for f in source.files]

    def is_gone(self, old: Finding) -> bool:
        """Whether the code of an earlier finding is surely not there any more.

        Twins that were found again do not count. A diff shows a part of a file, and what
        it removes may stand elsewhere: nothing is claimed from one.
        """
        if not self._is_whole or old.file in self._unread:
            return False
        wanted = squeezed(old.evidence)
        places = [
            (file.path, place.start_line)
            for file, text in self._files
            for place in text.places(wanted)
            if len(wanted) >= DISTINCT_CHARS
            or symbol_at(file.lines, place.first) == old.symbol
        ]
        return not any(self._is_unaccounted(old, *place) for place in places)

    def _is_unaccounted(self, old: Finding, file: str, line: int) -> bool:
        return not any(
            f.rule == old.rule and f.file == file and f.start_line <= line <= f.end_line
            for f in self._findings
        )
