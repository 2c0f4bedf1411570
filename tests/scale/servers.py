"""A PostgreSQL and a Redis of the test's own: to be stopped, frozen and killed.

Both live in a temporary folder, on free ports, and hold nothing anybody else uses.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.world import _free_port as free_port


def missing(what: str) -> None:
    """Not on this machine: skipped with a word, and a failure where nothing may be."""
    if os.environ.get("CI"):
        pytest.fail(f"no {what} on this machine")
    pytest.skip(f"no {what} on this machine")


class Postgres:
    """One cluster. As root it runs as the user `postgres`, which must not be root."""

    def __init__(self, max_connections: int = 60) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found:
            missing("PostgreSQL")
        self._bin = found[-1].parent
        self._is_root = os.geteuid() == 0
        # Short: the socket's path has a limit. And readable for the other user.
        self._folder = Path(tempfile.mkdtemp(prefix="mpg-", dir="/tmp"))
        if self._is_root:
            postgres = pwd.getpwnam("postgres")
            os.chown(self._folder, postgres.pw_uid, postgres.pw_gid)
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._run(
            "initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-D", self._data
        )
        with (self._folder / "data" / "postgresql.conf").open("a") as conf:
            conf.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                f"unix_socket_directories = '{self._folder}'\nfsync = off\n"
                f"max_connections = {max_connections}\nshared_buffers = 32MB\n"
            )
        self.start()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        if self._is_root:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "-t", "30", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def freeze(self) -> None:
        """As when its machine moves to another: nobody answers, nothing is closed."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, signum: signal.Signals) -> None:
        top = psutil.Process(
            int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        )
        for process in [top, *top.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signum)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Redis:
    """One server that keeps nothing: restarted, it has forgotten every group."""

    def __init__(self) -> None:
        found = shutil.which("redis-server")
        if not found:
            missing("Redis")
        self._program = str(found)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no"],
            cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self._answers)

    def _answers(self) -> bool:
        import redis

        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.go_on()
        self.kill()


def wait_for(is_true: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
