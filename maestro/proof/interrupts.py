"""Ctrl-C and SIGTERM end a proof in order, and only once.

The first signal raises `Stopped` in the main thread, which unwinds through everything
that must be cleaned up; from then on further signals are ignored, so that nothing of the
clean-up is lost. Every request of the clean-up has a time limit of its own.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Somebody ended it. `code` is the exit status that says so."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.code = 128 + signum


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """For the block: see the module's docstring."""

    def stop(signum: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signum)

    try:
        before = {each: signal.signal(each, stop) for each in SIGNALS}
    except ValueError:  # not the main thread (tests): nobody can press Ctrl-C
        yield
        return
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
