"""An upgrade tried on a copy: what would be migrated, how long it takes, what comes out.

Run it with the new version while the old one still serves. The copy goes away again; the
live database is read, never written.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from maestro.operations import backups, drafts, facts
from maestro.operations.archive import Reader
from maestro.operations.errors import in_words
from maestro.operations.restoring import on_a_copy
from sessions_app.sealing import crypto
from sessions_app.sealing.key_files import CryptoError
from sessions_app.services import sealed_columns

Progress = Callable[[str, int, int], None]
SCHEMA = "maestro_rehearsal"


@dataclass(slots=True)
class Rehearsed:
    """`steps`: (migration, seconds). `problems` empty: the upgrade may begin."""

    steps: list[tuple[str, float]] = field(default_factory=list)
    rows_before: dict[str, int] = field(default_factory=dict)
    rows_after: dict[str, int] = field(default_factory=dict)
    readable: int = 0  # encrypted values, afterwards
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        changed = {
            table: [self.rows_before.get(table), self.rows_after.get(table)]
            for table in sorted({*self.rows_before, *self.rows_after})
            if self.rows_before.get(table) != self.rows_after.get(table)
        }
        found = asdict(self)
        del found["rows_before"], found["rows_after"]
        rows = sum(self.rows_before.values())
        return {
            **found, "rows": rows, "changed_tables": changed,
            "seconds": round(sum(seconds for _, seconds in self.steps), 2),
            "is_good": not self.problems,
        }  # fmt: skip


def rehearse(backup: Path | None, progress: Progress) -> Rehearsed:
    """Migrate a copy of the live database, or of a backup. Raises OperationFailed."""
    if backup is not None:
        return _on(backup, progress)
    with drafts.folder(Path(settings.DATA_DIR)) as folder:
        report = backups.make_backup(folder / "rehearsal", progress, plain_is_fine=True)
        return _on(Path(report.path), progress)


def _on(path: Path, progress: Progress) -> Rehearsed:
    with Reader(path) as reader, in_words("The rehearsal's copy"):
        facts.refuse_newer(reader.manifest["migrations"], "The database")
        with on_a_copy(reader, SCHEMA, progress) as connection:
            found = Rehearsed(rows_before=_rows(connection))
            is_sealed = not facts.holds_plain_secrets(reader.manifest["migrations"])
            before = _readable(connection)[0] if is_sealed else 0
            _migrate(connection, found, progress)
            if not found.problems:
                found.rows_after = _rows(connection)
                _judge(connection, found, before)
            return found


def _migrate(
    connection: BaseDatabaseWrapper, found: Rehearsed, progress: Progress
) -> None:
    """One migration at a time, to tell how long each takes; then Django's own finish."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    for number, (migration, _) in enumerate(plan):
        name = f"{migration.app_label}.{migration.name}"
        progress(f"migrating {name}", number, len(plan))
        started = time.monotonic()
        try:
            MigrationExecutor(connection).migrate(
                [(migration.app_label, migration.name)]
            )
        except Exception as exc:  # whatever it raises, the rehearsal has its result
            first = (str(exc).strip().splitlines() or [""])[0][:200]
            found.problems.append(f"{name} fails: {type(exc).__name__}: {first}")
            return
        found.steps.append((name, round(time.monotonic() - started, 3)))
    call_command(
        "migrate", database=connection.alias, verbosity=0, interactive=False
    )  # permissions, content types, the canary


def _judge(
    connection: BaseDatabaseWrapper, found: Rehearsed, readable_before: int
) -> None:
    try:
        connection.check_constraints()
    except Error as exc:
        found.problems.append(f"a foreign key leads nowhere ({type(exc).__name__})")
    lost = [
        f"{table} ({before} → {found.rows_after[table]})"
        for table, before in found.rows_before.items()
        if table in found.rows_after and found.rows_after[table] < before
    ]
    if lost:
        found.problems.append(f"tables lose rows: {', '.join(lost)}")
    found.readable, found.unreadable = _readable(connection)
    if (lost_secrets := readable_before - found.readable) > 0:
        found.problems.append(
            f"{lost_secrets} encrypted values cannot be read any more"
        )


def _readable(connection: BaseDatabaseWrapper) -> tuple[int, int]:
    """How many encrypted values our keys open, and how many not."""
    ring, good, bad = crypto.keyring(), 0, 0
    for column in sealed_columns.present(connection.alias):
        rows = column.rows(connection.alias).exclude(**{column.field: ""})
        for key, token in rows.values_list("pk", column.field).iterator():
            try:
                ring.decrypt(token, column.context(key))
                good += 1
            except CryptoError:
                bad += 1
    return good, bad


def _rows(connection: BaseDatabaseWrapper) -> dict[str, int]:
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608
            found[table] = int(cursor.fetchone()[0])
    return found
