"""SQLite: the whole file, copied while others write, and swapped in as one rename.

`VACUUM INTO` reads one snapshot and hinders nobody in WAL mode. Unlike the backup API it
leaves free pages behind, which may hold what was deleted, old secrets among it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from maestro.operations import facts, scratch
from maestro.operations.archive import PIECE_BYTES, Reader, Writer
from maestro.operations.errors import InUse, OperationFailed, Unfit

PART = "database.sqlite3"
Progress = Callable[[str, int, int], None]  # what, done, total


def path() -> Path:
    """The live database."""
    return Path(str(connections["default"].settings_dict["NAME"]))


def copy_to(target: Path) -> None:
    """A copy of this moment, mode 0600. Raises DatabaseError when there is no room."""
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(handle)  # empty is what VACUUM INTO accepts, and nobody reads it meanwhile
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
        _sync(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def dump(writer: Writer, folder: Path, progress: Progress) -> dict[str, Any]:
    """Write the database into an archive; the facts for its manifest."""
    copy = folder / PART
    progress("copying the database", 0, 1)
    copy_to(copy)
    size = copy.stat().st_size
    with copy.open("rb") as file, writer.part(PART) as part:
        while piece := file.read(PIECE_BYTES):
            part.write(piece)
            progress("packing", part.size, size)
    with closing(sqlite3.connect(copy)) as connection:
        tables = _tables(connection)
        found = facts.gather(lambda q: connection.execute(q).fetchall(), tables)
        rows = sum(_count(connection, table) for table in tables)
    copy.unlink()
    writer.set_rows(PART, rows)
    return {"vendor": "sqlite", "rows": rows, **found}


@contextmanager
def loaded(reader: Reader, folder: Path, progress: Progress) -> Iterator[Path]:
    """The database of an archive as a sound file of its own. Raises Unfit."""
    target = folder / PART
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    done = 0
    with os.fdopen(handle, "wb") as file:
        for piece in reader.pieces(PART):
            file.write(piece)
            done += len(piece)
            progress("unpacking", done, reader.size)
        file.flush()
        os.fsync(file.fileno())
    progress("checking", 0, 1)
    _check(target, reader)
    try:
        yield target
    finally:
        for ending in ("", "-wal", "-shm"):
            target.with_name(target.name + ending).unlink(missing_ok=True)


def _check(target: Path, reader: Reader) -> None:
    try:
        with closing(sqlite3.connect(target)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise Unfit("The database in the backup is damaged.")
            if connection.execute("PRAGMA foreign_key_check").fetchone():
                raise Unfit("The database in the backup has rows that belong nowhere.")
            tables = _tables(connection)
            rows = sum(_count(connection, table) for table in tables)
            found = facts.gather(lambda q: connection.execute(q).fetchall(), tables)
    except sqlite3.DatabaseError:
        raise Unfit("The database in the backup is damaged.") from None
    if rows != reader.manifest["rows"]:
        raise Unfit("The database in the backup has not the rows it should have.")
    stated = [list(node) for node in reader.manifest["migrations"]]
    if found["migrations"] != stated:
        raise Unfit("The manifest names other migrations than the database.")


@contextmanager
def opened(target: Path) -> Iterator[BaseDatabaseWrapper]:
    """A connection to a loaded database, configured as the live one."""
    with scratch.connected(NAME=str(target)) as connection:
        yield connection


def swap(target: Path, stamp: str) -> str:
    """Put a loaded database in the live one's place; where the old one is kept.

    The name always leads to a whole database: the old one gets a second name first, then
    one rename replaces it. Raises InUse while any process has the old one open.
    """
    live = path()
    if target.with_name(target.name + "-wal").exists():
        raise OperationFailed("The restored database is still open.")
    connections["default"].close()
    aside = live.with_name(f"{live.stem}.before-restore-{stamp}.sqlite3")
    kept = ""
    if live.exists():
        _fold(live)
        _second_name(live, aside)
        for ending in ("-wal", "-shm"):  # there only if the old one is damaged
            rest = live.with_name(live.name + ending)
            if rest.exists():
                os.replace(rest, aside.with_name(aside.name + ending))
        kept = str(aside)
    os.replace(target, live)
    _sync_folder(live.parent)
    return kept


def _fold(live: Path) -> None:
    """Bring the write-ahead log into the file. Works only when nobody else has it open."""
    try:
        with closing(sqlite3.connect(live, timeout=3)) as connection:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError as exc:
        if "locked" not in str(exc):
            raise OperationFailed(f"The old database cannot be closed: {exc}") from None
        mode = "wal"
    except sqlite3.DatabaseError:
        return  # damaged: perhaps that is why it is replaced; it is kept as it is
    if mode != "delete":
        raise InUse("A process has the database open. Stop everything first.")


def _second_name(live: Path, aside: Path) -> None:
    try:
        os.link(live, aside)
    except OSError:  # a file system without hard links
        shutil.copy2(live, aside)
        _sync(aside)
    aside.chmod(0o600)
    _sync_folder(aside.parent)


def sealed_values(target: Path, table: str, field: str) -> Iterator[tuple[str, str]]:
    """(primary key, token) of every row of a loaded database that has one."""
    with closing(sqlite3.connect(target)) as connection:
        if table not in _tables(connection):
            return
        fields = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if field not in fields:
            return
        statement = f"SELECT id, {field} FROM {table} WHERE {field} <> ''"  # noqa: S608
        for key, token in connection.execute(statement):
            yield str(key), str(token)


def _tables(connection: sqlite3.Connection) -> list[str]:
    statement = (
        "SELECT name FROM sqlite_master WHERE type = 'table' "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    )
    return [name for (name,) in connection.execute(statement)]


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    statement = f'SELECT count(*) FROM "{quoted}"'  # noqa: S608
    return int(connection.execute(statement).fetchone()[0])


def _sync(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_sync_folder = _sync
