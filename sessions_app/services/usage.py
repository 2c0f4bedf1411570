"""Every call to a vendor that costs is reserved, made, and counted.

    hold ─▶ (the vendor is asked) ─▶ settle      with what it told
                                 └─▶ settle      with nothing: the reservation goes back
    a process that dies ─▶ release_abandoned     the reaper gives it back

Exact whoever calls at the same moment: the counters of all limits are locked, in one
order, compared and changed in one transaction. Without a limit nothing is reserved, only
counted. Called by `runs/metering.py`; times and money: see `limits.py`, `models/usage.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from providers import catalogue
from providers.events import Usage
from sessions_app import metrics
from sessions_app.models import Run, UsageCounter, UsageDay, UsageHold
from sessions_app.models.usage import NANO
from sessions_app.processes import identity, is_dead
from sessions_app.services import limits
from sessions_app.services.limit_words import reached
from sessions_app.services.limits import DAILY, Metric, Rule

# A reservation of another machine, whose processes nobody here can see.
FORGOTTEN_AFTER = timedelta(hours=2)
_NOBODY = UUID(int=0)

Key = tuple[str, str]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a vendor: for whom, with what, and how large it is, in tokens."""

    person_id: int | None
    person_name: str
    credential_id: UUID | None
    credential_name: str
    provider: str
    model: str
    is_demo: bool
    input_tokens: int
    is_own_server: bool = False  # its counts are bounded by the text


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What `settle` must be given: the reservation, if there was one to make."""

    day: date
    scopes: list[Key]
    hold_id: UUID | None = None


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a call brought. `is_estimate`: the vendor told nothing, we counted."""

    input_tokens: int
    output_tokens: int
    usage: Usage | None = None  # with the parts that have prices of their own
    is_estimate: bool = False


class _Amounts(NamedTuple):
    requests: int
    tokens: int
    nanos: int

    def of(self, metric: str) -> int:
        return self[DAILY.index(Metric(metric))]


def hold(call: Call, hold_id: UUID | None = None) -> Held:
    """Reserve one call under all limits, or nothing. Raises LimitReached."""
    day = limits.today()
    scopes = limits.scopes_of(call.person_id, call.credential_id)
    rules = limits.rules_for(scopes, DAILY)
    keys = [scope.key for scope in scopes]
    if not rules:
        return Held(day=day, scopes=keys)
    wanted = _estimate(call)
    with transaction.atomic():
        counters = _locked(day, keys)
        for rule in rules:
            _check(rule, counters[rule.scope.key], wanted.of(rule.metric))
        row = UsageHold.objects.create(
            pk=hold_id or uuid.uuid4(),
            day=day,
            scopes=keys,
            worker=identity(),
            **wanted._asdict(),
        )
        _reserve(counters.values(), wanted)
    return Held(day=day, scopes=keys, hold_id=row.pk)


def settle(call: Call, held: Held, spent: Spent | None) -> None:
    """Count what a call brought, and give its reservation back. None: it brought nothing.

    Once: a reservation that somebody else gave back is not given back again.
    """
    if spent is None and held.hold_id is None:
        return
    with transaction.atomic():
        back = _give_back(held)
        if spent is None:
            return
        used, price_date, is_unpriced = _used(call, spent)
        counters = _locked(held.day, held.scopes) if back is None else back
        UsageCounter.objects.filter(
            pk__in=[row.pk for row in counters.values()]
        ).update(
            requests=F("requests") + used.requests,
            tokens=F("tokens") + used.tokens,
            nanos=F("nanos") + used.nanos,
        )
        _remember(call, held.day, spent, used.nanos, price_date, is_unpriced)
    metrics.used(call.provider, spent.input_tokens, spent.output_tokens, used.nanos)


def release_abandoned(is_at_work: Callable[[UUID], bool]) -> int:
    """Give back what dead processes reserved. How many.

    `is_at_work`: whether this process makes that call. Asked after the row was read: one
    that began meanwhile has a row as soon as it is at work, and not before.
    """
    count = 0
    stale = timezone.now() - FORGOTTEN_AFTER
    for row in UsageHold.objects.all():
        if is_at_work(row.pk):
            continue
        is_ours = row.worker == identity()
        if not is_ours and not is_dead(row.worker) and row.created_at > stale:
            continue
        held = Held(
            day=row.day,
            scopes=[(kind, ref) for kind, ref in row.scopes],
            hold_id=row.pk,
        )
        with transaction.atomic():
            count += _give_back(held) is not None
    return count


def admit(
    person_id: int | None, credential_id: UUID | None, *, is_run: bool = True
) -> None:
    """Whether anything may be asked for at all; so many at once. Raises LimitReached.

    In the transaction that stores the run: the counters' rows are locked until its end,
    so that of many at the same moment exactly as many begin as may.
    """
    scopes = limits.scopes_of(person_id, credential_id)
    rules = limits.rules_for(scopes, Metric.values if is_run else DAILY)
    if not rules:
        return
    with transaction.atomic():
        counters = _locked(limits.today(), list({rule.scope.key for rule in rules}))
        for rule in rules:
            if rule.metric == Metric.RUNS:
                _check_runs(rule)
            else:
                _check(rule, counters[rule.scope.key], 1)


def prune(days: int | None = None) -> int:
    """Forget usage that is older than the setting says. How many rows."""
    keep_days = settings.MAESTRO_KEEP_USAGE_DAYS if days is None else days
    end = limits.today() - timedelta(days=keep_days)
    removed, _ = UsageDay.objects.filter(day__lt=end).delete()
    counters, _ = UsageCounter.objects.filter(day__lt=end).delete()
    return removed + counters


def _check(rule: Rule, counter: UsageCounter, wanted: int) -> None:
    field = "nanos" if rule.metric == Metric.COST else rule.metric
    used, held = getattr(counter, field), getattr(counter, f"held_{field}")
    if used + held + wanted > rule.amount:
        metrics.limit_reached(rule.scope.kind, rule.metric)
        raise reached(rule, used, held)


def _check_runs(rule: Rule) -> None:
    count = Run.objects.counted_for(*rule.scope.key).count()
    if count >= rule.amount:
        metrics.limit_reached(rule.scope.kind, rule.metric)
        raise reached(rule, count, 0)


def _estimate(call: Call) -> _Amounts:
    guess = Spent(
        input_tokens=call.input_tokens,
        output_tokens=settings.MAESTRO_RESERVE_OUTPUT_TOKENS,
    )
    return _used(call, guess)[0]


def _used(call: Call, spent: Spent) -> tuple[_Amounts, str, bool]:
    """(amounts, day of the prices, whether the price is not known)."""
    tokens = spent.input_tokens + spent.output_tokens
    if call.is_demo:  # nobody is billed for it
        return _Amounts(1, tokens, 0), "", False
    counts = spent.usage or Usage(
        input_tokens=spent.input_tokens, output_tokens=spent.output_tokens
    )
    priced = catalogue.cost(call.provider, call.model, counts)
    if priced is None:
        return _Amounts(1, tokens, 0), "", True
    return _Amounts(1, tokens, int(priced[0] * NANO)), str(priced[1]), False


def _locked(day: date, keys: Sequence[Key]) -> dict[Key, UsageCounter]:
    """The counters of a day, locked in one order whoever asks, so that none waits for
    the other in a circle. Those that are missing, the day's first, are made in one order,
    too."""
    wanted = Q()
    for kind, ref in keys:
        wanted |= Q(scope=kind, ref=ref)
    rows = UsageCounter.objects.filter(wanted, day=day).order_by("pk")
    rows = rows.select_for_update()
    found = {(row.scope, row.ref): row for row in rows}
    if missing := sorted(set(keys) - found.keys()):
        UsageCounter.objects.bulk_create(
            [UsageCounter(day=day, scope=kind, ref=ref) for kind, ref in missing],
            ignore_conflicts=True,
        )
        found = {(row.scope, row.ref): row for row in rows.all()}
    return found


def _reserve(counters: Collection[UsageCounter], wanted: _Amounts) -> None:
    UsageCounter.objects.filter(pk__in=[row.pk for row in counters]).update(
        held_requests=F("held_requests") + wanted.requests,
        held_tokens=F("held_tokens") + wanted.tokens,
        held_nanos=F("held_nanos") + wanted.nanos,
    )


def _give_back(held: Held) -> dict[Key, UsageCounter] | None:
    """The counters that held it, locked; None where there was nothing to give back."""
    if held.hold_id is None:
        return None
    row = UsageHold.objects.filter(pk=held.hold_id).first()
    if row is None:
        return None
    counters = _locked(held.day, held.scopes)
    removed, _ = UsageHold.objects.filter(pk=held.hold_id).delete()
    if not removed:  # somebody else was faster
        return None
    _reserve(counters.values(), _Amounts(-row.requests, -row.tokens, -row.nanos))
    return counters


def _remember(
    call: Call,
    day: date,
    spent: Spent,
    nanos: int,
    price_date: str,
    is_unpriced: bool,
) -> None:
    """Add a call to what people read."""
    row = {
        "day": day,
        "person_id": call.person_id,
        "credential_ref": call.credential_id or _NOBODY,
        "provider": call.provider,
        "model": call.model,
    }
    words = {"person_name": call.person_name, "credential_name": call.credential_name}
    changes: dict[str, Any] = {
        "requests": F("requests") + 1,
        "tokens": F("tokens") + spent.input_tokens + spent.output_tokens,
        "input_tokens": F("input_tokens") + spent.input_tokens,
        "output_tokens": F("output_tokens") + spent.output_tokens,
        "nanos": F("nanos") + nanos,
        "estimated": F("estimated") + int(spent.is_estimate),
        "unpriced": F("unpriced") + int(is_unpriced),
        **words,
        **({"price_date": price_date} if price_date else {}),
    }
    rows = UsageDay.objects.filter(**row)
    if not rows.update(**changes):  # the first of its kind today
        UsageDay.objects.bulk_create([UsageDay(**row, **words)], ignore_conflicts=True)
        rows.update(**changes)
