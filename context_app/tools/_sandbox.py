"""Runs one command: bounded in time, output and means, locked in where that is possible.

    run ─▶ _sandbox_child.py (its own session, above everything the command starts) ─▶ sh

The child process does what must not happen in a server with threads (fork, namespaces,
limits) and outlives nobody: it ends with this process (PR_SET_PDEATHSIG), and the command
and all that it started end with it. Used by `shell.py`.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from context_app import pipes

_CHILD = Path(__file__).with_name("_sandbox_child.py")
_TICK_S = 0.1
_KILL_AFTER_S = 4.0  # the child has killed everything after two
_START_S = 10.0
HEAD_BYTES = 24_000  # kept from the beginning of the output, and from its end
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TMP_BYTES = 256 * 1024 * 1024
_GIB = 1024**3


class CannotRun(Exception):
    """The command was not started; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended. `status`: its exit status, or 128 + the signal.

    `output` is standard output and error as they came, without what `left_out` counts
    (bytes in the middle). `ended_by` is "" or why we ended it: time, stop.
    """

    status: int
    output: str
    left_out: int
    ended_by: str
    is_sandboxed: bool
    took_s: float


def can_isolate() -> bool:
    """Whether this machine offers the namespaces. Tried once per process."""
    global _can_isolate
    with _lock:
        if _can_isolate is None:
            _can_isolate = sys.platform == "linux" and _try()
        return _can_isolate


def run(
    command: str,
    workspace: str,
    *,
    timeout_s: float,
    stop: threading.Event,
    is_sandboxed: bool | None = None,
) -> Ran:
    """Run `command` with /bin/sh in `workspace`; returns when nothing of it is left.

    `is_sandboxed` None: where the machine can. A sandbox that cannot be made is an error,
    never a command that runs without. Raises CannotRun.
    """
    isolated = can_isolate() if is_sandboxed is None else is_sandboxed
    with contextlib.ExitStack() as stack:
        if isolated:
            temporary = "/tmp"  # noqa: S108 -- its own, in memory, gone afterwards
        else:
            temporary = tempfile.mkdtemp(prefix="maestro-shell-")
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
        job = _job(command, workspace, temporary, timeout_s, isolated)
        return _Running(job, timeout_s, stop).result()


def _job(
    command: str, workspace: str, temporary: str, timeout_s: float, isolated: bool
) -> dict[str, Any]:
    limits = {
        "RLIMIT_CPU": int(timeout_s) + 5,
        "RLIMIT_FSIZE": _GIB,
        "RLIMIT_AS": 8 * _GIB,  # address space, not memory: V8 and the JVM reserve much
        "RLIMIT_NOFILE": 1024,
        "RLIMIT_CORE": 0,
    }
    if isolated:  # elsewhere it counts all processes of the server's user
        limits["RLIMIT_NPROC"] = 512
    return {
        "command": command,
        "workspace": workspace,
        "sandbox": isolated,
        "limits": limits,
        "tmp_bytes": _TMP_BYTES,
        "parent": os.getpid(),
        # Nothing of the server's own environment: it holds keys.
        "env": {
            "PATH": _PATH,
            "HOME": workspace,
            "LANG": "C.UTF-8",
            "TMPDIR": temporary,
        },
    }


class _Running:
    """One child, from its start to its last byte."""

    def __init__(
        self, job: dict[str, Any], timeout_s: float, stop: threading.Event
    ) -> None:
        self._job = job
        self._stop = stop
        self._started = time.monotonic()
        self._end = self._started + timeout_s
        self._kept = _HeadAndTail()
        self._ended_by = ""
        self._kill_at = 0.0

    def result(self) -> Ran:
        report, reported = os.pipe()
        try:
            process = subprocess.Popen(  # noqa: S603 -- our own script
                [sys.executable, "-I", "-S", str(_CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={},
                cwd="/",
                start_new_session=True,
                pass_fds=(reported,),
            )
            os.close(reported)
            reported, job = -1, {**self._job, "report": reported}
            with process, _known(process):
                assert process.stdin is not None
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(json.dumps(job).encode())
                    process.stdin.close()
                try:
                    self._follow(process)
                finally:
                    _end(process)
            said = os.read(report, 4096).decode("utf-8", "replace")
        finally:
            os.close(report)
            if reported >= 0:
                os.close(reported)
        return self._told(process.returncode, said)

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """Take its output until it ends or is ended."""
        assert process.stdout is not None
        while True:
            self._look_at_the_clock(process)
            if pipes.readable([process.stdout], _TICK_S):
                data = process.stdout.read1(65536)  # type: ignore[attr-defined]
                if not data:
                    break
                self._kept.add(data)
            elif process.poll() is not None:
                break  # somebody else holds the pipe, and nobody is left to write
        process.wait(timeout=_KILL_AFTER_S)

    def _look_at_the_clock(self, process: subprocess.Popen[bytes]) -> None:
        now = time.monotonic()
        if self._kill_at:
            if now > self._kill_at:
                _kill(process, signal.SIGKILL)
        elif self._stop.is_set() or now > self._end:
            self._ended_by = "stop" if self._stop.is_set() else "time"
            self._kill_at = now + _KILL_AFTER_S
            _kill(process, signal.SIGTERM)

    def _told(self, code: int, said: str) -> Ran:
        if said != "running" and not self._ended_by:
            raise CannotRun(said or "the process above it did not start")
        output, left_out = self._kept.text()
        return Ran(
            status=code if code >= 0 else 128 - code,
            output=output,
            left_out=left_out,
            ended_by=self._ended_by,
            is_sandboxed=self._job["sandbox"],
            took_s=time.monotonic() - self._started,
        )


class _HeadAndTail:
    """Keeps the first and the last bytes of whatever comes."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = bytearray()
        self._dropped = 0

    def add(self, data: bytes) -> None:
        room = HEAD_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[max(room, 0) :]
        if len(self._tail) > HEAD_BYTES:
            self._dropped += len(self._tail) - HEAD_BYTES
            del self._tail[:-HEAD_BYTES]

    def text(self) -> tuple[str, int]:
        """(text, bytes left out of its middle); no control characters."""
        pieces = [self._head, bytes(self._tail)]
        if self._dropped:
            pieces.insert(1, f"\n[… {self._dropped:,} bytes left out …]\n".encode())
        text = b"".join(pieces).decode("utf-8", "replace")
        return text.translate(_NO_CONTROL), self._dropped


_NO_CONTROL = str.maketrans(
    {chr(code): "\ufffd" for code in (*range(32), 0x7F) if chr(code) not in "\t\n\r"}
)
_lock = threading.Lock()
_can_isolate: bool | None = None
_processes: set[subprocess.Popen[bytes]] = set()


@contextlib.contextmanager
def _known(process: subprocess.Popen[bytes]) -> Any:
    """Ended with this process, should it exit in the meantime."""
    _processes.add(process)
    try:
        yield
    finally:
        _processes.discard(process)


def _kill(process: subprocess.Popen[bytes], number: int) -> None:
    """The child and everything that stayed in its process group."""
    if process.returncode is None:  # not reaped: the number is still its own
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number)


def _end(process: subprocess.Popen[bytes]) -> None:
    """However it came to this: nothing is left. The child gets the time to see to what
    has left its process group."""
    if process.poll() is None:
        _kill(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_KILL_AFTER_S)
    _kill(process, signal.SIGKILL)


@atexit.register
def _end_all() -> None:
    for process in list(_processes):
        _kill(process, signal.SIGTERM)


def _try() -> bool:
    with tempfile.TemporaryDirectory(prefix="maestro-sandbox-") as folder:
        job = _job("true", os.path.realpath(folder), "/tmp", _START_S, True)  # noqa: S108
        try:
            ran = _Running(job, _START_S, threading.Event()).result()
        except (CannotRun, OSError, subprocess.SubprocessError):
            return False
    return ran.status == 0


def _forget() -> None:
    """A forked process has its parent's children no more, and a lock of its own."""
    global _lock, _processes
    _lock = threading.Lock()
    _processes = set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
