"""The schema brought up to this version: one at a time, a copy first, never backwards.

`maestro/prepare.py` calls `migrate` at every start. Several machines may start at once:
one migrates, the others wait and find it done.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from maestro.operations import backups, facts, locks, sqlite
from maestro.operations.errors import OperationFailed, in_words
from maestro.operations.restoring import require_room

log = logging.getLogger(__name__)

Say = Callable[[str], None]


def refuse_newer() -> None:
    """Raises NewerSchema when a newer version has migrated this database."""
    facts.refuse_newer(
        MigrationExecutor(connection).loader.applied_migrations, "The database"
    )


def pending() -> list[str]:
    """Migrations that wait, in their order: "app.name"."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def migrate(say: Say) -> None:
    """Bring the schema up to this version. Raises NewerSchema, OperationFailed."""
    refuse_newer()
    if not pending():
        return
    data_dir = Path(settings.DATA_DIR)
    with locks.schema_lock(
        data_dir, waiting=lambda: say("another process migrates the database: waiting")
    ):
        refuse_newer()  # the other may have been newer than we are
        plan = pending()
        if plan:
            _migrate(plan, say)


def _migrate(plan: list[str], say: Say) -> None:
    started = time.monotonic()
    copy = _keep_a_copy()
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except Exception as exc:
        log.exception("schema.migration_failed")
        left = pending()
        kept = f" The database of before is in {copy}." if copy else ""
        raise OperationFailed(
            f"The migration {left[0] if left else plan[-1]} failed "
            f"({type(exc).__name__}); those before it were applied.{kept} "
            "Start the version of before on that copy, or mend the cause and start again."
        ) from exc
    say(
        f"prepared the database ({len(plan)} migrations, "
        f"{time.monotonic() - started:.1f} s)"
    )
    if copy is not None:
        _prune(copy)
        if copy.exists():
            say(f"kept a copy of the database from before in {copy.name}")


def _keep_a_copy() -> Path | None:
    """SQLite: a copy beside the database before its schema changes.

    PostgreSQL's migrations are one transaction each, and its copies are the operator's:
    `manage.py backup` before an upgrade.
    """
    if connection.vendor != "sqlite" or not connection.introspection.table_names():
        return None
    source = sqlite.path()
    copy = source.with_name(f"{source.stem}.before-{backups.stamp()}.sqlite3")
    require_room(source.parent, source.stat().st_size)
    with in_words("The copy of the database before the migration"):
        sqlite.copy_to(copy)
    return copy


def _prune(newest: Path) -> None:
    """Keep as many copies as MAESTRO_KEEP_COPIES says, and none with plain secrets.

    Those of the previous product's table go, also the ones that a killed migration left:
    the step that encrypts keeps an encrypted backup of its own rows.
    """
    stem = newest.name.partition(".before-")[0]
    found = sorted(newest.parent.glob(f"{stem}.before-2*.sqlite3"))
    plain = [path for path in found if _is_plain(path)]
    good = [path for path in found if path not in plain]
    old = good[: max(0, len(good) - max(1, settings.MAESTRO_KEEP_COPIES))]
    for path in (*plain, *old):
        path.unlink(missing_ok=True)


def _is_plain(copy: Path) -> bool:
    """Also when it cannot be read: a copy cut off by a kill is of no use."""
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro", uri=True)) as opened:
            rows = opened.execute("SELECT app, name FROM django_migrations").fetchall()
    except sqlite3.DatabaseError:
        return True
    return facts.holds_plain_secrets(rows)
