"""Waiting for the pipes of a child process. Not select(2): it takes no descriptor above 1023,
and a server with as many open pages has none left below."""

from __future__ import annotations

import select
from collections.abc import Iterable, Sequence
from typing import IO

_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLNVAL
_WRITABLE = select.POLLOUT | select.POLLHUP | select.POLLERR | select.POLLNVAL


def readable(pipes: Sequence[IO[bytes]], wait_s: float) -> list[IO[bytes]]:
    """Those that have something to read, or have ended; [] after so many seconds.

    Raises ValueError for a pipe that is closed here.
    """
    by_number = {pipe.fileno(): pipe for pipe in pipes}
    return [by_number[number] for number in _ready(by_number, _READABLE, wait_s)]


def is_writable(pipe: IO[bytes], wait_s: float) -> bool:
    """Whether it takes something, or nobody reads it any more. Raises ValueError."""
    return bool(_ready([pipe.fileno()], _WRITABLE, wait_s))


def _ready(numbers: Iterable[int], what: int, wait_s: float) -> list[int]:
    poll = select.poll()
    for number in numbers:
        poll.register(number, what)
    return [number for number, _ in poll.poll(wait_s * 1000)]
