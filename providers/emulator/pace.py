"""The natural pace of a model: so many deltas a second, however long each write takes."""

from __future__ import annotations

import asyncio

from providers.emulator.answers import Answer
from providers.emulator.state import OpenStream
from providers.emulator.wire import Piece


class Pace:
    """Waits after each delta of one stream, and counts it in `seen`.

    By the clock and not by adding up sleeps, so that a hundred streams at 50 a second are
    5,000 a second; a stream that fell behind is not made up for by a burst. An answer may
    have a pace of its own, and a silence after its second delta.
    """

    def __init__(
        self, seen: OpenStream, per_second: float = 0.0, answer: Answer | None = None
    ) -> None:
        if answer is not None and answer.pace is not None:
            per_second = answer.pace
        self._seen = seen
        self._pause_s = 1 / per_second if per_second > 0 else 0.0
        self._stall_s = answer.stall_s if answer is not None else 0.0
        self._due = 0.0

    async def keep(self, piece: Piece) -> None:
        """Wait until what follows this piece may be sent."""
        if piece.sleep_s:
            await asyncio.sleep(piece.sleep_s)
        if not piece.is_said:
            return
        self._seen.said += 1
        if self._stall_s and self._seen.said == 2:
            await asyncio.sleep(self._stall_s)
        now = asyncio.get_running_loop().time()
        following = self._due + self._pause_s if self._due else now + self._pause_s
        self._due = max(following, now)
        await asyncio.sleep(self._due - now)  # also nothing: others want to speak too
