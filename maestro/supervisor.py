"""Keeps the processes of one installation alive, and leaves none behind.

    supervisor ─┬─ web       Daphne (forked: it shares the memory of Django's import)
                ├─ worker    qcluster, whose own children die with it
                └─ emulator  only while there are demo credentials

A child that ends is started again, slower each time. Whatever is killed, nothing stays:
children get a signal from the kernel when the supervisor dies, each child is a process
group of its own, and orphaned grandchildren are adopted and ended.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from maestro import processes

log = logging.getLogger(__name__)

STOP_WITHIN_S = 10.0
_LONGEST_PAUSE_S = 10.0
_GIVE_UP_AFTER = 6  # failures in a row within _FAILING_WITHIN_S of their start
_FAILING_WITHIN_S = 10.0


@dataclass(slots=True)
class Child:
    """One process to keep alive. `wanted` may turn false while it runs."""

    name: str
    run: Callable[[], None]
    wanted: Callable[[], bool] = lambda: True
    pid: int = 0
    started_at: float = 0.0
    failures: int = 0
    start_after: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Starts, watches and ends children. `run()` blocks until a signal."""

    children: list[Child]
    tick_s: float = 0.2
    on_started: Callable[[], None] = lambda: None
    _stopping: bool = False
    _exit_code: int = 0
    _wake: threading.Event = field(default_factory=threading.Event)

    def run(self) -> int:
        """Keep them alive until SIGTERM or SIGINT; the exit code."""
        processes.adopt_orphans()
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._stop)
        for child in self.children:
            self._start(child)
        self.on_started()
        while not self._stopping:
            self._reap()
            self._adjust()
            self._wake.wait(self.tick_s)
        self._end_all()
        return self._exit_code

    def _stop(self, signum: int, frame: object) -> None:
        self._stopping = True
        self._wake.set()

    def _start(self, child: Child) -> None:
        if not child.wanted():
            return
        parent = os.getpid()
        child.started_at = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _become(child, parent)
        child.pid = pid
        log.debug("supervisor.started", extra={"child": child.name, "child_pid": pid})

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self.children:
                if child.pid == pid:
                    self._ended(child, status)

    def _ended(self, child: Child, status: int) -> None:
        _signal_group(child.pid, signal.SIGKILL)  # what it left behind
        child.pid = 0
        now = time.monotonic()
        failed_early = now - child.started_at < _FAILING_WITHIN_S
        child.failures = child.failures + 1 if failed_early else 1
        child.start_after = now + min(0.25 * 2**child.failures, _LONGEST_PAUSE_S)
        log.error(
            "supervisor.child_ended",
            extra={
                "child": child.name,
                "exit_code": os.waitstatus_to_exitcode(status),
                "failures": child.failures,
            },
        )
        if child.failures >= _GIVE_UP_AFTER:
            log.error("supervisor.gave_up", extra={"child": child.name})
            self._exit_code = 1
            self._stopping = True

    def _adjust(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if child.pid and not child.wanted():
                _signal_group(child.pid, signal.SIGTERM)
            elif not child.pid and child.wanted() and now >= child.start_after:
                self._start(child)

    def _end_all(self) -> None:
        """SIGTERM to each child, SIGKILL to whatever of its group is left."""
        for child in self.children:
            if child.pid:
                os.kill(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        groups = [child.pid for child in self.children if child.pid]
        alive = set(groups)
        while alive and time.monotonic() < deadline:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            alive.discard(pid)
            if pid == 0:
                time.sleep(0.05)
        for group in groups:
            _signal_group(group, signal.SIGKILL)


def _become(child: Child, parent: int) -> None:
    """In the forked process: run the child and never return."""
    code = 1
    try:
        os.setpgid(0, 0)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_DFL)
        processes.end_after_parent(parent, grace_s=8.0)
        child.run()
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else 1
    except BaseException:
        log.exception("supervisor.child_failed", extra={"child": child.name})
    finally:
        logging.shutdown()
        os._exit(code)


def _signal_group(group: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)
