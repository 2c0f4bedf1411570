"""The rest of an answer that broke off: whether there can be one, at what price.

Asked for by a person, who is told first what it costs and repeats. Called by doors.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from providers import provider
from sessions_app.errors import Invalid
from sessions_app.models import Run
from sessions_app.person import Person
from sessions_app.runs import asking, notices
from sessions_app.runs.executor import executor
from sessions_app.runs.turns import writing
from sessions_app.services import shapes, sharing, usage

Status = Run.Status

RESTART = (
    "The question is sent again from the beginning, and paid for again. This answer stays "
    "beside the new one."
)


def carry_on(*, user: Person, run_id: UUID) -> Run:
    """Ask for the rest of an answer that broke off; what has arrived stays.

    Raises NotFound, NotAllowed, Invalid, LimitReached.
    """
    run = asking.run_for(user=user, run_id=run_id)
    sharing.check_asked(user, run)
    if why_not := _why_not(run):
        raise Invalid(why_not)
    with writing():
        asking.check_queue(run.conversation)
        usage.admit(user.pk, run.credential_id)
        changed = Run.objects.filter(pk=run.pk, status=run.status).update(
            status=Status.QUEUED,
            cause="",
            error=None,
            stop_requested_at=None,
            finished_at=None,
        )
        transaction.on_commit(lambda: executor.submit(run.pk))
    run = asking.run_for(user=user, run_id=run_id)
    if changed:
        notices.resumed(run)
    return run


def continuation_of(*, user: Person, run_id: UUID) -> dict[str, Any]:
    """What continuing and starting again would do, in words. Raises NotFound."""
    run = asking.run_for(user=user, run_id=run_id)
    why_not = _why_not(run)
    return {
        "can_continue": not why_not,
        "why_not": why_not,
        "says": "" if why_not else _says(run),
        "says_restart": RESTART,
    }


def _why_not(run: Run) -> str:
    if run.status not in shapes.BROKEN:
        return "This answer did not break off."
    # Without its log nobody knows what was said and done: all of it would begin anew.
    if run.seq and not run.batches.exists():
        return (
            "This answer broke off too long ago to be gone on with. Ask for a new one; "
            "what was said stays beside it."
        )
    if run.has_steps:
        return ""
    if not run.answer.text.strip():
        return "This answer had said nothing yet. Ask for a new one."
    if not provider.can_continue(run.provider):
        return (
            "This vendor has no way to continue a broken answer. Ask for a new one; what "
            "was said stays beside it."
        )
    return ""


def _says(run: Run) -> str:
    if run.has_steps:
        return (
            "The finished steps stay, and no tool is run twice. The step that broke off is "
            "asked for again: its text is written anew, and the conversation so far is sent "
            "and paid for once more."
        )
    words = len(run.answer.text.split())
    return (
        f"The {words:,} words that arrived stay. The question and these words are sent "
        "again, as input, and paid for; the seam may show."
    )
