"""A server that is a program of the operator's own: started by us, spoken to over pipes.

    this process ─▶ _keeper.py (its own session and process group) ─▶ the server ─▶ …

The thread that reads the server's output also starts it: the kernel ends the keeper with
the *thread* that made it. The environment is small and holds nothing of ours but what the
operator wrote; what it says on its error output is kept in part, for `manage.py mcp`.
Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from context_app import pipes
from context_app.mcp import messages
from context_app.mcp.config import ServerConfig
from context_app.mcp.links import MAX_UNSOLICITED, Limits, OnChange
from context_app.mcp.messages import Ended, McpError
from providers.http.redact import without

_KEEPER = Path(__file__).with_name("_keeper.py")
_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
_READ_BYTES = 65536
_STDERR_BYTES = 2000  # kept of its error output: the end
_TICK_S = 0.1
_REPLY_S = 0.5  # to write what nobody waits for
_LEAVE_S = 1.0  # for a server to end by itself when its input does
_KILL_AFTER_S = 4.0  # the keeper has killed everything after two
_MAX_STRAY = 1000  # lines that are no message


class StdioLink:
    """One process and the conversation with it. Thread-safe."""

    is_light = False

    def __init__(self, config: ServerConfig, on_change: OnChange) -> None:
        self._config = config
        self._on_change = on_change
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # of what follows
        self._waiting: dict[int, queue.SimpleQueue[messages.Answer]] = {}
        self._trouble = ""
        self._unasked = 0  # messages since the last answer to a request of ours
        self._process: subprocess.Popen[bytes] | None = None
        self._writing = threading.Lock()
        self._started = threading.Event()
        self._stderr = bytearray()
        self._is_stderr_cut = False
        self._is_ready = False

    @property
    def trouble(self) -> str:
        return self._trouble

    def open(self, limits: Limits) -> Mapping[str, Any]:
        if sys.platform != "linux":
            raise McpError("Servers over stdio need Linux.")
        threading.Thread(
            target=self._live, name=f"mcp-{self._config.name}", daemon=True
        ).start()
        self._started.wait(max(limits.until - time.monotonic(), 0.0))
        result = self.request(messages.INITIALIZE, messages.initialize(), limits)
        if not isinstance(result, Mapping):
            raise McpError("The server did not introduce itself.")
        return result

    def opened(self, version: str, limits: Limits, *, tells_changes: bool) -> None:
        self._write(messages.notification("notifications/initialized"), limits)
        self._is_ready = True

    def request(self, method: str, params: Mapping[str, Any], limits: Limits) -> Any:
        number = next(self._numbers)
        answers: queue.SimpleQueue[messages.Answer] = queue.SimpleQueue()
        with self._lock:
            if self._trouble:
                raise McpError(self._trouble)
            self._waiting[number] = answers
        try:
            self._write(messages.request(number, method, params), limits)
            answer = self._awaited(answers, limits)
        except Ended as exc:
            if method != messages.INITIALIZE:
                self._aside(messages.cancelled(number, str(exc)))
            raise
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if answer.error is not None:
            raise answer.error
        return answer.result

    def close(self) -> None:
        self._over("It was closed.")

    # -- writing ------------------------------------------------------------------------

    def _write(self, message: Mapping[str, Any], limits: Limits) -> None:
        """A whole line or none: half of one would spoil all that follows."""
        line = messages.encode(message) + b"\n"
        if not self._writing.acquire(timeout=_left_s(limits)):
            raise Ended("It took too long.")
        try:
            self._put(line, limits)
        finally:
            self._writing.release()

    def _put(self, line: bytes, limits: Limits) -> None:
        process, at = self._process, 0
        if process is None or process.stdin is None:
            raise McpError(self._trouble or "The server was not started.")
        while at < len(line):
            try:
                if pipes.is_writable(process.stdin, _TICK_S):
                    at += os.write(process.stdin.fileno(), line[at : at + _READ_BYTES])
            except BlockingIOError:
                pass
            except (OSError, ValueError):
                raise McpError(self._trouble or "The server has ended.") from None
            is_stopped = limits.stop.is_set()
            if at < len(line) and (is_stopped or _left_s(limits) <= 0):
                if at:
                    self._over("The server does not read what it is sent.")
                raise Ended("It was stopped." if is_stopped else "It took too long.")

    def _aside(self, message: Mapping[str, Any]) -> None:
        """What nobody waits for. Never in a thread of its own: a server could ask for any
        number of them."""
        limits = Limits(until=time.monotonic() + _REPLY_S, stop=threading.Event())
        with contextlib.suppress(McpError):
            self._write(message, limits)

    def _awaited(
        self, answers: queue.SimpleQueue[messages.Answer], limits: Limits
    ) -> messages.Answer:
        while True:
            try:
                return answers.get(timeout=min(_TICK_S, max(_left_s(limits), 0.001)))
            except queue.Empty:
                pass
            if limits.stop.is_set():
                raise Ended("It was stopped.")
            if _left_s(limits) <= 0:
                raise Ended("It took too long.")

    # -- the thread that starts it, reads it and ends it --------------------------------

    def _live(self) -> None:
        try:
            process = self._start()
        except OSError as exc:
            self._over(f"It cannot be started ({exc.strerror}).")
            return
        finally:
            self._started.set()
        try:
            self._read(process)
        finally:
            self._over("The server has ended.")
            self._end(process)

    def _start(self) -> subprocess.Popen[bytes]:
        inherited = {n: os.environ[n] for n in _INHERITED if n in os.environ}
        process = subprocess.Popen(  # noqa: S603 -- the operator's own command
            [sys.executable, "-I", "-S", str(_KEEPER), str(os.getpid()),
             *self._config.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited, **self._config.env},
            cwd=self._config.cwd,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        os.set_blocking(process.stdin.fileno(), False)
        with self._lock:
            self._process = process
        return process

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None and process.stderr is not None
        rest, stray = bytearray(), 0
        sources: list[IO[bytes]] = [process.stdout, process.stderr]
        while not self._trouble:
            for source in pipes.readable(sources, _TICK_S * 5):
                data = os.read(source.fileno(), _READ_BYTES)
                if source is process.stderr:
                    self._keep(data)
                    if not data:
                        sources.remove(source)
                    continue
                if not data:
                    return self._drain(process)
                rest += data
                *lines, last = rest.split(b"\n") if b"\n" in data else [rest]
                rest = bytearray(last)
                if max(map(len, (*lines, rest))) > messages.MAX_MESSAGE_BYTES:
                    return self._over("The server sent a line that is far too long.")
                stray += sum(not self._take(line) for line in lines)
                if stray > _MAX_STRAY:
                    return self._over("The server writes what is no message.")

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        """It has ended: its last words say why."""
        assert process.stderr is not None
        while pipes.readable([process.stderr], _TICK_S):
            data = os.read(process.stderr.fileno(), _READ_BYTES)
            if not data:
                return
            self._keep(data)

    def _keep(self, data: bytes) -> None:
        self._stderr += data
        self._is_stderr_cut |= len(self._stderr) > _STDERR_BYTES
        del self._stderr[:-_STDERR_BYTES]

    def _take(self, line: bytes | bytearray) -> bool:
        """Deal with one line. False when it is no message."""
        if not line.strip():
            return True
        found = messages.understood(messages.decode(bytes(line)))
        with self._lock:
            self._unasked += 1
            if self._unasked > MAX_UNSOLICITED:
                found = None
            if isinstance(found, messages.Answer):
                answers = self._waiting.get(found.number)
                if answers is not None:
                    self._unasked = 0
                    answers.put(found)
        if isinstance(found, messages.Asked):
            self._aside(found.reply)
        elif (
            isinstance(found, messages.Told) and found.method == messages.TOOLS_CHANGED
        ):
            self._on_change()
        return found is not None

    def _over(self, why: str) -> None:
        """Nothing is asked or answered any more; those who wait are told."""
        with self._lock:
            if self._trouble:
                return
            # Of use to who set it up; later it may be about anything, or anybody.
            last_words = "" if self._is_ready else self._last_words()
            self._trouble = f"{why} {last_words}".strip()
            waiting, self._waiting = self._waiting, {}
        for number, answers in waiting.items():
            error = McpError(self._trouble)
            answers.put(messages.Answer(number, error=error))
        self._on_change()

    def _last_words(self) -> str:
        # Half a secret is not recognised any more: what a cut may have left of one goes.
        longest = max((len(s.encode()) for s in self._config.secrets), default=0)
        kept = self._stderr[longest if self._is_stderr_cut else 0 :]
        said = kept.decode("utf-8", "replace")
        words = " ".join(without(said, self._config.secrets).split())
        return f"It said last: “{words[-300:]}”" if words else ""

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Close its input, ask, kill: nothing of it is left afterwards."""
        with self._writing:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        for number, wait_s in ((None, _LEAVE_S), (signal.SIGTERM, _KILL_AFTER_S)):
            if number is not None:
                _signal(process, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
                break
        _signal(process, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _left_s(limits: Limits) -> float:
    return limits.until - time.monotonic()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """The keeper and everything that stayed in its process group."""
    if process.poll() is None:  # not reaped: the number is still its own
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number)
