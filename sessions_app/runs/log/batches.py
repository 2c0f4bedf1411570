"""Batches: consecutive, numbered events of one run, encoded once for all readers.

Made by the run's log, stored as `RunBatch` rows, sent as `batch` frames. The JSON of the
events is the same in all three places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from providers.events import (
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from sessions_app.runs.log.events import RunEvent

# A row is sent as one frame to a reader that comes back: not too much at once.
ROW_CHARS = 64 * 1024

_encode = msgspec.json.Encoder().encode
_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_event_list = msgspec.json.Decoder(list[RunEvent]).decode

_DELTAS = frozenset({TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta})


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Events `first` to `last` of one epoch of a run; `events` is a JSON array."""

    run_id: UUID
    epoch: int
    first: int
    last: int
    events: str

    def frame(self) -> str:
        """The `batch` frame, as `sessions_app.frames.Batch` would encode."""
        return (
            f'{{"type":"batch","run_id":"{self.run_id}","epoch":{self.epoch},'
            f'"first":{self.first},"last":{self.last},"events":{self.events}}}'
        )

    def after(self, seq: int) -> Batch | None:
        """What of it comes after number `seq`; None when nothing does."""
        if seq < self.first:
            return self
        if seq >= self.last:
            return None
        rest = _raw_list(self.events)[seq - self.first + 1 :]
        return msgspec.structs.replace(
            self, first=seq + 1, events=_encode(rest).decode()
        )

    def decoded(self) -> list[RunEvent]:
        """Its events as objects."""
        return _event_list(self.events)


def encode(events: Sequence[RunEvent]) -> str:
    """Events as the JSON array of a batch."""
    return _encode(events).decode()


def join_deltas(events: Sequence[RunEvent]) -> Sequence[RunEvent]:
    """The same events with neighbouring pieces of one part's text made one."""
    if len(events) < 2:
        return events
    joined: list[RunEvent] = []
    pieces: list[str] = []
    head: RunEvent | None = None
    for event in events:
        kind = type(event)
        if kind is type(head) and kind in _DELTAS and event.part == head.part:  # type: ignore[union-attr]
            pieces.append(event.text)  # type: ignore[union-attr]
            continue
        _close(joined, head, pieces)
        head, pieces = event, []
    _close(joined, head, pieces)
    return joined


def _close(joined: list[RunEvent], head: RunEvent | None, pieces: list[str]) -> None:
    if head is None:
        return
    if pieces:
        text = head.text + "".join(pieces)  # type: ignore[union-attr]
        head = msgspec.structs.replace(head, text=text)
    joined.append(head)


def merge(batches: Sequence[Batch]) -> Batch:
    """Consecutive batches of one epoch as one, for one row instead of several."""
    first, last = batches[0], batches[-1]
    if first is last:
        return first
    inner = ",".join(batch.events[1:-1] for batch in batches)
    return Batch(first.run_id, first.epoch, first.first, last.last, f"[{inner}]")


def runs_of_numbers(batches: Iterable[Batch]) -> list[list[Batch]]:
    """Batches in groups that continue each other, each group at most ROW_CHARS."""
    groups: list[list[Batch]] = []
    chars = 0
    for batch in batches:
        size = len(batch.events)
        if groups and _continues(groups[-1][-1], batch) and chars + size <= ROW_CHARS:
            groups[-1].append(batch)
            chars += size
        else:
            groups.append([batch])
            chars = size
    return groups


def _continues(before: Batch, batch: Batch) -> bool:
    return (before.run_id, before.epoch, before.last + 1) == (
        batch.run_id,
        batch.epoch,
        batch.first,
    )
