"""Put a backup back: verified first, swapped in at one moment, the old one kept aside."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from maestro.operations import (
    backups,
    drafts,
    facts,
    locks,
    postgres,
    sqlite,
    verifying,
)
from maestro.operations.archive import Reader
from maestro.operations.errors import OperationFailed, Unfit, in_words
from sessions_app.sealing import crypto
from sessions_app.services import sealed_columns

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
SCHEMA = "maestro_restoring"

_CAUSE = "It came from a backup whose encryption key is not here. Enter it again."


@dataclass(slots=True)
class Restored:
    """`kept`: where the database of before is; "" when there was none."""

    report: verifying.Report
    kept: str
    unreadable: int  # credentials marked so, because their key is not here


def restore(path: Path, progress: Progress, *, without_keys: bool = False) -> Restored:
    """Replace the database by that of a backup. Raises OperationFailed and its kinds.

    Refuses while anything of this installation runs. `without_keys`: also where the keys
    of the backup are lost; its credentials are then marked unreadable, the rest works.
    """
    data_dir = Path(settings.DATA_DIR)
    lock = locks.hold(data_dir, alone=True, wait_s=1.0)
    try:
        with locks.backup_lock(data_dir), in_words("The restored database"):
            drafts.sweep(data_dir)
            drafts.sweep(sqlite.path().parent)
            with Reader(path) as reader:
                return _restore(path, reader, progress, without_keys)
    finally:
        lock.close()


def _restore(
    path: Path, reader: Reader, progress: Progress, without_keys: bool
) -> Restored:
    facts.refuse_newer(reader.manifest["migrations"], "The backup")
    _require_same_kind(reader)
    report = verifying.check(path, progress)
    if report.problems or (report.key_problems and not without_keys):
        advice = (
            " Bring the keys with --keys-from, or accept it with --without-keys."
            if not report.problems
            else ""
        )
        why = "; ".join(report.all_problems)
        raise Unfit(f"It cannot be restored: {why}.{advice}")
    stamp = backups.stamp()
    if reader.manifest["vendor"] == "sqlite":
        kept, unreadable = _into_sqlite(reader, progress, stamp)
    else:
        kept, unreadable = _into_postgres(reader, progress, stamp)
    log.info("restore.done", extra={"rows": report.rows, "unreadable": unreadable})
    return Restored(report=report, kept=kept, unreadable=unreadable)


def _into_sqlite(reader: Reader, progress: Progress, stamp: str) -> tuple[str, int]:
    parent = sqlite.path().parent  # the same disk, so that a rename is enough
    require_room(parent, reader.size)
    with (
        drafts.folder(parent) as folder,
        sqlite.loaded(reader, folder, progress) as target,
    ):
        with sqlite.opened(target) as connection:
            unreadable = _fit_keys(connection)
        return sqlite.swap(target, stamp), unreadable


def _into_postgres(reader: Reader, progress: Progress, stamp: str) -> tuple[str, int]:
    live = postgres.leave()
    with postgres.loaded(reader, SCHEMA, progress) as connection:
        postgres.refuse_others(connection)
        unreadable = _fit_keys(connection)
        return postgres.swap(connection, SCHEMA, live, stamp), unreadable


@contextmanager
def on_a_copy(
    reader: Reader, schema: str, progress: Progress
) -> Iterator[BaseDatabaseWrapper]:
    """A connection to a database like the backup's, gone afterwards. Touches no other."""
    _require_same_kind(reader)
    if reader.manifest["vendor"] == "postgresql":
        with postgres.loaded(reader, schema, progress) as connection:
            yield connection
        return
    parent = Path(settings.DATA_DIR)
    require_room(parent, reader.size * 2)
    with (
        drafts.folder(parent) as folder,
        sqlite.loaded(reader, folder, progress) as target,
        sqlite.opened(target) as connection,
    ):
        yield connection


def require_room(folder: Path, size: int) -> None:
    """Raises OperationFailed when the disk cannot hold so many more bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OperationFailed(
            f"The disk has {free / 1e6:.0f} MB left, {size / 1e6:.0f} MB are needed. "
            "Nothing was changed."
        )


def _require_same_kind(reader: Reader) -> None:
    ours = connections["default"].vendor
    if reader.manifest["vendor"] != ours:
        raise Unfit(
            f"The backup is of {reader.manifest['vendor']}; this installation uses {ours}."
        )


def _fit_keys(connection: BaseDatabaseWrapper) -> int:
    """Mark what our keys do not open, and plant a canary that fits them. How many."""
    ring = crypto.keyring()
    tables = set(connection.introspection.table_names())
    marks = ", ".join(["%s"] * len(ring.ids))
    count = 0
    with connection.cursor() as cursor:
        for column in sealed_columns.COLUMNS:
            if column.table not in tables:
                continue
            names = {
                found.name
                for found in connection.introspection.get_table_description(
                    cursor, column.table
                )
            }
            if column.field not in names:
                continue
            # Names of our own models; values are parameters.
            name = column.field
            strange = f"{name} <> '' AND substr({name}, 4, 8) NOT IN ({marks})"
            if column.model == "EncryptionCanary":
                _new_canary(cursor, column, strange, ring)
            elif column.model == "PendingLogin":
                cursor.execute(
                    f"DELETE FROM {column.table} WHERE {strange}",  # noqa: S608
                    ring.ids,
                )
            elif column.model == "SavedAuthentication" and "state" in names:
                cursor.execute(
                    f"UPDATE {column.table} SET state = 'unreadable', cause = %s "  # noqa: S608
                    f"WHERE {strange}",
                    [_CAUSE, *ring.ids],
                )
                count = cursor.rowcount
    return count


def _new_canary(
    cursor: Any,
    column: sealed_columns.SealedColumn,
    strange: str,
    ring: crypto.Keyring,
) -> None:
    token = ring.encrypt(crypto.CANARY, crypto.CANARY_CONTEXT)
    cursor.execute(
        f"UPDATE {column.table} SET {column.field} = %s WHERE {strange}",  # noqa: S608
        [token, *ring.ids],
    )
