"""What would other rules have decided about the calls of the past weeks?

For the command, and for the admin's form before a rule is saved. Nothing is changed. A
call is decided as it was then: by its stored risk, and with the approval for its
conversation if that is what let it run. Teams are those of today: the record has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.contrib.auth import get_user_model

from context_app.models import PolicyRule, ToolIntent
from context_app.models.intent import Risk
from context_app.models.policy import NEVER_RUNS, Action
from context_app.services import policy
from context_app.services.policy import Call, Rule, Ruling
from sessions_app.errors import Invalid
from sessions_app.models import Membership, Team


class Replayed(NamedTuple):
    """One call of the past: what was decided then, and what would be now."""

    intent: UUID
    when: datetime
    person: str
    tool: str
    target: str
    scope: str
    risk: str
    before: str
    now: str
    why: str

    @property
    def is_different(self) -> bool:
        """Whether the rules would decide differently."""
        return self.before != self.now


def replay(rules: Sequence[Rule], *, since: datetime) -> Iterator[Replayed]:
    """Every call since then, oldest first, decided by these rules."""
    teams: dict[Any, set[Any]] = defaultdict(set)
    for user, team in Membership.objects.values_list("user", "team"):
        teams[user].add(team)
    calls = ToolIntent.objects.filter(created_at__gte=since)
    # Arguments and results are large, and decide nothing.
    calls = calls.defer("arguments", "result", "words").order_by("created_at", "pk")
    for intent in calls.iterator(chunk_size=1000):
        yield _decided(intent, rules, frozenset(teams[intent.person_id]))


def with_change(row: PolicyRule) -> list[Rule]:
    """The active rules as they would be with this row as it is, saved or not."""
    rows = list(PolicyRule.objects.filter(is_active=True).exclude(pk=row.pk))
    if row.is_active:
        rows.append(row)
    is_new = float("inf")  # a rule that is not saved yet gets the highest key
    rows.sort(key=lambda one: (one.order, is_new if one.pk is None else one.pk))
    return [policy.rule_of(one) for one in rows]


class _Written(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A rule in a file. `person`: user name; `team`: name."""

    name: str
    action: str
    tool: str = ""
    target: str = ""
    scope: str = ""
    risk: str = ""
    person: str | None = None
    team: str | None = None


def rules_from(text: bytes) -> list[Rule]:
    """The rules of a JSON file, in their order. Raises Invalid that names the rule."""
    try:
        written = msgspec.json.decode(text, type=list[_Written])
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise Invalid(f"This is no list of rules: {exc}.") from None
    return [_rule(number, one) for number, one in enumerate(written, start=1)]


def _rule(number: int, written: _Written) -> Rule:
    where = f"Rule {number} ({written.name!r})"
    if written.action not in Action.values:
        known = ", ".join(Action.values)
        raise Invalid(f"{where}: `action` is one of {known}.", field="action")
    if written.risk and written.risk not in Risk.values:
        known = ", ".join(Risk.values)
        raise Invalid(f"{where}: `risk` is one of {known}.", field="risk")
    if written.scope and written.action == Action.RUN:
        raise Invalid(f"{where}: {NEVER_RUNS}", field="scope")
    person = team = None
    if written.person is not None:
        people = get_user_model()._default_manager.filter(username=written.person)
        person = people.values_list("pk", flat=True).first()
        if person is None:
            raise Invalid(f"{where}: there is no {written.person!r}.", field="person")
    if written.team is not None:
        named = Team.objects.filter(name=written.team)
        team = named.values_list("pk", flat=True).first()
        if team is None:
            raise Invalid(f"{where}: there is no team {written.team!r}.", field="team")
    return Rule(
        name=written.name,
        action=written.action,
        tool=written.tool,
        target=written.target,
        scope=written.scope,
        risk=written.risk,
        person=person,
        team=team,
    )


def _decided(
    intent: ToolIntent, rules: Sequence[Rule], teams: frozenset[Any]
) -> Replayed:
    call = Call(
        tool=intent.tool,
        target=intent.target,
        scope=intent.scope,
        risk=intent.effective_risk,
        person=intent.person_id,
        teams=teams,
    )
    was_standing = intent.decision_why == policy.STANDING
    standing = {intent.tool: intent.effective_risk} if was_standing else None
    ruling = policy.decide(call, rules, standing)
    if ruling.action == Action.RUN and policy.ABOUT_FILES in intent.decision_why:
        # Which files there were, nobody knows any more.
        ruling = Ruling(action=Action.ASK, why=intent.decision_why)
    return Replayed(
        intent=intent.pk,
        when=intent.created_at,
        person=intent.person_name,
        tool=intent.tool,
        target=intent.target,
        scope=intent.scope,
        risk=intent.effective_risk,
        before=intent.decision,
        now=str(ruling.action),
        why=ruling.why,
    )
