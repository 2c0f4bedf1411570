"""Whether a tool call runs, is asked about, or is refused. Pure, explained, ordered.

A rule about the scope goes by the model's own words, so that these can only make a
decision stricter: such a rule never lets a call run, and never asks where a rule after it
refuses.

Called by `intents.py` for each call, and by `dry_run.py` for calls of the past.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from typing import Any, NamedTuple

from context_app.models import PolicyRule, StandingApproval
from context_app.models.intent import RANK, Risk
from context_app.models.policy import Action

STANDING = "Approved for this conversation."
ABOUT_FILES = "which this would read."
MAX_NAMED = 20  # files in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as data; None and "" fit everything. `teams` are ids."""

    name: str
    action: str
    tool: str = ""
    target: str = ""
    scope: str = ""
    risk: str = ""
    person: Any = None
    team: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is decided about."""

    tool: str
    target: str
    risk: str  # the effective one
    scope: str = ""  # as the model declared it; "" of a person, who declares none
    person: Any = None
    teams: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """`action` run, ask or refuse; `why` is a sentence that names what decided, for
    people. `rule`: the name of the rule, if one did."""

    action: str
    why: str
    rule: str = ""

    @property
    def told(self) -> str:
        """Why, for a model. Not by which of its words: it would choose others."""
        return f"Rule “{self.rule}”." if self.rule else self.why


class AskedFile(NamedTuple):
    """A file that a call would read, and the rule that asks about it."""

    path: str
    rule: str


def decide(
    call: Call, rules: Sequence[Rule], standing: dict[str, str] | None = None
) -> Ruling:
    """The first rule that fits; else by risk: low runs, the rest is asked.

    `standing`: tool → risk up to which the person approved it for this conversation. It
    answers a question, it never overrides a refusal.
    """
    return _answered(_by_rules(call, rules), call, standing)


def with_files(
    ruling: Ruling,
    asked: Sequence[AskedFile],
    call: Call,
    standing: dict[str, str] | None = None,
) -> Ruling:
    """The decision about a call that would read these files, too: it asks, once for all.

    The rule by which the call itself is asked about has said so already.
    """
    files = [file for file in asked if file.rule != ruling.rule]
    if not files or ruling.action == Action.REFUSE or ruling.why == STANDING:
        return ruling
    why = _about(files)
    if ruling.action == Action.ASK:
        why = f"{ruling.why} {why}"
    return _answered(Ruling(action=Action.ASK, why=why), call, standing)


def _answered(ruling: Ruling, call: Call, standing: dict[str, str] | None) -> Ruling:
    """A question, unless the person answered it for the whole conversation."""
    if ruling.action != Action.ASK or standing is None or call.tool not in standing:
        return ruling
    if RANK[Risk(call.risk)] <= RANK[Risk(standing[call.tool])]:
        return Ruling(action=Action.RUN, why=STANDING)
    return ruling


def _about(files: Sequence[AskedFile]) -> str:
    """One sentence for each rule, with its first files by name."""
    by_rule: dict[str, list[str]] = {}
    for file in files:
        by_rule.setdefault(file.rule, []).append(file.path)
    told = []
    for rule, paths in by_rule.items():
        named = ", ".join(path[:200] for path in paths[:MAX_NAMED])
        more = len(paths) - MAX_NAMED
        if more > 0:
            named = f"{named} and {more:,} more"
        told.append(f"Rule “{rule}” asks about {named}, {ABOUT_FILES}")
    return " ".join(told)


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
        scope=row.scope,
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
    """The first that fits; a question because of the scope gives way to a refusal."""
    by_scope: Ruling | None = None
    for rule in rules:
        if not _fits(rule, call):
            continue
        if rule.scope and rule.action == Action.ASK:
            by_scope = by_scope or _ruling(rule)
        elif by_scope is None or rule.action == Action.REFUSE:
            return _ruling(rule)
        else:
            return by_scope
    return by_scope or _by_risk(call)


def _ruling(rule: Rule) -> Ruling:
    how = ", by what the model declared" if rule.scope else ""
    return Ruling(action=rule.action, why=f"Rule “{rule.name}”{how}.", rule=rule.name)


def _by_risk(call: Call) -> Ruling:
    if call.risk == Risk.LOW:
        return Ruling(action=Action.RUN, why="Low risk, and no rule says otherwise.")
    return Ruling(
        action=Action.ASK, why=f"Risk {call.risk}, and no rule says otherwise."
    )


def _fits(rule: Rule, call: Call) -> bool:
    return (
        (not rule.tool or _matches(rule.tool, call.tool))
        and (not rule.target or _matches(rule.target, call.target))
        and (not rule.scope or _fits_scope(rule, call))
        and (not rule.risk or RANK[Risk(call.risk)] >= RANK[Risk(rule.risk)])
        and (rule.person is None or rule.person == call.person)
        and (rule.team is None or rule.team in call.teams)
    )


def _fits_scope(rule: Rule, call: Call) -> bool:
    """In capitals or not; not where nothing was declared. A rule that would let it run
    fits nothing, whoever wrote it."""
    if rule.action == Action.RUN or not call.scope:
        return False
    return _pattern(rule.scope, re.IGNORECASE).match(call.scope) is not None


def _matches(pattern: str, text: str) -> bool:
    return _pattern(pattern).match(text) is not None


@lru_cache(maxsize=1024)
def _pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """`*` is anything, also nothing; `?` one character; all else is itself.

    Without the sets of `fnmatch`: a path with brackets would be one, and would slip past
    the rule that names it. Its patterns never try again what they matched, so that no
    pattern takes long.
    """
    return re.compile(translate(pattern.replace("[", "[[]")), flags)
