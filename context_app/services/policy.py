"""Whether a tool call runs, is asked about, or is refused. Pure, explained, ordered.

Called by `intents.py` for each call, and by `dry_run.py` for calls of the past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from context_app.models import PolicyRule, StandingApproval
from context_app.models.intent import RANK, Risk
from context_app.models.policy import Action

STANDING = "Approved for this conversation."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as data; None and "" fit everything. `teams` are ids."""

    name: str
    action: str
    tool: str = ""
    target: str = ""
    risk: str = ""
    person: Any = None
    team: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is decided about."""

    tool: str
    target: str
    risk: str  # the effective one
    person: Any = None
    teams: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """`action` run, ask or refuse; `why` is a sentence that names what decided."""

    action: str
    why: str


def decide(
    call: Call, rules: Sequence[Rule], standing: dict[str, str] | None = None
) -> Ruling:
    """The first rule that fits; else by risk: low runs, the rest is asked.

    `standing`: tool → risk up to which the person approved it for this conversation. It
    answers a question, it never overrides a refusal.
    """
    ruling = _by_rules(call, rules)
    if ruling.action != Action.ASK or standing is None or call.tool not in standing:
        return ruling
    if RANK[Risk(call.risk)] <= RANK[Risk(standing[call.tool])]:
        return Ruling(action=Action.RUN, why=STANDING)
    return ruling


def rules_in_force() -> list[Rule]:
    """The active rules of this installation, in their order."""
    rows = PolicyRule.objects.filter(is_active=True).order_by("order", "pk")
    return [rule_of(row) for row in rows]


def rule_of(row: PolicyRule) -> Rule:
    """A stored rule, or one that is being written, as data."""
    return Rule(
        name=row.name,
        action=row.action,
        tool=row.tool,
        target=row.target,
        risk=row.risk,
        person=row.person_id,
        team=row.team_id,
    )


def standing_approvals(conversation_id: Any, person: Any) -> dict[str, str]:
    """Tool → risk that a person approved for their answers in a conversation."""
    rows = StandingApproval.objects.filter(
        conversation_id=conversation_id, person=person
    )
    return dict(rows.values_list("tool", "risk"))


def _by_rules(call: Call, rules: Sequence[Rule]) -> Ruling:
    for rule in rules:
        if _fits(rule, call):
            return Ruling(action=rule.action, why=f"Rule “{rule.name}”.")
    if call.risk == Risk.LOW:
        return Ruling(action=Action.RUN, why="Low risk, and no rule says otherwise.")
    return Ruling(
        action=Action.ASK, why=f"Risk {call.risk}, and no rule says otherwise."
    )


def _fits(rule: Rule, call: Call) -> bool:
    return (
        (not rule.tool or _matches(rule.tool, call.tool))
        and (not rule.target or _matches(rule.target, call.target))
        and (not rule.risk or RANK[Risk(call.risk)] >= RANK[Risk(rule.risk)])
        and (rule.person is None or rule.person == call.person)
        and (rule.team is None or rule.team in call.teams)
    )


def _matches(pattern: str, text: str) -> bool:
    """`*` is anything, also nothing; `?` one character; all else is itself.

    Without the sets of `fnmatch`: a path with brackets would be one, and would slip past
    the rule that names it. Its patterns never try again what they matched, so that no
    pattern takes long.
    """
    return fnmatchcase(text, pattern.replace("[", "[[]"))
