"""One path from its login to its last trace: the claims, in the order of their making.

    sign_in ─▶ sealed ─▶ for each mode: mode ─▶ models ─▶ answer ─▶ checks ─▶ parser
                                        └▶ stopped ─▶ retried ─▶ cut ─▶ recovered ─▶ refresh
    whatever happened: cleaned

A claim that does not hold does not end the proof; those that need it are skipped, and
say so.
"""

from __future__ import annotations

import time

from maestro.proof.plan import Path, modes_after
from maestro.proof.report import PathReport, Round
from maestro.proof.rounds import ModeProof
from maestro.proof.signing_in import Visitor
from maestro.proof.terms import Terms
from maestro.proof.verdicts import Claims


def prove(path: Path, terms: Terms) -> PathReport:
    """Every claim about one path. What it made is removed also when it is interrupted."""
    started = time.monotonic()
    visitor = Visitor(path, terms.user, terms.around)
    report = PathReport(
        provider=path.provider, auth_type=path.auth_type, credential=visitor.name
    )
    claims = Claims(report.verdicts, terms.tell)
    terms.tell(f"{path.provider} {path.auth_type}")
    try:
        signed_in = claims.add(
            "sign_in",
            "a credential is made the way a person makes one",
            visitor.sign_in,
        )
        if signed_in:
            claims.add(
                "sealed", "its secrets are saved encrypted", visitor.check_sealed
            )
            _rounds(path, terms, visitor, report)
    finally:
        claims.add(
            "cleaned",
            "what the proof made is removed, here and at the vendor",
            lambda: visitor.close(keep=terms.keep),
        )
    report.took_s = round(time.monotonic() - started, 3)
    return report


def _rounds(path: Path, terms: Terms, visitor: Visitor, report: PathReport) -> None:
    first = str(visitor.row().metadata.get("mode", ""))
    choices = visitor.modes if first in visitor.modes else ()
    for mode in modes_after(first, choices, path.mode):
        round_ = Round(mode=mode if choices else "")
        report.rounds.append(round_)
        if round_.mode:
            terms.tell(f"  in {mode} mode")
        ModeProof(path, terms, visitor, round_).run()
