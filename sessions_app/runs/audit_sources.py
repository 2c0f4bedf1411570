"""What is audited, where it is no text that somebody typed: the operator's workspace.

A person who names a path there gets what a model's tool would get: the same walls around
it, and the same rules, of which a refusal counts for people too.
"""

from __future__ import annotations

from typing import cast

from context_app.services import policy
from context_app.tools.base import ToolContext, ToolError
from context_app.tools.code_audit import Gathered, gather
from sessions_app.errors import Invalid
from sessions_app.models import Membership
from sessions_app.people import Person
from sessions_app.runs import offered

TOOL = "code_audit"
_PATIENCE_S = 20.0


def has_workspace() -> bool:
    """Whether there is one."""
    return offered.workspace() is not None


def of_workspace(user: Person, path: str, pattern: str = "") -> Gathered:
    """Texts of a file or a directory there. Raises Invalid."""
    workspace = offered.workspace()
    if workspace is None:
        raise Invalid("There is no workspace on this server.", field="path")
    _check_rules(user, path)
    context = ToolContext(
        conversation_id="",
        person_id=user.pk,
        workspace=workspace,
        deadline_s=_PATIENCE_S,
    )
    try:
        return gather(context, path, pattern)
    except ToolError as exc:
        raise Invalid(str(exc), field="path") from None


def _check_rules(user: Person, path: str) -> None:
    teams = Membership.objects.filter(user=cast(int, user.pk))
    call = policy.Call(
        tool=TOOL,
        target=path,
        risk="medium",
        person=user.pk,
        teams=frozenset(teams.values_list("team", flat=True)),
    )
    ruling = policy.decide(call, policy.rules_in_force())
    if ruling.action == "refuse":
        raise Invalid(f"This is not audited here: {ruling.why}", field="path")
