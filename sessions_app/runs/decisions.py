"""A person's word on a tool call that waits, and the run that then goes on.

The person whose run it is decides, or the owner of the conversation. Others who may see
it see the card, and are refused.
"""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from context_app.models import ToolIntent
from context_app.services import intents
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Run, Verb
from sessions_app.person import Person
from sessions_app.runs import claims, notices
from sessions_app.runs.executor import executor
from sessions_app.services import sharing


def intents_of(*, user: Person, run_id: UUID) -> list[ToolIntent]:
    """The tool calls of one run, oldest first. Raises NotFound."""
    if not Run.objects.visible_to(user).filter(pk=run_id).exists():
        raise NotFound("There is no such answer.")
    rows = ToolIntent.objects.filter(run_ref=run_id)
    return list(rows.order_by("step", "created_at"))


def decide(
    *,
    user: Person,
    intent_id: UUID,
    approve: bool,
    for_conversation: bool = False,
    words: str = "",
) -> ToolIntent:
    """Approve or refuse a call that waits; once. Raises NotFound, NotAllowed,
    Invalid.

    When nothing of its run waits any more, the run goes on.
    """
    intent = _mine(user, intent_id)
    with transaction.atomic():
        # The run first, as a stop does: the other way round the two lock each other out.
        run = Run.objects.select_for_update().filter(pk=intent.run_ref).first()
        if approve:
            is_first = intents.approve(intent, user, for_conversation=for_conversation)
        else:
            is_first = intents.refuse(intent, user, words)
        if is_first and run is not None:
            _go_on(run)
    notices.intent_changed(intent.conversation_ref, intent)
    if not is_first:
        raise Invalid("This call was decided already.")
    return intent


def _mine(user: Person, intent_id: UUID) -> ToolIntent:
    try:
        intent = ToolIntent.objects.filter(pk=intent_id).first()
    except (ValidationError, ValueError, TypeError):
        intent = None
    run = None
    if intent is not None:
        seen = Run.objects.visible_to(user).select_related("conversation")
        run = seen.filter(pk=intent.run_ref).first()
    if intent is None or run is None:
        raise NotFound("There is no such tool call.")
    sharing.check(user, Verb.TAKE_PART, run.conversation)
    sharing.check_control(user, run)
    return intent


def _go_on(run: Run) -> None:
    """Put a waiting run back into the queue, unless another of its calls waits."""
    if claims.wake_decided(run.pk):
        transaction.on_commit(lambda: executor.submit(run.pk))
