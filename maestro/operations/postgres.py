"""PostgreSQL: COPY from one snapshot, into a schema of its own, swapped in one transaction.

No `pg_dump`: nothing to install in the right version, no password for another program,
and a restore needs no more rights than migrations do. The schema is made by our own
migrations, up to the ones that the backup names; then the rows are copied in, the foreign
keys checked, and the tables change places with the live ones. Whatever is killed before
that commit has changed nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from maestro.operations import facts, scratch
from maestro.operations.archive import Reader, Writer
from maestro.operations.errors import InUse, OperationFailed, Unfit
from maestro.operations.scratch import ask

Progress = Callable[[str, int, int], None]

_GOING_S = 3.0

_TABLES = (
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') ORDER BY 1"
)
_COLUMNS = (
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND is_generated = 'NEVER' "
    "ORDER BY table_name, ordinal_position"
)
_SEQUENCES = (
    "SELECT c.relname, coalesce(s.last_value, 0) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_sequences s ON s.schemaname = n.nspname AND s.sequencename = c.relname "
    "WHERE n.nspname = current_schema() AND c.relkind = 'S'"
)
_FOREIGN_KEYS = (
    "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) "
    "FROM pg_constraint WHERE contype = 'f' "
    "AND connamespace = current_schema()::regnamespace"
)
_OTHERS = (
    "SELECT pid, coalesce(application_name, ''), coalesce(host(client_addr), 'local') "
    "FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


def dump(writer: Writer, progress: Progress) -> dict[str, Any]:
    """Write all tables into an archive, as they were at one moment; facts about them."""
    connection: Any = connections["default"].copy()
    try:
        connection.ensure_connection()
        with connection.connection.transaction():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                )
                cursor.execute("SET LOCAL statement_timeout = 0")
            return _dump(connection, writer, progress)
    finally:
        connection.close()


def _dump(connection: Any, writer: Writer, progress: Progress) -> dict[str, Any]:
    tables = [name for (name,) in ask(connection, _TABLES)]
    columns = _columns(connection)
    total = 0
    for number, table in enumerate(tables):
        progress("copying", number, len(tables))
        names = ", ".join(_quoted(column) for column in columns[table])
        rows = 0
        statement = f"COPY {_quoted(table)} ({names}) TO STDOUT"
        part_name = f"tables/{table}"
        with (
            writer.part(part_name, columns=columns[table]) as part,
            connection.connection.cursor().copy(statement) as copy,
        ):
            for piece in copy:
                rows += bytes(piece).count(b"\n")
                part.write(piece)
        writer.set_rows(part_name, rows)
        total += rows
    progress("copying", len(tables), len(tables))
    return {
        "vendor": "postgresql",
        "rows": total,
        "sequences": dict(ask(connection, _SEQUENCES)),
        **facts.gather(lambda q: ask(connection, q), tables),
    }


@contextmanager
def loaded(
    reader: Reader, schema: str, progress: Progress
) -> Iterator[BaseDatabaseWrapper]:
    """A connection to a schema that holds what the archive does; gone afterwards.

    Raises Unfit, OperationFailed. `schema` is a name of ours; one that a killed process
    left is replaced.
    """
    options = {"options": f"-c search_path={schema}"}
    with scratch.connected(OPTIONS=options) as connection:
        _execute(connection, f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        _execute(connection, f"CREATE SCHEMA {schema}")
        try:
            progress("making the tables", 0, 1)
            executor = MigrationExecutor(connection)
            executor.migrate(facts.targets(reader.manifest["migrations"]))
            _fill(connection, reader, progress)
            yield connection
        finally:
            connection.close()  # whatever state a failure left it in
            _execute(connection, f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _fill(connection: Any, reader: Reader, progress: Progress) -> None:
    tables = {name for (name,) in ask(connection, _TABLES)}
    columns = _columns(connection)
    for name, part in reader.parts.items():
        table = name.removeprefix("tables/")
        if part["rows"] and table not in tables:
            raise Unfit(f"The backup holds a table {table}, which no migration makes.")
        if table in tables and not set(part["columns"]) <= set(columns[table]):
            raise Unfit(f"The table {table} of the backup has other columns.")
    foreign = ask(connection, _FOREIGN_KEYS)
    connection.ensure_connection()
    with connection.connection.transaction():
        for table, name, _ in foreign:
            _execute(connection, f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        _execute(
            connection, f"TRUNCATE {', '.join(_quoted(table) for table in tables)}"
        )
        for number, (name, part) in enumerate(reader.parts.items()):
            progress("loading", number, len(reader.parts))
            if name.removeprefix("tables/") in tables:
                _copy_in(connection, reader, name, part)
        progress("checking", 0, 1)
        for table, name, definition in foreign:
            _execute(
                connection, f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
            )
        _set_sequences(connection, reader)
    _execute(connection, "ANALYZE")


def _copy_in(connection: Any, reader: Reader, name: str, part: dict[str, Any]) -> None:
    table = _quoted(name.removeprefix("tables/"))
    names = ", ".join(_quoted(column) for column in part["columns"])
    with connection.connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for piece in reader.pieces(name):
                copy.write(piece)
        if cursor.rowcount != part["rows"]:
            raise Unfit(f"{name} has not the rows it should have.")


def _set_sequences(connection: Any, reader: Reader) -> None:
    stated = reader.manifest.get("sequences", {})
    for name, _ in ask(connection, _SEQUENCES):
        if stated.get(name):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT setval(%s::regclass, %s)", [_quoted(name), stated[name]]
                )


def swap(connection: BaseDatabaseWrapper, schema: str, live: str, stamp: str) -> str:
    """The loaded tables change places with the live ones; where those are kept.

    Raises InUse while anybody else is connected to this database.
    """
    aside = f"before_restore_{stamp.lower()}"
    raw: Any = connection
    raw.ensure_connection()
    with raw.connection.transaction():
        _execute(connection, "SET LOCAL lock_timeout = '5s'")
        refuse_others(connection)
        _execute(connection, f"CREATE SCHEMA {aside}")
        fresh = [name for (name,) in ask(connection, _TABLES)]
        for table in _tables_of(connection, live):
            _execute(
                connection, f"ALTER TABLE {live}.{_quoted(table)} SET SCHEMA {aside}"
            )
        for table in fresh:
            _execute(
                connection, f"ALTER TABLE {schema}.{_quoted(table)} SET SCHEMA {live}"
            )
    return f"schema {aside}"


def refuse_others(connection: BaseDatabaseWrapper) -> None:
    """Raises InUse when somebody else is connected to this database.

    What was closed a moment ago, our own connections among it, is given time to go.
    """
    end = time.monotonic() + _GOING_S
    while others := ask(connection, _OTHERS):
        if time.monotonic() > end:
            pid, name, address = others[0]
            raise InUse(
                f"{len(others)} other connections to the database are open (server "
                f"process {pid}, {name or 'unnamed'}, from {address}). Stop everything "
                "first."
            )
        time.sleep(0.1)
        _execute(connection, "SELECT pg_stat_clear_snapshot()")


def leave() -> str:
    """Close our own connections, the pool's too, which would count as somebody else's.

    The schema that they worked in, quoted.
    """
    connection: Any = connections["default"]
    found = ask(connection, "SELECT quote_ident(current_schema())")[0][0]
    connection.close()
    connection.close_pool()
    if found is None:
        raise OperationFailed("The database user has no schema to work in.")
    return str(found)


def sealed_values(reader: Reader, table: str, field: str) -> Iterator[tuple[str, str]]:
    """(primary key, token) of every row of an archive. Neither is ever escaped by COPY."""
    part = reader.parts.get(f"tables/{table}")
    if part is None or field not in part["columns"]:
        return
    key_at, at = part["columns"].index("id"), part["columns"].index(field)
    for line in _lines(reader.pieces(f"tables/{table}")):
        cells = line.split(b"\t")
        token = cells[at].decode("ascii", "replace")
        if token not in ("", "\\N"):
            yield cells[key_at].decode("ascii", "replace"), token


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


def _tables_of(connection: BaseDatabaseWrapper, schema: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') "
            "AND relnamespace = %s::regnamespace",
            [schema],
        )
        return [name for (name,) in cursor.fetchall()]


def _columns(connection: BaseDatabaseWrapper) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in ask(connection, _COLUMNS):
        found.setdefault(table, []).append(column)
    return found


def _execute(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
