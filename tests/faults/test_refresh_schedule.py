"""R-17: the worker renews what is due, two of them no more often, and a dead one's work.

Two real django-q2 clusters on one database. Their scheduler looks every 30 seconds; here
every `30 / HASTE`, unless the whole proof is asked for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.faults.nursery import ROOT
from tests.faults.refreshing import IS_FULL, Installation, note, one

__all__ = ["one"]

HASTE = 1 if IS_FULL else 6
LOOK_S = 30 / HASTE
RENEWAL = "sessions_app.tasks.refresh_due"

# The cluster as `bin/run` starts it; its guard counts seconds that are HASTE times shorter.
WORKER = """
import sys
import django
django.setup()
from django_q import cluster
from maestro.worker import work

haste = int(sys.argv[1])
cluster.Conf.GUARD_CYCLE *= haste
cluster.Conf.TIMEOUT *= haste
guard = cluster.Sentinel.guard

class Hurried:
    def __init__(self, event): self._event = event
    def wait(self, seconds): return self._event.wait(seconds / haste)
    def __getattr__(self, name): return getattr(self._event, name)

def hurried(self):
    self.stop_event = Hurried(self.stop_event)
    guard(self)

cluster.Sentinel.guard = hurried
work()
"""


@pytest.fixture(scope="module")
def two_workers(one: Installation) -> Iterator[Callable[[], None]]:
    """Start two clusters, and end them after all."""
    running: list[subprocess.Popen[bytes]] = []
    log = (one.data / "workers.txt").open("wb")

    def start() -> None:
        for _ in range(2):
            command = [sys.executable, "-c", WORKER, str(HASTE)]
            running.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=one.environment, stdout=log, stderr=log
                )
            )

    yield start
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    log.close()


def until(is_so: Callable[[], bool], within_s: float) -> float:
    """Wait for it; how long it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() < began + within_s
        time.sleep(0.1)
    return time.monotonic() - began


def renewals(one: Installation) -> list[Any]:
    """Sweeps that ended, oldest first."""
    done = one.nursery.do("end_of_queue")["done"]
    return [row for row in done if row[0] == RENEWAL]


@pytest.mark.timeout(300)
def test_two_workers_renew_what_is_due_once_and_take_up_what_dead_ones_left(
    one: Installation, two_workers: Callable[[], None]
) -> None:
    one.nursery.do("schedule")
    one.nursery.do("hurry", seconds=3600)
    left, left_family = one.login()
    died = one.nursery.start(
        "ask", provider="openai", name=left, fail_point="refresh.spooled"
    )
    assert died.wait() == signal.SIGKILL
    due, due_family = one.login()

    began = time.monotonic()
    two_workers()
    until(lambda: one.row(left)["state"] == "ok" and not one.spooled(), 30)
    until(lambda: one.row(due)["generation"] == 1, 30)
    note(f"recovered {time.monotonic() - began:.1f} s after two workers were started")
    until(lambda: len(renewals(one)) == 2, 30)  # each sweeps when it starts
    assert one.row(left)["access"] == left_family.access
    assert [len(f.requests) for f in (left_family, due_family)] == [1, 1]

    # By the schedule: one of the two fires, once in its period.
    name, family = one.login()
    one.nursery.do("hurry", seconds=0)
    took_s = until(lambda: one.row(name)["generation"] == 1, LOOK_S + 15)
    note(f"renewed {took_s:.1f} s after it was due (a look every {LOOK_S:.0f} s)")
    time.sleep(LOOK_S + 2)
    assert len(renewals(one)) == 3
    assert [len(f.requests) for f in (left_family, due_family, family)] == [1, 1, 1]
    assert family.reuse == 0


@pytest.mark.timeout(300)
def test_a_worker_killed_in_mid_refresh_is_followed_by_another(
    one: Installation,
) -> None:
    one.vendor.set(delay_s=60, grace_s=300)
    name, family = one.login()
    one.nursery.do("hurry", seconds=0)
    assert one.vendor.arrived.wait(LOOK_S + 20)
    holder = one.row(name)["holder"]
    pid = int(holder.split(":")[-2])
    assert "python" in os.readlink(f"/proc/{pid}/exe")
    one.vendor.set(grace_s=300)
    os.kill(pid, signal.SIGKILL)

    one.nursery.do("hurry", seconds=0)
    took_s = until(lambda: one.row(name)["generation"] == 1, LOOK_S + 20)
    note(f"renewed {took_s:.1f} s after its worker was killed")
    row = one.row(name)
    assert (row["access"], row["state"], row["holder"]) == (family.access, "ok", "")
    assert (len(family.requests), family.reuse) == (2, 0)
    one.vendor.set()


def test_tasks_and_schedules_carry_ids_or_nothing(one: Installation) -> None:
    """S-26: what a queue keeps is shown in the admin, for ever."""
    rows = one.nursery.do("end_of_queue")["rows"]
    assert RENEWAL in {function for function, _, _ in rows}
    for function, args, kwargs in rows:
        assert not kwargs, function
        assert isinstance(args, list) or not args, function
        for value in args or []:
            assert isinstance(value, int) or UUID(value), function


def test_no_log_of_a_worker_holds_a_token(one: Installation) -> None:
    for log in (one.data / "workers.txt", one.nursery.log):
        content = Path(log).read_bytes()
        assert b"at-test-" not in content
        assert b"rt-test-" not in content
