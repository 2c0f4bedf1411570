"""Runs as they are at this moment: what a socket is told before it follows them.

Called by consumers, in a thread. A socket begins with a snapshot and goes on with what
the doorbell rings; `log/polling.py` is for those who have no socket.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import msgspec
from django.db.models import Q

from sessions_app.errors import NotFound
from sessions_app.models import Conversation, Run
from sessions_app.person import Person
from sessions_app.runs import notices
from sessions_app.runs.log import live


class RunState(msgspec.Struct, frozen=True):
    """A run as it is now; `frames` say so. (`epoch`, `seq`) is the end of its log."""

    run_id: UUID
    conversation_id: UUID
    epoch: int
    seq: int
    is_over: bool
    frames: list[str]


def check_mine(user: Person, conversation_id: UUID) -> bool:
    """Whether they own it; False where it is shared with them. Raises NotFound."""
    rows = Conversation.objects.visible_to(user).filter(pk=conversation_id)
    owner_id = rows.values_list("owner_id", flat=True).first()
    if owner_id is None:
        raise NotFound("There is no such conversation.")
    return owner_id == user.pk


def states(
    user: Person, conversation_ids: Collection[UUID], run_ids: Collection[UUID]
) -> list[RunState]:
    """The active runs of these conversations, and the runs that are asked for by id."""
    wanted = Q(status__in=Run.ACTIVE) | Q(pk__in=run_ids)
    runs = (
        Run.objects.visible_to(user)
        .filter(wanted, conversation_id__in=conversation_ids)
        .select_related("answer", "conversation", "credential")
        .order_by("created_at")
    )
    return [
        RunState(
            run_id=run.pk,
            conversation_id=run.conversation_id,
            epoch=run.epoch,
            seq=run.seq,
            is_over=not run.is_active,
            frames=[*notices.run_frames(run), *_unstored(run)],
        )
        for run in runs
    ]


def _unstored(run: Run) -> list[str]:
    """How it ended, where this process could not store that yet."""
    at_work = live.find(run.pk)
    return at_work.unstored if at_work is not None else []
