"""A process of its own with a database of its own, and a timer of its statements.

What is measured never touches an installation: the data directory is new, and PostgreSQL,
where one answers, gets a database that is dropped afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = os.environ.get(
    "MAESTRO_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres"
)


def databases() -> list[str]:
    """What there is to measure on: sqlite, and postgresql where one answers."""
    import psycopg

    try:
        psycopg.connect(POSTGRES, connect_timeout=2).close()
    except psycopg.OperationalError:
        return ["sqlite"]
    return ["sqlite", "postgresql"]


def run_inside(
    module: str, *arguments: object, database: str = "sqlite", **settings: str
) -> Any:
    """What `python -m MODULE work ARGUMENTS` prints as JSON, with a prepared database."""
    with (
        tempfile.TemporaryDirectory(prefix="maestro-benchmark-") as data,
        _database(database) as url,
    ):
        env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "maestro.settings",
            "MAESTRO_DATA": data,
            "MAESTRO_DATABASE_URL": url,
            "MAESTRO_DEMO": "false",
            "MAESTRO_LOG_LEVEL": "ERROR",
            **settings,
        }
        command = [sys.executable, "manage.py", "prepare"]
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
        done = subprocess.run(
            [sys.executable, "-m", module, "work", *map(str, arguments)],
            cwd=ROOT,
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return json.loads(done.stdout)


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """The value of MAESTRO_DATABASE_URL; empty is SQLite."""
    if kind == "sqlite":
        yield ""
        return
    import psycopg

    name = f"maestro_benchmark_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRES.rpartition('/')[0]}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Timer:
    """Statements of all threads: how many, how long together, the longest."""

    def __init__(self) -> None:
        from django.db.backends.signals import connection_created

        self._lock = threading.Lock()
        self.reset()
        connection_created.connect(self._watch, weak=False)

    def reset(self) -> None:
        """From now on."""
        self.count, self.total_s, self.longest_s = 0, 0.0, 0.0

    def _watch(self, connection: Any, **_: object) -> None:
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.append(self)

    def __call__(self, execute: Any, *arguments: Any) -> Any:
        started = time.monotonic()
        try:
            return execute(*arguments)
        finally:
            took_s = time.monotonic() - started
            with self._lock:
                self.count += 1
                self.total_s += took_s
                self.longest_s = max(self.longest_s, took_s)

    @contextmanager
    def measured(self) -> Iterator[dict[str, float]]:
        """Seconds of the block, in `s`."""
        took: dict[str, float] = {}
        self.reset()
        started = time.monotonic()
        yield took
        took["s"] = round(time.monotonic() - started, 4)
