"""What a reader of a run has not seen yet: from memory, else from the stored log.

Called by sockets (in a thread), by the command that follows a run, and by the reaper. A
position is (epoch, seq); (0, 0) has seen nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias
from uuid import UUID

import msgspec
from django.db.models import Max, Q

from sessions_app.frames import Rewind
from sessions_app.models import Run, RunBatch
from sessions_app.runs.log import live
from sessions_app.runs.log.batches import Batch
from sessions_app.runs.log.events import RunEvent

Position: TypeAlias = tuple[int, int]
Item: TypeAlias = Batch | Rewind

READ_CHARS = 256 * 1024  # of events, at one time
_ROWS = 64


class Tail(msgspec.Struct, frozen=True):
    """Items in the order in which to send them. `is_whole`: there was no more."""

    items: list[Item]
    is_whole: bool


def from_memory(run_id: UUID, position: Position) -> list[Batch] | None:
    """What comes next, if this process runs the run and still remembers it."""
    found = live.find(run_id)
    return found.log.since(*position) if found is not None else None


def read(run_id: UUID, position: Position) -> Tail:
    """What comes after a position. Blocks on the database; ask again until whole."""
    remembered = from_memory(run_id, position)
    if remembered is not None:
        return Tail(list(remembered), is_whole=True)
    epoch, seq = position
    items: list[Item] = []
    chars = 0
    for row in _rows_after(run_id, epoch, seq):
        if row.epoch > epoch and epoch:
            items.append(Rewind(run_id=run_id, epoch=epoch, seq=row.first - 1))
        batch = (row.after(seq) if row.epoch == epoch else None) or row
        epoch, seq = batch.epoch, batch.last
        items.append(batch)
        chars += len(batch.events)
        if chars > READ_CHARS:
            return Tail(items, is_whole=False)
    is_live = live.find(run_id) is not None
    if not items:
        return Tail(_beyond(run_id, position), is_whole=not is_live)
    return Tail(items, is_whole=not is_live)


def _rows_after(run_id: UUID, epoch: int, seq: int) -> Iterator[Batch]:
    is_later = Q(epoch__gt=epoch) | Q(epoch=epoch, last_seq__gt=seq)
    rows = RunBatch.objects.filter(is_later, run_id=run_id).order_by(
        "epoch", "first_seq"
    )
    for row in rows.iterator(chunk_size=_ROWS):
        yield Batch(run_id, row.epoch, row.first_seq, row.last_seq, row.events)


def _beyond(run_id: UUID, position: Position) -> list[Item]:
    """A reader that saw more than was stored before a crash is told where to cut."""
    epoch, seq = position
    if not seq or Run.objects.filter(pk=run_id).active().exists():
        return []
    stored = RunBatch.objects.filter(run_id=run_id, epoch__lte=epoch)
    end = stored.aggregate(end=Max("last_seq"))["end"] or 0
    return [Rewind(run_id=run_id, epoch=epoch, seq=end)] if end < seq else []


def stored_events(run_id: UUID) -> Iterator[RunEvent]:
    """Every event that counts, in order, from the stored log."""
    for batch in _rows_after(run_id, 0, 0):
        yield from batch.decoded()
