"""Which limits hold for a call: rules of the admin, then the operator's defaults.

    one scope     the rule that names it ─▶ the rule for each of its kind ─▶ the setting
    all scopes    person, credential, teams, installation: every one of them must hold

So a person's own rule may allow more or less than everybody's, and still the team's and
the installation's hold beside it. Called by `usage.py` and the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from sessions_app.models import Membership, SavedAuthentication, UsageLimit
from sessions_app.models.usage import NANO

Kind = UsageLimit.Scope
Metric = UsageLimit.Metric
DAILY = (Metric.REQUESTS, Metric.TOKENS, Metric.COST)


class Scope(NamedTuple):
    """Who or what is counted. `name` is for people; `ref` "" is the installation's."""

    kind: str
    ref: str
    name: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it apart."""
        return self.kind, self.ref


class Rule(NamedTuple):
    """A limit of one scope. `amount` counts whole things: money in nano-dollars."""

    scope: Scope
    metric: str
    amount: int
    source: str  # where it comes from, for people


def scopes_of(person_id: int | None, credential_id: UUID | None) -> list[Scope]:
    """Whom a call counts for, the nearest first: a person's teams all together."""
    found = []
    if person_id is not None:
        found.append(Scope(Kind.PERSON, str(person_id)))
    if credential_id is not None:
        rows = SavedAuthentication.objects.filter(pk=credential_id)
        name = rows.values_list("name", flat=True).first() or ""
        found.append(Scope(Kind.CREDENTIAL, str(credential_id), name))
    if person_id is not None:
        teams = Membership.objects.filter(user_id=person_id).order_by("team__name")
        found += [
            Scope(Kind.TEAM, str(pk), name)
            for pk, name in teams.values_list("team_id", "team__name")
        ]
    return [*found, Scope(Kind.INSTALLATION, "")]


def rules_for(
    scopes: Sequence[Scope], metrics: Iterable[str] = Metric.values
) -> list[Rule]:
    """The limits of these scopes, in their order."""
    rows = UsageLimit.objects.filter(_about(scopes), metric__in=metrics)
    own = {(_key_of(row), row.metric): row.amount for row in rows}
    found = []
    for scope in scopes:
        for metric in metrics:
            amount, source = _amount(own, scope, metric)
            if amount is not None:
                rule = Rule(scope, metric, whole(metric, amount), source)
                found.append(rule)
    return found


def whole(metric: str, amount: Decimal) -> int:
    """An amount as it is counted."""
    return int(amount * NANO if metric == Metric.COST else amount)


def today() -> date:
    """The day that is counted now."""
    return timezone.localdate(timezone=settings.MAESTRO_USAGE_TIME_ZONE)


def ends_at() -> datetime:
    """When this day is over and all daily limits begin anew."""
    tomorrow = today() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), settings.MAESTRO_USAGE_TIME_ZONE)


def _about(scopes: Sequence[Scope]) -> Q:
    wanted = Q(person=None, team=None, credential=None)
    for kind in (Kind.PERSON, Kind.CREDENTIAL, Kind.TEAM):
        refs = [scope.ref for scope in scopes if scope.kind == kind]
        if refs:
            wanted |= Q(**{f"{kind.value}_id__in": refs})
    return wanted


def _key_of(row: UsageLimit) -> tuple[str, str]:
    ref = row.person_id or row.team_id or row.credential_id
    return row.scope, str(ref or "")


def _amount(
    own: dict[tuple[tuple[str, str], str], Decimal], scope: Scope, metric: str
) -> tuple[Decimal | None, str]:
    named = own.get((scope.key, metric))
    if named is not None:
        return named, "set by an administrator"
    each = own.get(((scope.kind, ""), metric))
    if each is not None:
        return each, f"set for each {scope.kind}"
    return settings.MAESTRO_LIMITS.get(f"{scope.kind}.{metric}"), "usual here"
