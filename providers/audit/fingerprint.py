"""What makes two findings the same: rule, innermost symbol, and the quoted code. Pure.

    fingerprint = first 16 hex digits of SHA-256(rule, symbol, code without white space)

No line and no file is in it, so a defect keeps its fingerprint when lines are added above,
when it is indented or wrapped anew, and when its function moves to another class or file.
Twins (the same code in a function of the same name) are told apart by `-2`, `-3` … in the
order of files and lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from providers.audit.report import Finding

FINGERPRINT_VERSION = 1


def squeezed(text: str) -> str:
    """The code without white space: what is left when it is formatted anew."""
    return "".join(text.split())


def base_fingerprint(rule: str, symbol: str, evidence: str) -> str:
    """The fingerprint before twins are told apart."""
    said = "\0".join((str(FINGERPRINT_VERSION), rule, symbol, squeezed(evidence)))
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def with_fingerprints(findings: Iterable[Finding]) -> list[Finding]:
    """The same findings in the order of files and lines, each with its fingerprint."""
    seen: dict[str, int] = {}
    marked = []
    for finding in sorted(findings, key=lambda f: (f.file, f.start_line, f.end_line)):
        base = base_fingerprint(finding.rule, finding.symbol, finding.evidence)
        seen[base] = seen.get(base, 0) + 1
        twin = f"-{seen[base]}" if seen[base] > 1 else ""
        marked.append(msgspec.structs.replace(finding, fingerprint=base + twin))
    return marked
