"""One figure for a report: how much work is waiting, 100 for none. Pure.

    weight  = sum over findings of severity × confidence
    score   = floor(100 × 0.5 ^ (weight / 25))

One certain critical finding halves it; so do two and a half certain high ones. It does not
look at the size of the source, so compare scores of the same source only. Findings beyond
`max_findings` count; those below the severity floor were not asked for and do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from providers.audit.report import Confidence, Finding, Omitted, Severity

HALVING_WEIGHT = 25.0
SEVERITY_WEIGHTS: dict[Severity, float] = {
    "critical": 25.0,
    "high": 10.0,
    "medium": 4.0,
    "low": 1.0,
    "info": 0.0,
}
CONFIDENCE_WEIGHTS: dict[Confidence, float] = {"high": 1.0, "medium": 0.7, "low": 0.4}


def score(findings: Iterable[Finding | Omitted]) -> int:
    """0 to 100."""
    weight: float = sum(
        SEVERITY_WEIGHTS[f.severity] * CONFIDENCE_WEIGHTS[f.confidence]
        for f in findings
    )
    return math.floor(100 * math.pow(0.5, weight / HALVING_WEIGHT))
