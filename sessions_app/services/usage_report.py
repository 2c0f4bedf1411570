"""What was used, for people: today and lately, by model, credential, person or team.

Costs are estimates by the catalogue's prices; the oldest price says its day. Called by
the page, its exports and `manage.py usage`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, TypeAlias

from django.conf import settings
from django.db.models import Min, Q, QuerySet, Sum

from sessions_app.errors import Invalid, NotAllowed
from sessions_app.models import (
    Run,
    SavedAuthentication,
    Team,
    UsageCounter,
    UsageDay,
)
from sessions_app.models.usage import NANO
from sessions_app.person import Person
from sessions_app.services import limit_words, limits
from sessions_app.services.limits import Kind, Metric, Rule, Scope

By: TypeAlias = Literal["model", "credential", "person", "team", "day"]

MAX_DAYS = 400
_COLUMNS: dict[str, tuple[str, ...]] = {
    "model": ("provider", "model"),
    "credential": ("provider", "credential_name"),
    "person": ("person_name",),
    "day": ("day",),
}
BY = ("model", "credential", "day")
BY_STAFF = (*BY, "person", "team")
_SUMS = (
    "requests",
    "input_tokens",
    "output_tokens",
    "tokens",
    "nanos",
    "estimated",
    "unpriced",
)


def report(
    user: Person, *, days: int = 30, by: str = "model", everyone: bool = False
) -> dict[str, Any]:
    """What this person used, or everyone together, for staff. Raises Invalid, NotAllowed."""
    _check(user, days, by, everyone)
    today = limits.today()
    since = today - timedelta(days=days - 1)
    mine = UsageDay.objects.all() if everyone else UsageDay.objects.visible_to(user)
    lately = mine.filter(day__gte=since)
    return {
        "person": None if everyone else user.get_username(),
        "today": today.isoformat(),
        "since": since.isoformat(),
        "time_zone": str(settings.MAESTRO_USAGE_TIME_ZONE),
        "resets_at": limits.ends_at().isoformat(),
        "used_today": _total(mine.filter(day=today)),
        "used_lately": _total(lately),
        "by": by,
        "rows": _by_team(since) if by == "team" else _by(lately, by),
        "limits": [] if everyone else limits_of(user),
    }


def limits_of(user: Person) -> list[dict[str, Any]]:
    """Every limit that may end this person's calls, with what is used of it now."""
    scopes = limits.scopes_of(user.pk, None)
    mine = SavedAuthentication.objects.visible_to(user).order_by("name")
    scopes += [
        Scope(Kind.CREDENTIAL, str(pk), name)
        for pk, name in mine.values_list("pk", "name")
    ]
    rules = limits.rules_for(scopes)
    counters = _counters([rule.scope for rule in rules])
    return [_bar(rule, counters) for rule in rules]


def _check(user: Person, days: int, by: str, everyone: bool) -> None:
    if (everyone or by not in BY) and not getattr(user, "is_staff", False):
        raise NotAllowed("Only staff sees what others used.")
    if by not in BY_STAFF:
        raise Invalid(f"by is one of {', '.join(BY_STAFF)}.", field="by")
    if by == "team" and not everyone:
        raise Invalid("Teams are shown for everyone together.", field="by")
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(f"days is between 1 and {MAX_DAYS}.", field="days")


def _by(rows: QuerySet[UsageDay], by: str) -> list[dict[str, Any]]:
    columns = _COLUMNS[by]
    order = "-day" if by == "day" else "-tokens"
    found = rows.values(*columns).annotate(**_sums()).order_by(order, *columns)
    return [
        {
            **{name: row[name] for name in columns},
            "name": " · ".join(str(row[name] or "nobody") for name in columns),
            **_figures(row),
        }
        for row in found
    ]


def _by_team(since: Any) -> list[dict[str, Any]]:
    """As the teams' counters have it: who was in a team when it was used."""
    names = {str(pk): name for pk, name in Team.objects.values_list("pk", "name")}
    rows = UsageCounter.objects.filter(scope=Kind.TEAM, day__gte=since)
    sums: dict[str, Any] = {n: Sum(n) for n in ("requests", "tokens", "nanos")}
    found: Any = rows.values("ref").annotate(**sums)
    return [
        {
            "name": names.get(row["ref"], "a team that is gone"),
            "requests": row["requests"],
            "input_tokens": None,  # the counters of limits know their sum alone
            "output_tokens": None,
            "tokens": row["tokens"],
            "cost_usd": round(row["nanos"] / NANO, 6),
        }
        for row in found.order_by("-tokens")
    ]


def _total(rows: QuerySet[UsageDay]) -> dict[str, Any]:
    return _figures(rows.aggregate(**_sums()))


def _sums() -> dict[str, Any]:
    sums: dict[str, Any] = {name: Sum(name) for name in _SUMS}
    has_price = ~Q(price_date="")
    return {
        **sums,
        "prices_from": Min("price_date", filter=has_price),
    }


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    """The sums of a group; money in US dollars, an estimate."""
    found: dict[str, Any] = {name: row[name] or 0 for name in _SUMS if name != "nanos"}
    return {
        **found,
        "cost_usd": round((row["nanos"] or 0) / NANO, 6),
        "prices_from": row["prices_from"] or "",
    }


def _counters(scopes: list[Scope]) -> dict[tuple[str, str], UsageCounter]:
    wanted = Q(pk=None)
    for scope in scopes:
        wanted |= Q(scope=scope.kind, ref=scope.ref)
    rows = UsageCounter.objects.filter(wanted, day=limits.today())
    return {(row.scope, row.ref): row for row in rows}


def _bar(rule: Rule, counters: dict[tuple[str, str], UsageCounter]) -> dict[str, Any]:
    if rule.metric == Metric.RUNS:
        used, held = Run.objects.counted_for(*rule.scope.key).count(), 0
    else:
        field = "nanos" if rule.metric == Metric.COST else rule.metric
        row = counters.get(rule.scope.key) or UsageCounter()
        used, held = getattr(row, field), getattr(row, f"held_{field}")
    taken = used + held
    return {
        **limit_words.as_data(rule, used, held),
        "title": limit_words.title(rule),
        "says": limit_words.progress(rule, used, held),
        "percent": min(100, taken * 100 // rule.amount) if rule.amount else 100,
        "is_reached": taken >= rule.amount,
    }
