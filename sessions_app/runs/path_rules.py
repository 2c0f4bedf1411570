"""Rules about paths of the workspace, for what reads many files in one call.

A call is judged by its target: a directory. What is in it is judged here, file by file, as
if it had been asked for by name: a directory is no way around a rule about a file in it.

    asked_about   before a call is decided: the files that make it ask
    PathRules     while it runs: what is left out of it
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from context_app.models.policy import Action
from context_app.services import policy
from context_app.services.policy import AskedFile, Rule, Ruling
from context_app.tools import registry
from context_app.tools.base import Tool, ToolContext, ToolError
from sessions_app.models import Membership, Run
from sessions_app.runs import offered
from sessions_app.runs.turns import in_database

AUDIT, READ, SEARCH = "code_audit", "read_file", "grep"
UNASKED = "which asks about it, and nobody was asked. Name it in a call of its own."

_PATIENCE_S = 20.0

log = logging.getLogger(__name__)


class PathRules:
    """Why a rule keeps a path from this person's call; "" when none does.

    What may not be read may not be audited or searched either: its text goes to the same
    vendors. Rules are read when the first path is asked about. `arguments` and `scope`:
    of the call, as a model declared it; a person declares nothing. `is_answered`:
    somebody said yes to what rules ask about; a person who begins an audit has done so.
    """

    def __init__(
        self,
        person_id: Any,
        tool: str = AUDIT,
        scope: str = "",
        arguments: Mapping[str, Any] | None = None,
        *,
        is_answered: bool = True,
    ) -> None:
        self._person = person_id
        self._tools = (tool, READ) if tool in (AUDIT, SEARCH) else (READ,)
        self._scope = scope
        self._arguments = dict(arguments or {})
        self._is_answered = is_answered
        self._known: tuple[Sequence[Rule], frozenset[Any]] | None = None

    def __call__(self, path: str) -> str:
        ruling = self.judge(path)
        if ruling is None or (ruling.action == Action.ASK and self._is_answered):
            return ""
        if ruling.action == Action.ASK:
            return f"{ruling.told.removesuffix('.')}, {UNASKED}"
        return ruling.told

    @property
    def may_ask(self) -> bool:
        """Whether there is a rule that asks about anything."""
        return any(rule.action == Action.ASK for rule in self._read()[0])

    def judge(self, path: str) -> Ruling | None:
        """The strictest word of a rule on this file, or None: a refusal, or a question."""
        asks = None
        for call in self._calls(path):
            ruling = policy.decide(call, self._read()[0])
            if ruling.action == Action.REFUSE:
                return ruling
            if ruling.action == Action.ASK and ruling.rule:  # not by the risk alone
                asks = asks or ruling
        return asks

    def _calls(self, path: str) -> list[policy.Call]:
        """This file by name: by the tool that reads it, and by `read_file`."""
        calls = []
        for name in self._tools:
            tool = registry.tools()[name]
            named = {**self._arguments, "path": path}
            # Of a search the target is also what is searched for: a rule about the
            # file alone counts too.
            plain = registry.tools()[READ].target(named)
            for target in dict.fromkeys((tool.target(named), plain)):
                call = policy.Call(
                    tool=name,
                    target=target,
                    scope=self._scope,
                    risk=tool.floor(named),
                    person=self._person,
                    teams=self._read()[1],
                )
                calls.append(call)
        return calls

    def _read(self) -> tuple[Sequence[Rule], frozenset[Any]]:
        if self._known is None:
            self._known = in_database(self._rules_and_teams)
        return self._known

    def _rules_and_teams(self) -> tuple[Sequence[Rule], frozenset[Any]]:
        teams = Membership.objects.filter(user=self._person)
        return policy.rules_in_force(), frozenset(teams.values_list("team", flat=True))


def asked_about(
    run: Run,
    tool: Tool,
    arguments: Mapping[str, Any],
    scope: str,
    stop: threading.Event,
) -> list[AskedFile]:
    """The files that this call would read and about which a rule asks.

    Looks no longer than some seconds, and until `stop`; files that it does not get to
    are left out of the call when it runs without a person's word.
    """
    rules = PathRules(run.started_by_id, tool.name, scope, arguments)
    if tool.reads_of is None or not rules.may_ask:
        return []
    context = ToolContext(
        conversation_id=str(run.conversation_id),
        person_id=run.started_by_id,
        workspace=offered.workspace(),
        stop=stop,
        deadline_s=_PATIENCE_S,
    )
    found = []
    try:
        for path in tool.reads_of(arguments, context):
            ruling = rules.judge(path)
            if ruling is not None and ruling.action == Action.ASK:
                found.append(AskedFile(path, ruling.rule))
    except ToolError:  # the call itself will say so
        return found
    except Exception:
        log.exception("tool.crashed", extra={"tool": tool.name})
    return found
