"""Re-encrypt everything with the newest key, while the installation works on.

Short batches: decrypt and encrypt outside any transaction, then one compare-and-swap
statement per row in a short one. A row that somebody changed meanwhile is simply taken
again. Nothing is remembered outside the rows, so a killed rotation is repeated and goes on
where it ended. Called by `manage.py rotate_keys` and after a restore.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connections, transaction
from django.db.models import Count, Q
from django.db.models.functions import Substr

from sessions_app.sealing import crypto, key_changes, key_files, spool
from sessions_app.services import sealed_columns
from sessions_app.services.sealed_columns import SealedColumn

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # done, total

BATCH = 200  # rows: larger ones keep others waiting for more than 100 ms
_PASSES = 20
_BUSY_TRIES = 30  # a second each: SQLite has then waited for its own 20 s before
# A process may have encrypted with the old key just before the new one was there, and
# commit only now. Longer than SQLite waits for a lock (20 s); what comes later still is
# met by the last look, right before a key goes.
SETTLED_S = 30.0


@dataclass(slots=True)
class Rotated:
    """How it went. `unreadable` holds (label, primary key, why), at most 100 of them."""

    key: str
    changed: int = 0
    unreadable_count: int = 0
    unreadable: list[tuple[str, str, str]] = field(default_factory=list)


def rotate(progress: Progress = lambda done, total: None) -> Rotated:
    """Everything that is not under the newest key comes under it. Safe to repeat."""
    ring = crypto.keyring()
    newest = ring.ids[0]
    report = Rotated(key=newest)
    total = sum(_old(column, newest).count() for column in sealed_columns.present())
    for column in sealed_columns.present():
        for _ in range(_PASSES):
            # A pass that met nobody else's changes leaves only what cannot be read.
            missed, unreadable = _pass(column, ring, report, progress, total)
            if not missed:
                break
        report.unreadable_count += len(unreadable)
        report.unreadable += unreadable[: 100 - len(report.unreadable)]
    log.info(
        "keys.rotated",
        extra={
            "key_id": newest,
            "rows": report.changed,
            "unreadable": report.unreadable_count,
        },
    )
    return report


def in_use() -> dict[str, Counter[str]]:
    """Label → key id → number of values, for everything encrypted; spool files too."""
    found: dict[str, Counter[str]] = {}
    for column in sealed_columns.present():
        heads = (
            column.rows()
            .exclude(**{column.field: ""})
            .annotate(_head=Substr(column.field, 1, 12))  # "m1:<8 hex digits>:"
            .order_by()
            .values_list("_head")
            .annotate(_count=Count("pk"))
        )
        counts: Counter[str] = Counter()
        for head, count in heads:
            counts[sealed_columns.key_id(head)] += count
        found[column.label] = counts
    waiting = Counter(sealed_columns.key_id(text) for text in spool.sealed_texts())
    found["renewed logins not stored yet"] = waiting
    return found


def droppable() -> tuple[list[str], dict[str, int]]:
    """Ids of the older keys that nothing uses, and of those in use with their counts."""
    used: Counter[str] = Counter()
    for counts in in_use().values():
        used.update(counts)
    older = crypto.keyring().ids[1:]
    return [key for key in older if not used[key]], {
        key: used[key] for key in older if used[key]
    }


def settle_s() -> float:
    """Seconds until nobody can still be storing a value under a key of before."""
    changed = key_changes.require_file().stat().st_mtime
    return min(max(0.0, changed + SETTLED_S - time.time()), SETTLED_S)


def drop_unused() -> tuple[list[str], dict[str, int]]:
    """Remove the older keys that nothing uses: (removed ids, refused ids → uses).

    Call it after `settle_s`. Raises CryptoError where keys are not in a file.
    """
    key_changes.require_file()
    unused, used = droppable()
    removed = key_changes.remove(unused) if unused else []
    if removed:
        log.info("keys.dropped", extra={"key_ids": removed})
    return removed, used


def _old(column: SealedColumn, newest: str) -> Any:
    prefix = f"{crypto.VERSION}:{newest}:"
    is_new = Q(**{f"{column.field}__startswith": prefix})
    return column.rows().exclude(is_new | Q(**{column.field: ""}))


def _pass(
    column: SealedColumn,
    ring: crypto.Keyring,
    report: Rotated,
    progress: Progress,
    total: int,
) -> tuple[int, list[tuple[str, str, str]]]:
    """Once through the table, by key. How many were changed under our hands, and what
    cannot be read."""
    missed = 0
    unreadable: list[tuple[str, str, str]] = []
    for batch in _batches(column, ring.ids[0]):
        changes = []
        for pk, token in batch:
            context = column.context(pk)
            try:
                fresh = ring.encrypt(ring.decrypt(token, context), context)
            except key_files.CryptoError as exc:
                unreadable.append((column.label, str(pk), str(exc)))
                continue
            changes.append((fresh, column.to_database("default", pk), token))
        done = _swap(column, changes)
        missed += len(changes) - done
        report.changed += done
        progress(report.changed, max(total, report.changed))
    return missed, unreadable


def _batches(column: SealedColumn, newest: str) -> Iterator[list[tuple[Any, str]]]:
    last = None
    while True:
        rows = _old(column, newest).order_by("pk")
        if last is not None:
            rows = rows.filter(pk__gt=last)
        batch = list(rows.values_list("pk", column.field)[:BATCH])
        if not batch:
            return
        last = batch[-1][0]
        yield batch


def _swap(column: SealedColumn, changes: list[tuple[str, Any, str]]) -> int:
    """Store each new value where the old one still stands; how many that were."""
    if not changes:
        return 0
    connection = connections["default"]
    quote = connection.ops.quote_name
    table, name = quote(column.table), quote(column.field)
    # Names only, from our own models; values are parameters.
    statement = f"UPDATE {table} SET {name} = %s WHERE id = %s AND {name} = %s"  # noqa: S608
    for attempt in range(_BUSY_TRIES):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(statement, changes)
                return int(cursor.rowcount)
        except OperationalError:
            if attempt == _BUSY_TRIES - 1:
                raise
            connection.close()
            time.sleep(1.0)
    raise AssertionError("unreachable")
