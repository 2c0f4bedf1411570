"""The one writer of a process: all running runs' new events in one transaction a tick.

Every 250 ms it also moves the heartbeats, and learns from the same rows whether somebody
asked a run to stop (from whichever process) or took it over. At the end of a run its own
thread commits at once, together with the run's last words. A database that is busy or
away costs nothing but memory for a while; then the run is told to end. On a full disk it
ends sooner: nobody should pay a vendor for what cannot be kept.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from uuid import UUID

from django.conf import settings
from django.db import Error, connection, connections
from django.utils import timezone

from sessions_app import storage
from sessions_app.models import Run, RunBatch, Steering
from sessions_app.runs.log import live
from sessions_app.runs.log.batches import Batch, merge, runs_of_numbers
from sessions_app.runs.turns import writing

log = logging.getLogger(__name__)

TICK_S = 0.25
HEARTBEAT_S = 5.0
FULL_S = 5.0  # a disk may be full for a moment only
_IDLE_S = 10.0  # then the thread ends; the next run starts another


class LogWriter:
    """Commits what `live` runs have logged. One per process (`writer`, below)."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._commit = threading.Lock()
        self._thread: threading.Thread | None = None
        self._beats: dict[UUID, float] = {}
        self._full_since: float | None = None

    def start(self) -> None:
        """There is a live run: tick until there are none."""
        with self._wake:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._loop, name="run-log-writer", daemon=True
                )
                self._thread.start()
            self._wake.notify()

    def commit_with(self, run: live.LiveRun, extra: Callable[[], None]) -> None:
        """Store what this run has logged and do `extra`, in one transaction.

        Raises DatabaseError; then nothing is stored and the events are kept.
        """
        with self._commit:
            taken = run.log.take_pending()
            try:
                with writing():
                    _insert(taken)
                    extra()
            except BaseException:
                run.log.give_back(taken)
                raise
            run.log.stored(taken)

    def tick(self) -> None:
        """One commit for all live runs; a database error leaves everything waiting."""
        with self._commit:
            runs = live.everything()
            if not runs:
                return
            taken = {run.run_id: run.log.take_pending() for run in runs}
            try:
                with writing():
                    known = _look_after(runs)
                    kept = [run for run in known if taken[run.run_id]]
                    _insert([b for run in kept for b in taken[run.run_id]])
                    _set_seq([(taken[r.run_id][-1].last, r.run_id) for r in kept])
                    self._beat(known)
            except Exception as exc:  # whatever it is, nothing that was said is lost
                for run in runs:
                    run.log.give_back(taken[run.run_id])
                connections.close_all()
                if not isinstance(exc, Error):
                    raise
                log.warning("runs.write_failed", extra={"error": type(exc).__name__})
                self._refused(runs, storage.trouble(exc))
                return
            self._full_since = None
            for run in runs:
                run.log.stored(taken[run.run_id])

    def _refused(self, runs: list[live.LiveRun], why: str) -> None:
        now = time.monotonic()
        if not why:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        elif now - self._full_since > FULL_S:
            for run in runs:
                run.stop(why)

    def _beat(self, runs: list[live.LiveRun]) -> None:
        now = time.monotonic()
        due = [
            r.run_id for r in runs if now - self._beats.get(r.run_id, 0.0) > HEARTBEAT_S
        ]
        if due:
            Run.objects.filter(pk__in=due).update(heartbeat_at=timezone.now())
            alive = {run.run_id: self._beats.get(run.run_id, 0.0) for run in runs}
            self._beats = alive | dict.fromkeys(due, now)

    def _loop(self) -> None:
        idle_since = time.monotonic()
        while True:
            started = time.monotonic()
            if live.everything():
                idle_since = started
                try:
                    self.tick()
                except Exception:  # a bug here must not silence the next tick
                    log.exception("runs.writer_failed")
            with self._wake:
                if not live.everything():
                    connections.close_all()
                    if started - idle_since > _IDLE_S:
                        self._thread = None
                        return
                    self._wake.wait(_IDLE_S)
                    continue
            time.sleep(max(0.0, TICK_S - (time.monotonic() - started)))


_IS_OPEN = "started_by__is_active"  # None without a person
_GONE = (0, "", None, None, None)


def _look_after(runs: list[live.LiveRun]) -> list[live.LiveRun]:
    """The runs that are still ours; passes on stop requests, closes lost ones."""
    rows = {
        found[0]: found[1:]
        for found in Run.objects.filter(
            pk__in=[run.run_id for run in runs]
        ).values_list(
            "pk", "epoch", "status", "stop_requested_at", "steered_at", _IS_OPEN
        )
    }
    ours = []
    for run in runs:
        epoch, status, stop, steered, is_open = rows.get(run.run_id, _GONE)
        if epoch != run.log.epoch or status not in Run.AT_WORK:
            cause = "The run was ended elsewhere."
            run.log.close(cause)
            run.stop(cause)
            continue
        if is_open is False:  # whichever process closed it, and however
            run.stop(live.CLOSED)
        if stop is not None and not run.is_stopping:
            run.stop("You stopped it.")
        if time.monotonic() - run.began > settings.MAESTRO_MAX_RUN_S:
            # Also a vendor that never ends its answer, and is never silent either.
            run.stop("Ended: it took longer than a run may take here.")
        if steered is not None and steered != run.steered_at:
            run.steered_at = steered
            words = Steering.objects.filter(run_id=run.run_id, taken_at=None)
            run.say(words.values_list("pk", flat=True))
        ours.append(run)
    return ours


def _insert(batches: list[Batch]) -> None:
    rows = [merge(group) for group in runs_of_numbers(batches)]
    RunBatch.objects.bulk_create(
        RunBatch(
            run_id=row.run_id,
            epoch=row.epoch,
            first_seq=row.first,
            last_seq=row.last,
            events=row.events,
        )
        for row in rows
    )


def _set_seq(rows: list[tuple[int, UUID]]) -> None:
    """Many rows, one statement: the ORM would build an UPDATE for each."""
    if not rows:
        return
    table = connection.ops.quote_name(Run._meta.db_table)
    prepare = Run._meta.pk.get_db_prep_value
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET seq = %s WHERE id = %s",  # noqa: S608  (own name)
            [(seq, prepare(pk, connection)) for seq, pk in rows],
        )


writer = LogWriter()
