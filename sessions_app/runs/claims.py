"""Who works on a run: claims by compare-and-swap, and whether a worker still lives.

Called by the executor and the reaper. One run of a conversation is at work at a time (a
constraint says so); the others wait in the order in which they were asked.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from context_app.models import ToolIntent
from sessions_app.models import Run
from sessions_app.processes import identity, is_dead
from sessions_app.runs.turns import turn

STALE_AFTER = timedelta(seconds=30)  # without a heartbeat

Status = Run.Status


def is_abandoned(run: Run) -> bool:
    """Whether nobody works on a run that says it is running, and that is not live here.

    One of this process, too: the end of its work could not be stored, perhaps.
    """
    if run.worker and is_dead(run.worker):
        return True
    return run.heartbeat_at is None or run.heartbeat_at < timezone.now() - STALE_AFTER


def claim(run_id: UUID) -> Run | None:
    """Make a queued run ours: running, in a new epoch. None when it is not its turn.

    One statement decides, however many are claimed at the same moment.
    """
    now = timezone.now()
    same = Run.objects.filter(conversation=OuterRef("conversation"))
    must_wait = Q(status__in=Run.BEGUN) | Q(
        status=Status.QUEUED, created_at__lt=OuterRef("created_at")
    )
    mine = Run.objects.filter(~Exists(same.filter(must_wait)), pk=run_id)
    try:
        with turn():
            changed = mine.filter(status=Status.QUEUED).update(
                status=Status.RUNNING,
                cause="",
                retry_at=None,
                epoch=F("epoch") + 1,
                started_at=now,
                heartbeat_at=now,
                worker=identity(),
            )
    except IntegrityError:  # another run of this conversation was a little faster
        return None
    if not changed:
        return None
    related = ("conversation", "question", "started_by", "credential")
    return Run.objects.select_related(*related).get(pk=run_id)


def release(run: Run) -> None:
    """Put a run we claimed back into the queue; no vendor has heard of it."""
    Run.objects.filter(pk=run.pk, status__in=Run.AT_WORK, epoch=run.epoch).update(
        status=Status.QUEUED, started_at=None, heartbeat_at=None, worker=""
    )


def next_queued(conversation_id: UUID) -> UUID | None:
    """The run of a conversation whose turn it is, if nothing runs there."""
    here = _ready().filter(conversation_id=conversation_id)
    return here.values_list("pk", flat=True).first()


def ready_to_start() -> list[UUID]:
    """Queued runs of all conversations in which nothing runs."""
    return list(_ready().values_list("pk", flat=True))


def _ready() -> QuerySet[Run]:
    """Queued, where nothing is at work, the first who asked first."""
    begun = Run.objects.filter(
        conversation=OuterRef("conversation"), status__in=Run.BEGUN
    )
    queued = Run.objects.filter(~Exists(begun), status=Status.QUEUED)
    return queued.order_by("created_at")


def wake_decided(run_id: UUID) -> bool:
    """Queue a waiting run none of whose tool calls waits any more."""
    open_calls = ToolIntent.objects.open().filter(run_ref=OuterRef("pk"))
    changed = Run.objects.filter(
        ~Exists(open_calls), pk=run_id, status=Status.WAITING
    ).update(status=Status.QUEUED, cause="")
    return bool(changed)


def is_queued(run_id: UUID) -> bool:
    """Whether a run waits for a thread."""
    return Run.objects.filter(pk=run_id, status=Status.QUEUED).exists()
