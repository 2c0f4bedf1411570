"""What the suite found: one verdict a rule."""

from __future__ import annotations

from typing import Literal

import msgspec


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One rule on one provider. `reason` says what was seen instead."""

    rule: str
    promise: str
    result: Literal["ok", "broken"]
    reason: str = ""
    took_s: float = 0.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All verdicts on one provider."""

    provider: str
    dialect: str
    verdicts: list[Verdict]

    @property
    def is_ok(self) -> bool:
        """Whether no rule is broken."""
        return all(verdict.result == "ok" for verdict in self.verdicts)

    @property
    def broken(self) -> list[str]:
        """The names of the broken rules."""
        return [v.rule for v in self.verdicts if v.result == "broken"]
