"""What is audited, where it is no text that somebody typed: the operator's workspace.

A person who names a path there gets what a model's tool would get: the same walls around
it, and the same rules, of which a refusal counts for people too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from context_app.services import policy
from context_app.tools import registry
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
    refused = _refusals(user)
    if why := refused(path):
        raise Invalid(f"This is not audited here: {why}", field="path")
    context = ToolContext(
        conversation_id="",
        person_id=user.pk,
        workspace=workspace,
        deadline_s=_PATIENCE_S,
    )
    try:
        found = gather(context, path, pattern)
    except ToolError as exc:
        raise Invalid(str(exc), field="path") from None
    # A directory is not the way around a rule about what is in it.
    for name in list(found.files):
        if why := refused(name):
            del found.files[name]
            found.left_out[name] = why
    if not found.files:
        raise Invalid("A rule refuses all that is there.", field="path")
    return found


def _refusals(user: Person) -> Callable[[str], str]:
    """Why a rule refuses a path to this person; "" when none does. A call of the tool is
    judged in the same way: by one spelling of the path, and by what it may hold."""
    memberships = Membership.objects.filter(user=cast(int, user.pk))
    teams = frozenset(memberships.values_list("team", flat=True))
    rules = policy.rules_in_force()
    tool = registry.tools()[TOOL]

    def refused(path: str) -> str:
        call = policy.Call(
            tool=TOOL,
            target=tool.target({"path": path}),
            risk=tool.floor({"path": path}),
            person=user.pk,
            teams=teams,
        )
        ruling = policy.decide(call, rules)
        return ruling.why if ruling.action == "refuse" else ""

    return refused
