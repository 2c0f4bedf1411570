"""Which process did something, and whether it still lives. For claims and leases."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path


def identity() -> str:
    """This process, told apart from a later one with the same number."""
    return _identity(os.getpid())


@cache
def _identity(pid: int) -> str:
    return f"{socket.gethostname()[:80]}:{pid}:{_started(pid)}"


def _started(pid: int) -> str:
    """When a process started, in the kernel's words; "" where it does not say."""
    return (_stat(pid) or [""] * 20)[19]


def _stat(pid: int) -> list[str]:
    """From the state on, as in proc_pid_stat(5); [] where there is no such file."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return stat.rpartition(")")[2].split()


def is_dead(worker: str) -> bool:
    """Whether that process is known to be gone; False where we cannot know."""
    host, _, rest = worker.rpartition(":")[0].rpartition(":")
    started = worker.rpartition(":")[2]
    if host != socket.gethostname()[:80] or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    stat = _stat(int(rest))
    if stat and stat[0] in "ZX":
        return True  # it has ended, and its parent has not looked yet
    return bool(started) and _started(int(rest)) != started
