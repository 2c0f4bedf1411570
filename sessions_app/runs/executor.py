"""The threads that work on runs: a pool of our own, never the web server's.

`submit` is called on commit by the service and by the reaper. A thread takes one run
after the other and goes when nothing waits; at most MAESTRO_MAX_CONCURRENT_RUNS are at
work at once. At the end of the process open runs are marked as interrupted, with their
text, within ten seconds.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error

from providers.events import ErrorInfo
from sessions_app import storage
from sessions_app.models import Run
from sessions_app.runs import claims, notices, words
from sessions_app.runs.finish import finish
from sessions_app.runs.log import live
from sessions_app.runs.log.run_log import LogClosed, RunLog
from sessions_app.runs.log.tail import stored_events
from sessions_app.runs.log.writer import writer
from sessions_app.runs.loop import work
from sessions_app.runs.outcome import Outcome
from sessions_app.runs.turns import in_database

log = logging.getLogger(__name__)

SHUTDOWN_S = 10.0
SHUT_DOWN = "The server was stopped."


class Executor:
    """One per process (`executor`, below)."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: a forked child has none of its parent's threads."""
        self._lock = threading.Condition()
        self._waiting: deque[UUID] = deque()
        self._known: set[UUID] = set()
        self._threads = 0
        self.is_shut = False

    def submit(self, run_id: UUID) -> None:
        """Work on this run as soon as a thread is free. Twice is once."""
        with self._lock:
            if self.is_shut or run_id in self._known:
                return
            self._known.add(run_id)
            self._waiting.append(run_id)
            if self._threads >= settings.MAESTRO_MAX_CONCURRENT_RUNS:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name="run", daemon=True).start()
        except RuntimeError:  # no memory for another one: the reaper submits it again
            log.error("runs.no_thread", extra={"run_id": str(run_id)})
            with self._lock:
                self._threads -= 1
                self._known.discard(run_id)
                if run_id in self._waiting:
                    self._waiting.remove(run_id)
                self._lock.notify_all()

    def submit_again(self, run_id: UUID) -> None:
        """The same, from the thread that has just worked on it."""
        with self._lock:
            self._known.discard(run_id)
        self.submit(run_id)

    def shutdown(self, timeout_s: float = SHUTDOWN_S) -> bool:
        """Take no more; end what is open and store it. Whether all of it was stored."""
        with self._lock:
            self.is_shut = True
            self._known.difference_update(self._waiting)
            self._waiting.clear()  # their rows stay queued for whoever comes next
        for run in live.everything():
            run.stop(SHUT_DOWN, is_interrupted=True)
        return self.wait_until_idle(timeout_s)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether no run is at work or waiting for a thread any more."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while self._threads:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._lock.wait(left_s):
                    return not self._threads
        return True

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    self._lock.notify_all()
                    return
                run_id = self._waiting.popleft()
            conversation_id = None
            try:
                with structlog.contextvars.bound_contextvars(run_id=str(run_id)):
                    conversation_id = answer(run_id)
            except Exception:  # a bug in one run must not take the thread
                log.exception("run.crashed", extra={"run_id": str(run_id)})
            with self._lock:
                self._known.discard(run_id)
            if conversation_id is not None:
                self._submit_next(conversation_id)

    def _submit_next(self, conversation_id: UUID) -> None:
        try:
            waiting = in_database(claims.next_queued, conversation_id)
        except Error:
            return  # the reaper submits it
        if waiting is not None:
            self.submit(waiting)


def answer(run_id: UUID) -> UUID | None:
    """Work on one run from its claim to its end. Its conversation; None if not ours."""
    run = None if executor.is_shut else in_database(claims.claim, run_id)
    if run is None:
        return None
    run_log = RunLog(run.pk, run.conversation_id, run.epoch, after=run.seq)
    at_work = live.LiveRun(run_log, run.conversation_id)
    live.begin(at_work)
    writer.start()
    try:
        if executor.is_shut:  # meanwhile; nothing was asked yet
            in_database(claims.release, run)
            return None
        if run.seq:  # it was begun before: what it had is the beginning of the answer
            in_database(_remember, run, at_work)
        notices.run_changed(run)
        outcome = _outcome(run, at_work)
        finish(run, at_work, outcome)
    finally:
        live.end(at_work)
    if outcome.status == Run.Status.WAITING:
        # Somebody may have decided before the run was seen to wait.
        in_database(claims.wake_decided, run.pk)
        if in_database(claims.is_queued, run.pk):
            executor.submit_again(run.pk)
    elif outcome.status not in Run.ACTIVE:
        in_database(words.hand_on_late, run.pk)
    return run.conversation_id


def _remember(run: Run, at_work: live.LiveRun) -> None:
    for event in stored_events(run.pk):
        at_work.response.add_event(event)


def _outcome(run: Run, at_work: live.LiveRun) -> Outcome:
    """How it went; whatever happens, the run gets an end and the text is kept."""
    try:
        outcome = work(run, at_work)
        if at_work.cause not in storage.WORDS:
            return outcome
        cause, kind = storage.ENDED, storage.KIND
    except LogClosed as exc:
        cause, kind = exc.cause, "StorageUnavailable"
    except Exception as exc:
        if storage.trouble(exc):
            cause, kind = storage.ENDED, storage.KIND
        else:
            log.exception("run.failed_here", extra={"run_id": str(run.pk)})
            cause, kind = (
                "Something went wrong in Maestro itself. The server's log says what.",
                "InternalError",
            )
    return Outcome(
        status=Run.Status.FAILED,
        response=at_work.response,
        cause=cause[:200],
        error=ErrorInfo(kind=kind, message=cause),
    )


executor = Executor()


def shutdown(timeout_s: float = SHUTDOWN_S) -> bool:
    """End this process's runs in order. Called by the web process and at exit."""
    return executor.shutdown(timeout_s)


os.register_at_fork(after_in_child=executor.forget)
atexit.register(shutdown)
