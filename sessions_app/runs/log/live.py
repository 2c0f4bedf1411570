"""The runs that this process is working on: where to stop them, and their logs.

A run is here from its claim to the commit of its end. `stop` may come from any thread,
before, while or after the vendor is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sessions_app.runs.log.response import RunResponse
from sessions_app.runs.log.run_log import RunLog

CLOSED = "The account was closed."  # why a run was stopped


class Closable(Protocol):
    """What a stop must reach: a `ChatStream`, whose `close` works from any thread."""

    def close(self) -> None: ...


class LiveRun:
    """One run at work. `cause` is why it was stopped, for a person; "" while it runs."""

    def __init__(self, log: RunLog, conversation_id: UUID) -> None:
        self.log = log
        self.run_id = log.run_id
        self.conversation_id = conversation_id
        self.began = time.monotonic()
        self.response = RunResponse()  # what has arrived; the run's thread writes it
        self.cause = ""
        self.is_interrupted = False
        self.unstored: list[str] = []  # frames: its end, which only we have yet
        self._lock = threading.Lock()
        self._stream: Closable | None = None
        self._stopped = threading.Event()
        self.steered_at: datetime | None = None  # of the row, as the writer saw it last
        self._hears = False  # what is held ends when the person says something
        self._words: set[int] = set()  # of `Steering`, not heard yet
        self._heard: set[int] = set()

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked it to end."""
        return bool(self.cause)

    def hold(self, stream: Closable, *, hears: bool = False) -> None:
        """The stream that `stop` must close; closed at once if that was asked before.

        `hears`: a person's words end it too. A tool runs to its end.
        """
        with self._lock:
            self._stream = stream
            self._hears = hears
            is_late = self.is_stopping or (hears and bool(self._words))
        if is_late:
            stream.close()

    @property
    def has_words(self) -> bool:
        """Whether the person said something that the model has not got yet."""
        return bool(self._words)

    def say(self, ids: Iterable[int]) -> None:
        """The person said something: the model stops here, to hear it. From any thread."""
        with self._lock:
            new = set(ids) - self._heard
            self._words |= new
            stream = self._stream if new and self._hears else None
        if stream is not None:
            stream.close()

    def take_words(self) -> None:
        """What was said up to here is about to be read."""
        with self._lock:
            self._heard |= self._words
            self._words.clear()

    def heard(self, ids: Iterable[int]) -> None:
        """The model gets these words with its next request."""
        with self._lock:
            self._heard |= set(ids)
            self._words -= self._heard

    def rest(self, seconds: float) -> bool:
        """Wait, unless it is stopped meanwhile. Whether it may go on."""
        return not self._stopped.wait(seconds)

    def stop(self, cause: str, *, is_interrupted: bool = False) -> None:
        """End it; the first cause counts. Returns at once."""
        with self._lock:
            if self.is_stopping:
                return
            self.cause = cause
            self.is_interrupted = is_interrupted
            stream = self._stream
        self._stopped.set()
        if stream is not None:
            stream.close()


_lock = threading.Lock()
_live: dict[UUID, LiveRun] = {}


def begin(live: LiveRun) -> None:
    """This process works on it from now on."""
    with _lock:
        _live[live.run_id] = live


def end(live: LiveRun) -> None:
    """Its end is committed (or lost)."""
    with _lock:
        _live.pop(live.run_id, None)


def find(run_id: UUID) -> LiveRun | None:
    """The run, if this process works on it."""
    return _live.get(run_id)


def count() -> int:
    """How many runs this process works on."""
    return len(_live)


def everything() -> list[LiveRun]:
    """All runs this process works on."""
    with _lock:
        return list(_live.values())
