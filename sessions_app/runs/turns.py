"""The database from many run threads: by a few threads of ours, and writing in turn.

A run needs the database at its start and at its end, for milliseconds. Hundreds of runs
that start together would open hundreds of connections, and on SQLite, which has one
writer, ask for its lock all at once, sleeping longer and longer between tries. So run
threads hand this work to a few threads that keep their connection, and transactions of
this process queue for a lock of our own, which wakes the next one at once. PostgreSQL
needs no such lock; its connections go back to their pool.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import ParamSpec, TypeVar

from django.db import Error, connection, connections, transaction

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

PATIENCE_S, REST_S = 60.0, 0.5

_turn = threading.Lock()
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="run-db")


@contextmanager
def turn() -> Iterator[None]:
    """Our turn to write one statement. Inside a transaction it is ours already."""
    is_ours = connection.vendor == "sqlite" and not connection.in_atomic_block
    with _turn if is_ours else nullcontext():
        yield


@contextmanager
def writing() -> Iterator[None]:
    """A transaction that writes. Inside another one it is simply a part of that."""
    with turn(), transaction.atomic():
        yield


def in_database(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it in one of the database threads and wait; raises what it raises."""
    try:
        waiting = _pool.submit(and_tidy, call, *args, **kwargs)
    except RuntimeError:  # the interpreter is ending, and this is the last commit
        return and_tidy(call, *args, **kwargs)
    return waiting.result()


def with_patience(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for what was paid for, or done: tried for a minute where the database is
    busy or away. Raises what it raises last."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return in_database(call, *args, **kwargs)
        except Error as exc:
            if time.monotonic() > deadline:
                raise
            log.warning("runs.store_failed", extra={"error": type(exc).__name__})
            time.sleep(REST_S)


def and_tidy(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it, then leave the thread's connection as the next piece of work wants it.

    SQLite's stays open, since it costs more to open than to keep; others go back to the
    pool. After a database error a fresh one is wanted.
    """
    is_broken = False
    try:
        return call(*args, **kwargs)
    except Error:
        is_broken = True
        raise
    finally:
        if is_broken or connection.vendor != "sqlite":
            connections.close_all()
