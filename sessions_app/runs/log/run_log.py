"""The log of a running run in the process that runs it: numbering, memory, what waits.

Written by the run's thread, drained by the writer (`writer.py`), read by the sockets of
this process (`tail.py`). Events get their numbers here, when they were decoded; a batch
goes to the readers at once and to the database with the writer's next tick.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from maestro import doorbell
from sessions_app.runs.log.batches import Batch, encode, join_deltas
from sessions_app.runs.log.events import RunEvent

# What readers that lag a little may read without the database, per run, in characters.
MEMORY_CHARS = 64 * 1024
MEMORY_BATCHES = 64  # three seconds
# What may wait for the database, per run, and how long, before the run has to end.
PENDING_CHARS = 16 * 1024 * 1024
PENDING_S = 60.0


class LogClosed(Exception):
    """This run may write no more; `cause` is fit for a person."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def group_of(conversation_id: UUID) -> str:
    """The doorbell group of those who follow a conversation."""
    return f"chat.{conversation_id.hex}"


class RunLog:
    """Numbers events from `after` + 1 on, within `epoch`. One writer of events."""

    def __init__(
        self, run_id: UUID, conversation_id: UUID, epoch: int, after: int
    ) -> None:
        self.run_id = run_id
        self.epoch = epoch
        self.seq = after
        self.first_event_at: datetime | None = None
        self.deltas = 0  # events as they came, before neighbours were joined
        self._group = group_of(conversation_id)
        self._lock = threading.Lock()
        self._recent: deque[Batch] = deque()
        self._recent_chars = 0
        self._pending: list[Batch] = []
        self._pending_chars = 0
        self._waits_since: float | None = None
        self._closed_by = ""

    def append(self, events: Sequence[RunEvent]) -> Sequence[RunEvent]:
        """Number, remember, ring. Returns the events as they were logged.

        Raises LogClosed when somebody else took the run or its row is gone.
        """
        if self._closed_by:
            raise LogClosed(self._closed_by)
        self.deltas += len(events)
        events = join_deltas(events)
        text = encode(events)
        if self.first_event_at is None:
            self.first_event_at = datetime.now(UTC)
        with self._lock:
            first = self.seq + 1
            self.seq += len(events)
            batch = Batch(self.run_id, self.epoch, first, self.seq, text)
            self._remember(batch)
            self._pending.append(batch)
            self._pending_chars += len(text)
            if self._waits_since is None:
                self._waits_since = time.monotonic()
        doorbell.ring(self._group, ring_of(batch))
        return events

    def _remember(self, batch: Batch) -> None:
        self._recent.append(batch)
        self._recent_chars += len(batch.events)
        while len(self._recent) > 1 and (
            self._recent_chars > MEMORY_CHARS or len(self._recent) > MEMORY_BATCHES
        ):
            self._recent_chars -= len(self._recent.popleft().events)

    def since(self, epoch: int, seq: int) -> list[Batch] | None:
        """What comes after a position, from memory; None when memory begins later.

        An empty list: that reader has everything.
        """
        with self._lock:
            if epoch not in (self.epoch, 0) or (epoch == 0 and seq):
                return None
            if seq > self.seq:
                return None
            if seq == self.seq:
                return []
            if not self._recent or self._recent[0].first > seq + 1:
                return None
            return [rest for b in self._recent if (rest := b.after(seq)) is not None]

    def take_pending(self) -> list[Batch]:
        """What the database does not have yet. The writer gives back what fails."""
        with self._lock:
            taken, self._pending = self._pending, []
            return taken

    def give_back(self, batches: list[Batch]) -> None:
        """The database did not take them. Closes the log when that lasts too long."""
        with self._lock:
            self._pending[:0] = batches
            since = self._waits_since
            too_long = since is not None and time.monotonic() - since > PENDING_S
            if too_long or self._pending_chars > PENDING_CHARS:
                self._closed_by = "The database did not accept the answer in time."

    def stored(self, batches: list[Batch]) -> None:
        """The database has them."""
        with self._lock:
            self._pending_chars -= sum(len(b.events) for b in batches)
            self._waits_since = time.monotonic() if self._pending else None

    def close(self, cause: str) -> None:
        """No more events: the next `append` raises LogClosed."""
        self._closed_by = self._closed_by or cause

    @property
    def is_closed(self) -> bool:
        """Whether this run may write no more."""
        return bool(self._closed_by)


def ring_of(batch: Batch) -> doorbell.Message:
    """A batch as a message of the doorbell, its frame encoded once."""
    return {
        "kind": "batch",
        "run": str(batch.run_id),
        "epoch": batch.epoch,
        "first": batch.first,
        "last": batch.last,
        "frame": batch.frame(),
    }
