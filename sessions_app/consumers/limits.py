"""What one socket, and one person, may do to us: rates coming in, credit going out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

MESSAGES_PER_S = 20.0
MESSAGES_BURST = 60.0
BYTES_PER_S = 256 * 1024.0
BYTES_BURST = 2_000_000.0  # two frames of the largest size
# An acknowledgement is no work: a page may send one for every batch of several runs.
ACK_COUNTS = 0.1
# A person may have many pages open; these are for what all of them ask, without the
# acknowledgements and signs of life.
PERSON_RATE_FACTOR = 4
PERSON_BURST_FACTOR = 10

CREDIT_BYTES = 1024 * 1024
CREDIT_PATIENCE_S = 30.0


class TokenBucket:
    """`rate` per second on average, `burst` at once."""

    __slots__ = ("_at", "_burst", "_clock", "_left", "_rate")

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left = burst
        self._at = clock()

    def take(self, amount: float) -> bool:
        """Whether that much is allowed now; if so, it is used."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


class Allowance:
    """What may come in: messages and bytes."""

    def __init__(
        self,
        rate: float = 1.0,
        burst: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._messages = TokenBucket(
            MESSAGES_PER_S * rate, MESSAGES_BURST * burst, clock
        )
        self._bytes = TokenBucket(BYTES_PER_S * rate, BYTES_BURST * burst, clock)

    def take(self, size: int, messages: float = 1.0) -> bool:
        """Whether a message of this size is allowed now."""
        return self._messages.take(messages) and self._bytes.take(size)


_people: WeakValueDictionary[Any, Allowance] = WeakValueDictionary()


def allowance_of_person(user_id: Any) -> Allowance:
    """The one that all sockets of a person share, as long as one of them is open."""
    found = _people.get(user_id)
    if found is None:
        found = _people[user_id] = Allowance(PERSON_RATE_FACTOR, PERSON_BURST_FACTOR)
    return found


class Credit:
    """Bytes of batches that were sent and not acknowledged.

    The server's socket never says that a client does not read, so the client says what
    it has drawn. Beyond `CREDIT_BYTES` nothing more is sent until half of it is free.
    """

    def __init__(self, limit: int = CREDIT_BYTES) -> None:
        self._limit = limit
        self._sent: dict[str, deque[tuple[int, int, int]]] = {}
        self._bytes = 0
        self.is_used_up = False
        self.times_used_up = 0

    def spend(self, run_id: str, epoch: int, seq: int, size: int) -> None:
        """A batch that ends at this position was sent."""
        self._sent.setdefault(run_id, deque()).append((epoch, seq, size))
        self._bytes += size
        if self._bytes > self._limit and not self.is_used_up:
            self.is_used_up = True
            self.times_used_up += 1

    def regain(self, run_id: str, epoch: int, seq: int) -> bool:
        """The client has drawn up to here. Whether sending may begin again."""
        sent = self._sent.get(run_id)
        while sent and (sent[0][0], sent[0][1]) <= (epoch, seq):
            self._bytes -= sent.popleft()[2]
        if sent is not None and not sent:
            del self._sent[run_id]
        if self.is_used_up and self._bytes <= self._limit // 2:
            self.is_used_up = False
            return True
        return False
