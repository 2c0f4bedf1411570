"""What is audited, where it is no text that somebody typed: the operator's workspace.

A person who names a path there gets what a model's tool would get: the same walls around
it, and the same rules, of which a refusal counts for people too.
"""

from __future__ import annotations

from context_app.tools.base import ToolContext, ToolError
from context_app.tools.code_audit import Gathered, gather
from sessions_app.errors import Invalid
from sessions_app.person import Person
from sessions_app.runs import offered
from sessions_app.runs.path_rules import PathRules

_PATIENCE_S = 20.0


def has_workspace() -> bool:
    """Whether there is one."""
    return offered.workspace() is not None


def of_workspace(user: Person, path: str, pattern: str = "") -> Gathered:
    """Texts of a file or a directory there. Raises Invalid."""
    workspace = offered.workspace()
    if workspace is None:
        raise Invalid("There is no workspace on this server.", field="path")
    context = ToolContext(
        conversation_id="",
        person_id=user.pk,
        workspace=workspace,
        deadline_s=_PATIENCE_S,
        refused=PathRules(user.pk),
    )
    try:
        return gather(context, path, pattern)
    except ToolError as exc:
        raise Invalid(str(exc), field="path") from None
