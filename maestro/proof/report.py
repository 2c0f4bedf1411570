"""What a proof found, as data for `--json` and as text for a person."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec

from maestro.proof.verdicts import Verdict

Against = Literal["vendor", "emulator"]


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one question: times in seconds from the request, tokens as the vendor
    counts them. `cost_usd`: at the catalogue's price of `price_date`, also where the
    emulator answered and nobody is billed; None without a price, and for a plan."""

    characters: int
    deltas: int
    attempts: int
    first_event_s: float | None
    first_text_s: float | None
    total_s: float
    stop_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: str | None
    price_date: str | None


class Round(msgspec.Struct, kw_only=True):
    """One mode of a login; the only one of a key or of a login without modes.

    `paid_by`: `plan` for a person's subscription, else `tokens`.
    """

    mode: str
    paid_by: str = "tokens"
    model: str = ""
    verdicts: list[Verdict] = []
    answers: dict[str, Answered] = {}


class PathReport(msgspec.Struct, kw_only=True):
    """One vendor, signed in to in one way. `credential` is a name, never a secret."""

    provider: str
    auth_type: str
    credential: str
    verdicts: list[Verdict] = []
    rounds: list[Round] = []
    took_s: float = 0.0

    @property
    def all_verdicts(self) -> list[Verdict]:
        """Those of the credential and of every round."""
        return [*self.verdicts, *(v for r in self.rounds for v in r.verdicts)]

    @property
    def failed(self) -> list[str]:
        """The claims that do not hold, with their mode."""
        own = [v.name for v in self.verdicts if v.result == "failed"]
        return own + [
            f"{round_.mode}/{v.name}" if round_.mode else v.name
            for round_ in self.rounds
            for v in round_.verdicts
            if v.result == "failed"
        ]


class Report(msgspec.Struct, kw_only=True):
    """All paths of one command."""

    against: Against
    version: str
    started_at: str
    prompt: str
    paths: list[PathReport] = []
    took_s: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether there is something, and all of it holds."""
        return bool(self.paths) and not any(path.failed for path in self.paths)


def document(report: Report) -> dict[str, Any]:
    """The JSON document."""
    found: dict[str, Any] = msgspec.to_builtins(report)
    for path, shown in zip(report.paths, found["paths"], strict=True):
        shown |= {"ok": not path.failed, "failed": path.failed}
    return {"ok": report.is_ok, **found, "totals": _totals(report)}


def described(report: Report) -> str:
    """The end of the text for a person: the verdicts were told as they were known."""
    lines = ["", *(line for path in report.paths for line in _figures(path))]
    totals = _totals(report)
    lines.append(
        f"{totals['ok']} claims hold, {totals['failed']} do not, {totals['skipped']} "
        f"skipped. {totals['input_tokens']:,} tokens in, {totals['output_tokens']:,} out, "
        f"{_usd(totals['cost_usd'])}; {report.took_s:.1f} s, against the {report.against}."
    )
    return "\n".join(lines)


def _figures(path: PathReport) -> list[str]:
    """One line an answer."""
    return [
        f"{path.provider} {path.auth_type} {round_.mode}".rstrip()
        + f", {round_.model}, {name}: {_figure(found, round_.paid_by)}"
        for round_ in path.rounds
        for name, found in round_.answers.items()
    ]


def _figure(found: Answered, paid_by: str) -> str:
    first = "-" if found.first_text_s is None else f"{found.first_text_s:.2f} s"
    cost = "paid by a plan" if paid_by == "plan" else _usd(found.cost_usd)
    return (
        f"first text {first}, whole {found.total_s:.2f} s, {found.input_tokens or 0:,} "
        f"tokens in, {found.output_tokens or 0:,} out, {cost}"
    )


def _usd(cost: str | None) -> str:
    return f"${Decimal(cost):.4f}" if cost is not None else "no cost known"


def _totals(report: Report) -> dict[str, Any]:
    verdicts = [v for path in report.paths for v in path.all_verdicts]
    answers = [a for p in report.paths for r in p.rounds for a in r.answers.values()]
    costs = [Decimal(a.cost_usd) for a in answers if a.cost_usd is not None]
    return {
        **{
            result: sum(v.result == result for v in verdicts)
            for result in ("ok", "failed", "skipped")
        },
        "input_tokens": sum(a.input_tokens or 0 for a in answers),
        "output_tokens": sum(a.output_tokens or 0 for a in answers),
        "cost_usd": str(sum(costs, Decimal(0))) if costs else None,
    }
