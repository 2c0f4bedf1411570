"""Somebody who works on while a table is migrated: the longest that a read or a write took.

    python -m benchmarks.bystander DSN TABLE COLUMN        until its input is closed

A process of its own: the work of a migration must not hold it up but by its locks. Every
few milliseconds it reads a row and writes another as it was; both are told as JSON.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

EVERY_S = 0.005


@contextmanager
def watching(dsn: str, table: str, column: str) -> Iterator[dict[str, float]]:
    """Milliseconds of the block, in `read` and `write`, when it has ended."""
    slowest: dict[str, float] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bystander", dsn, table, column],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()  # it is connected
        yield slowest
        process.stdin.close()
        slowest |= json.loads(process.stdout.readline())


def _work(
    dsn: str, statement: sql.Composed, name: str, slowest: dict[str, float]
) -> None:
    dice = random.Random(0)
    with psycopg.connect(dsn, autocommit=True) as connection:
        while not _over.is_set():
            started = time.monotonic()
            connection.execute(statement, [dice.choice(_keys)])
            took_ms = 1000 * (time.monotonic() - started)
            slowest[name] = max(slowest[name], round(took_ms, 1))
            _over.wait(EVERY_S)


_over = threading.Event()
_keys: list[object] = []


def main(dsn: str, table: str, column: str) -> None:
    """Until the input is closed."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    read = sql.SQL("SELECT {column} FROM {table} WHERE id = %s").format(**names)
    write = sql.SQL("UPDATE {table} SET {column} = {column} WHERE id = %s")
    sample = sql.SQL("SELECT id FROM {table} ORDER BY random() LIMIT 2000")
    with psycopg.connect(dsn) as connection:
        _keys.extend(key for (key,) in connection.execute(sample.format(**names)))
    slowest = {"read": 0.0, "write": 0.0}
    threads = [
        threading.Thread(target=_work, args=(dsn, statement, name, slowest))
        for statement, name in ((read, "read"), (write.format(**names), "write"))
    ]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.read()
    _over.set()
    for thread in threads:
        thread.join()
    print(json.dumps(slowest), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
