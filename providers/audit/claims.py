"""Claims of a model → findings that are true of the source, and those that are not. Pure.

A claim becomes a finding when its evidence stands in the lines that the model was shown:
in the file it names, else in exactly one other (it is put there and marked `relocated`).
The place of the evidence counts, not the numbers the model gave. Everything else is
rejected with a reason; nothing is made up to save it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from providers.audit.locate import (
    MIN_EVIDENCE_CHARS,
    Place,
    Squeezed,
    locate,
    plain_evidence,
)
from providers.audit.report import CONFIDENCES, Finding, Rejected, rank
from providers.audit.schema import Claim
from providers.audit.source import clean_path
from providers.audit.split import Piece
from providers.audit.symbols import symbol_at


def prove(
    claims: Iterable[Claim], piece: Piece
) -> tuple[list[Finding], list[Rejected]]:
    """(what stands, what does not) of the claims about one piece."""
    findings: list[Finding] = []
    rejected: list[Rejected] = []
    shown = [Squeezed(excerpt) for excerpt in piece]
    for claim in claims:
        place, why = _place_of(claim, shown)
        if place is None:
            path = clean_path(claim.file) or "?"
            rejected.append(
                Rejected(rule=claim.rule, file=path, line=claim.start_line, why=why)
            )
        else:
            findings.append(_finding(claim, place))
    return findings, rejected


def joined(findings: Iterable[Finding]) -> list[Finding]:
    """The same without repetitions: one rule in overlapping lines of a file is one finding.

    The worst and surest of them stays.
    """
    kept: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=_worst_first):
        alike = kept.setdefault((finding.rule, finding.file), [])
        if not any(_overlap(finding, other) for other in alike):
            alike.append(finding)
    return worst_first(finding for alike in kept.values() for finding in alike)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """In the order in which a person wants to read them."""
    return sorted(findings, key=_worst_first)


def _place_of(claim: Claim, shown: Sequence[Squeezed]) -> tuple[Place | None, str]:
    """Where the evidence stands, or why it stands nowhere."""
    if len("".join(plain_evidence(claim.evidence).split())) < MIN_EVIDENCE_CHARS:
        return None, "it quotes no code"
    path = clean_path(claim.file)
    named = [text for text in shown if text.path == path]
    found = locate(claim.evidence, named, claim.start_line)
    if found is not None:
        return found, ""
    others: dict[str, list[Squeezed]] = {}
    for text in shown:
        if text.path != path:
            others.setdefault(text.path, []).append(text)
    places = [
        place
        for texts in others.values()
        if (place := locate(claim.evidence, texts, claim.start_line))
    ]
    if len(places) == 1:
        return places[0], ""
    if not named:
        return None, "it names a file that was not in the request"
    return None, "the code it quotes does not stand in the source"


def _finding(claim: Claim, place: Place) -> Finding:
    excerpt = place.excerpt
    start, end = place.start_line, place.end_line
    is_where_claimed = (
        claim.start_line <= end
        and start <= max(claim.end_line, claim.start_line)
        and clean_path(claim.file) == excerpt.file.path
    )
    return Finding(
        rule=claim.rule,
        severity=claim.severity,
        confidence=claim.confidence,
        file=excerpt.file.path,
        start_line=start,
        end_line=end,
        evidence=place.code,
        explanation=claim.explanation.strip(),
        suggestion=claim.suggestion.strip(),
        symbol=symbol_at(excerpt.file.lines, excerpt.first + place.first),
        language=excerpt.file.language,
        relocated=not is_where_claimed,
        claimed_line=0 if is_where_claimed else claim.start_line,
    )


def _worst_first(finding: Finding) -> tuple[int, int, str, int, int, str]:
    return (
        rank(finding.severity),
        CONFIDENCES.index(finding.confidence),
        finding.file,
        finding.start_line,
        finding.end_line,
        finding.rule,
    )


def _overlap(finding: Finding, other: Finding) -> bool:
    return finding.start_line <= other.end_line and other.start_line <= finding.end_line


def with_state(findings: Iterable[Finding], new: set[str]) -> list[Finding]:
    """The findings marked `new` (their fingerprint is in the set) or `unchanged`."""
    return [
        msgspec.structs.replace(f, state="new" if f.fingerprint in new else "unchanged")
        for f in findings
    ]
