"""Where the C library keeps the memory of threads.

glibc gives each thread a heap of its own, and none of them ever shrinks below what its
thread once had: with a thread for each answer, half of an answer's memory was such space.
Source: mallopt(3), M_ARENA_MAX.
"""

from __future__ import annotations

import contextlib
import ctypes

_M_ARENA_MAX = -8
_HEAPS = 2


def share_heaps() -> None:
    """Call before there are threads. Where the C library is another, nothing happens."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)
