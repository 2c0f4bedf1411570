"""A limit in words: which one it is, how much of it is used, when it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from sessions_app.errors import CredentialLimitReached, LimitReached
from sessions_app.models.usage import NANO
from sessions_app.services import limits
from sessions_app.services.limits import Kind, Metric, Rule, Scope

_TITLES = {
    "requests": "requests a day",
    "tokens": "tokens a day",
    "cost": "cost a day (estimate)",
    "runs": "answers at once",
}
RUNS_AGAIN_S = 10.0  # an answer ends at some time; a client may look again


def reached(rule: Rule, used: int, held: int) -> LimitReached:
    """The error of a limit that does not allow one more call."""
    cls = CredentialLimitReached if rule.scope.kind == Kind.CREDENTIAL else LimitReached
    about = as_data(rule, used, held)
    if rule.metric == Metric.RUNS:
        message = (
            f"{whose(rule.scope)} {shown(rule.metric, rule.amount)} is reached: "
            f"{used:,} are at work or wait. Wait for one, or stop one."
        )
        return cls(message, retry_after_s=RUNS_AGAIN_S, limit=about)
    ends_at = limits.ends_at()
    left = ends_at - timezone.now()
    sums = f"{amount(rule.metric, used)} used"
    if held:
        sums += f", {amount(rule.metric, held)} reserved"
    message = (
        f"{whose(rule.scope)} {shown(rule.metric, rule.amount)} is reached ({sums}). "
        f"It begins anew at {ends_at:%H:%M %Z}, in {_long(left)}."
    )
    return cls(message, retry_after_s=max(1.0, left.total_seconds()), limit=about)


def as_data(rule: Rule, used: int, held: int) -> dict[str, Any]:
    """A limit and its counter, for JSON and pages. Money in US dollars."""
    is_daily = rule.metric != Metric.RUNS
    return {
        "scope": str(rule.scope.kind),
        "name": rule.scope.name,
        "metric": str(rule.metric),
        "amount": number(rule.metric, rule.amount),
        "used": number(rule.metric, used),
        "reserved": number(rule.metric, held),
        "resets_at": limits.ends_at().isoformat() if is_daily else None,
        "source": rule.source,
    }


def whose(scope: Scope) -> str:
    """The beginning of a sentence about its limit."""
    match scope.kind:
        case Kind.PERSON:
            return "Your limit of"
        case Kind.INSTALLATION:
            return "The limit of this whole installation of"
    return f"The limit of the {scope.kind} “{scope.name}” of"


def title(rule: Rule) -> str:
    """“Yours: tokens a day”."""
    match rule.scope.kind:
        case Kind.PERSON:
            start = "Yours"
        case Kind.INSTALLATION:
            start = "The whole installation"
        case _:
            start = f"The {rule.scope.kind} “{rule.scope.name}”"
    return f"{start}: {_TITLES[rule.metric]}"


def progress(rule: Rule, used: int, held: int) -> str:
    """“120 of 500”, with what is reserved at the moment."""
    is_money = rule.metric == Metric.COST
    short = [f"${n / NANO:,.2f}" if is_money else f"{n:,}" for n in (used, rule.amount)]
    text = " of ".join(short)
    return f"{text}, {amount(rule.metric, held)} reserved" if held else text


def shown(metric: str, value: int) -> str:
    """“500 requests a day”."""
    if metric == Metric.RUNS:
        return f"{value:,} answers at once"
    return f"{amount(metric, value)} a day"


def amount(metric: str, value: int) -> str:
    """“500 requests”, “$2.50”."""
    if metric == Metric.COST:
        return f"${value / NANO:,.2f}"
    return f"{value:,} {metric.removesuffix('s') if value == 1 else metric}"


def number(metric: str, value: int) -> int | float:
    """The same for machines."""
    return round(value / NANO, 6) if metric == Metric.COST else value


def _long(left: timedelta) -> str:
    minutes = max(1, round(left.total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
