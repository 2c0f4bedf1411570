"""Ends what nobody works on any more, and submits what waits: at start, every 10 s.

A thread of the web process. A run whose process is dead, or whose heartbeat is silent for
30 s, becomes "interrupted" with the text that its log holds; its conversation's queue
then goes on. Several web processes may do this at once: compare-and-swap decides. What
one row makes impossible is logged, and keeps nobody else waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import Error, InterfaceError, OperationalError, connections

from sessions_app.models import Run
from sessions_app.runs import claims, closing, metering, words
from sessions_app.runs.audits import auditing
from sessions_app.runs.context import summaries
from sessions_app.runs.executor import executor
from sessions_app.runs.finish import end_dead
from sessions_app.runs.log import live
from sessions_app.tokens import watch

log = logging.getLogger(__name__)

EVERY_S = 10.0

_started = threading.Lock()


def start() -> None:
    """Begin in this process; once, however often it is called."""
    if _started.acquire(blocking=False):
        threading.Thread(target=_loop, name="run-reaper", daemon=True).start()


def reap_once() -> int:
    """One round of the runs. How many were ended."""
    ended = 0
    running = Run.objects.filter(status__in=Run.AT_WORK)
    for run in running.select_related("answer", "conversation"):
        if live.find(run.pk) is None and claims.is_abandoned(run):
            ended += bool(_try(end_dead, run))
    _try(closing.end_left_over)
    for run in words.left_over():
        _try(words.hand_on, run)
    for run_id in claims.ready_to_start():
        executor.submit(run_id)
    return ended


def look_after_everything() -> None:
    """One round of all that processes which died, or a database that was away, left.
    Raises OperationalError, InterfaceError."""
    for work in (
        reap_once,
        watch.tell,
        summaries.end_abandoned,
        auditing.end_abandoned,
        metering.settle_late,
        metering.release_abandoned,
    ):
        _try(work)


def _try(work: Callable[..., Any], *args: Any) -> Any:
    """What it returns; None where it cannot be done. Raises where nothing can be done:
    the database is busy or away."""
    try:
        return work(*args)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("reaper.failed", extra={"work": work.__name__})
        return None


def _loop() -> None:
    while True:
        try:
            look_after_everything()
        except Error as exc:
            log.warning("reaper.failed", extra={"error": type(exc).__name__})
        finally:
            connections.close_all()
        time.sleep(EVERY_S)
