"""One socket's view of one run: what it has, what comes next, and how a gap heals.

Lives on the event loop. A batch that continues what the reader has is passed on as it
came; anything else (a gap, a new epoch, credit used up) makes the reader look in the log,
from its own position, until it has everything that was announced. Batches that are rung
meanwhile are kept: the log is always a tick behind, and a reader in another process would
otherwise run after it for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from django.db import Error

from sessions_app.consumers.db import in_db
from sessions_app.consumers.limits import Credit
from sessions_app.frames import Rewind, encode_frame
from sessions_app.runs.log import tail
from sessions_app.runs.log.batches import Batch
from sessions_app.runs.snapshots import RunState

KEPT_BATCHES = 64
RETRY_S = 0.25  # the writer's tick: what was announced may not be stored yet


class Out(Protocol):
    """What a reader needs of its socket."""

    credit: Credit

    def put(self, text: str) -> None: ...

    def spawn(self, work: Any) -> asyncio.Task[None]: ...

    def credit_is_used_up(self) -> None: ...


class RunReader:
    """`position` is what was sent; `known` what is said to exist. `done` is called once
    the end of the run was sent."""

    def __init__(
        self,
        run_id: UUID,
        conversation_id: UUID,
        out: Out,
        position: tail.Position,
        done: Callable[[RunReader], None],
    ) -> None:
        self.run_id = run_id
        self.key = str(run_id)
        self.conversation_id = conversation_id
        self.position = position
        self.known = position
        self.heard_at = time.monotonic()
        self._out = out
        self._done = done
        self._ending: list[str] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT_BATCHES)
        self._is_closed = False

    def on_batch(self, message: dict[str, Any]) -> None:
        """A batch was rung: send it if it is the next one."""
        self.heard_at = time.monotonic()
        epoch, first, last = message["epoch"], message["first"], message["last"]
        if (epoch, last) <= self.position:
            return
        self.known = max(self.known, (epoch, last))
        if self._looking is not None:
            self._kept.append(message)
        elif self._is_held():
            return
        elif self._is_next(epoch, first):
            self._send(epoch, last, message["frame"])
        else:
            self._kept.append(message)
            self.look()

    def _is_next(self, epoch: int, first: int) -> bool:
        here, seq = self.position
        return first == seq + 1 and (epoch == here or not seq)

    def on_run(self, message: dict[str, Any]) -> None:
        """Its state changed. The end is sent after everything that came before it."""
        self.heard_at = time.monotonic()
        if not message["is_over"]:
            for text in message["frames"]:
                self._out.put(text)
            return
        self.end_with(message["frames"], (message["epoch"], message["seq"]))

    def begin(self, state: RunState) -> None:
        """Start from a run as the database has it."""
        if state.is_over:
            self.end_with(state.frames, (state.epoch, state.seq))
            return
        for text in state.frames:
            self._out.put(text)
        self.look()

    def end_with(self, frames: list[str], end: tail.Position) -> None:
        """The run is over, its log ends at `end`: send what is missing, then this."""
        self._ending = frames
        self.known = end  # what was announced beyond it does not count any more
        self._kept = deque(
            (m for m in self._kept if (m["epoch"], m["last"]) <= end), KEPT_BATCHES
        )
        if self._looking is not None or self._is_held():
            return
        if self.position == end or not (end[1] or self.position[1]):
            self._finish()
        else:
            self.look()

    def look(self) -> None:
        """Read the log from here until there is nothing more."""
        if self._looking is None and not self._is_closed:
            self._looking = self._out.spawn(self._look())

    def close(self) -> None:
        """Nobody wants this any more."""
        self._is_closed = True
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        try:
            while not self._is_held():
                found = await self._next()
                for item in found.items:
                    if self._is_held():
                        break
                    self._send_item(item)
                self._send_kept()
                if found.is_whole and not self._is_behind():
                    break
                if not found.items:
                    if found.is_whole and self._ending is not None:
                        break
                    await asyncio.sleep(RETRY_S)
        finally:
            self._looking = None
            self._kept.clear()
        if self._ending is not None and not self._is_held():
            self._finish()

    def _send_kept(self) -> None:
        """What was rung since we began to look, as far as it continues what we have."""
        while self._kept and not self._is_held():
            message = self._kept[0]
            epoch, last = message["epoch"], message["last"]
            if (epoch, last) > self.position:
                if not self._is_next(epoch, message["first"]):
                    return  # what is missing between is not stored yet
                self._send(epoch, last, message["frame"])
            self._kept.popleft()

    def _is_held(self) -> bool:
        return self._out.credit.is_used_up

    def _is_behind(self) -> bool:
        return self.position < self.known

    async def _next(self) -> tail.Tail:
        remembered = tail.from_memory(self.run_id, self.position)
        if remembered is not None:
            return tail.Tail(list(remembered), is_whole=True)
        try:
            return await in_db(tail.read, self.run_id, self.position)
        except Error:
            return tail.Tail([], is_whole=False)  # busy or away: again in a moment

    def _send_item(self, item: tail.Item) -> None:
        if isinstance(item, Batch):
            self._send(item.epoch, item.last, item.frame())
        else:
            self._send_rewind(item)

    def _send_rewind(self, rewind: Rewind) -> None:
        self.position = (rewind.epoch, min(rewind.seq, self.position[1]))
        self._out.put(encode_frame(rewind).decode())

    def _send(self, epoch: int, last: int, text: str) -> None:
        self.position = (epoch, last)
        self._out.put(text)
        credit = self._out.credit
        credit.spend(self.key, epoch, last, len(text))
        if credit.is_used_up:
            self._out.credit_is_used_up()

    def _finish(self) -> None:
        for text in self._ending or ():
            self._out.put(text)
        self._ending = None
        self._is_closed = True
        self._done(self)
