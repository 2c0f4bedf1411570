"""Who may work on an installation now. Locks of the kernel and of PostgreSQL: whoever is
killed holds none.

    maestro.pid    bin/run: alone.  serve, work: together.  restore: alone.
    backup.lock    one backup at a time
    schema.lock    one migration at a time; on PostgreSQL an advisory lock, for all machines
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.db import connections

from maestro.operations.errors import InUse, OperationFailed

# Of our own choosing: any 64-bit number that nobody else in this database uses.
_ADVISORY = 0x4D61_6573_7472_6F31


def hold(data_dir: Path, *, alone: bool, wait_s: float = 5.0) -> IO[str]:
    """The installation's lock; keep the file open. Raises InUse with the other's pid,
    OperationFailed where nothing can be written.

    Children inherit it: nobody comes in while one of them still lives. `wait_s`: those of
    a killed start need a moment to end.
    """
    try:
        file = open(data_dir / "maestro.pid", "a+", encoding="ascii")  # noqa: SIM115
    except OSError as exc:
        raise OperationFailed(
            f"{data_dir} cannot be written ({exc.strerror}). Make room or give it to this "
            "user, or choose another with --data."
        ) from None
    os.set_inheritable(file.fileno(), True)
    if not _locked(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, wait_s):
        file.seek(0)
        other = file.read().strip() or "unknown"
        file.close()
        raise InUse(
            f"Maestro already runs on {data_dir} (process {other}). "
            "Stop it first, or use another --data."
        )
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


@contextmanager
def backup_lock(data_dir: Path) -> Iterator[None]:
    """One backup at a time. Raises InUse."""
    with open(data_dir / "backup.lock", "a+", encoding="ascii") as file:
        if not _locked(file, fcntl.LOCK_EX, 0.0):
            raise InUse("Another backup of this installation is being made just now.")
        yield


@contextmanager
def schema_lock(
    data_dir: Path, using: str = "default", *, waiting: Callable[[], None]
) -> Iterator[None]:
    """One migration at a time; waits for the other. `waiting` is called once if it must."""
    if connections[using].vendor == "postgresql":
        with _advisory(using, waiting):
            yield
        return
    with open(data_dir / "schema.lock", "a+", encoding="ascii") as file:
        if not _locked(file, fcntl.LOCK_EX, 0.0):
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _advisory(using: str, waiting: Callable[[], None]) -> Iterator[None]:
    """On a connection of its own: the migrations may close and open theirs."""
    connection = connections[using].copy()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY])
            if not cursor.fetchone()[0]:
                waiting()
                cursor.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY])
    finally:
        connection.close()


def _locked(file: IO[str], kind: int, wait_s: float) -> bool:
    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)
        else:
            return True
