"""A run's events as a plain generator, for whoever has no socket: it polls the log.

Called by commands and tests. It works from any process: what this process does not
remember it reads from the stored log. Sockets are told by the doorbell instead
(`sessions_app/consumers/reader.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

from sessions_app.models import Run
from sessions_app.runs.log import live, tail
from sessions_app.runs.log.batches import Batch
from sessions_app.runs.log.events import RunEvent

POLL_S = 0.03
POLL_ELSEWHERE_S = 0.25
EAGER_S = 1.0  # a run that was just asked for is claimed in a moment, perhaps here


def follow(run_id: UUID) -> Iterator[list[RunEvent]]:
    """Its events in order, in batches, until it is over. Waits as long as it takes."""
    position: tail.Position = (0, 0)
    eager_until = time.monotonic() + EAGER_S
    while True:
        is_here = live.find(run_id) is not None
        # Asked before the log is read: what comes after the end is not missed.
        is_over = not is_here and not Run.objects.filter(pk=run_id).active().exists()
        found = tail.read(run_id, position)
        for item in found.items:
            if isinstance(item, Batch):
                position = (item.epoch, item.last)
                yield item.decoded()
            else:
                position = (item.epoch, item.seq)
        if is_over and found.is_whole and not found.items:
            return
        if not found.items:
            is_eager = is_here or time.monotonic() < eager_until
            time.sleep(POLL_S if is_eager else POLL_ELSEWHERE_S)
