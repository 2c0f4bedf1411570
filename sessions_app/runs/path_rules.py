"""Rules about paths of the workspace, for what reads many files in one call.

A call is judged by its target: a directory. What is in it is judged here, file by file, as
if it had been asked for by name: a directory is no way around a rule about a file in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from context_app.services import policy
from context_app.services.policy import Rule
from context_app.tools import registry
from sessions_app.models import Membership
from sessions_app.runs.turns import in_database

AUDIT, READ = "code_audit", "read_file"


class PathRules:
    """Why a rule refuses a path to this person; "" when none does.

    What may not be read may not be audited or searched either: its text goes to the same
    vendors. Rules are read when the first path is asked about. `tool`: what reads the
    files. `scope`: what a model declared of the call; a person declares nothing.
    """

    def __init__(self, person_id: Any, tool: str = AUDIT, scope: str = "") -> None:
        self._person = person_id
        self._tools = (AUDIT, READ) if tool == AUDIT else (READ,)
        self._scope = scope
        self._known: tuple[Sequence[Rule], frozenset[Any]] | None = None

    def __call__(self, path: str) -> str:
        if self._known is None:
            self._known = in_database(self._read)
        rules, teams = self._known
        for name in self._tools:
            tool = registry.tools()[name]
            call = policy.Call(
                tool=name,
                target=tool.target({"path": path}),
                scope=self._scope,
                risk=tool.floor({"path": path}),
                person=self._person,
                teams=teams,
            )
            ruling = policy.decide(call, rules)
            if ruling.action == "refuse":
                return ruling.told
        return ""

    def _read(self) -> tuple[Sequence[Rule], frozenset[Any]]:
        teams = Membership.objects.filter(user=self._person)
        return policy.rules_in_force(), frozenset(teams.values_list("team", flat=True))
