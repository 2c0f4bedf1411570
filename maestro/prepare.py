"""What must be true before the first request: keys, schema, static files, the demo.

Runs in the supervisor before it starts anything, or by itself: `manage.py prepare`.
Every step is idempotent, says what it did, and refuses with one line that helps.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import checks
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from maestro import keys
from sessions_app import crypto, tasks
from sessions_app.models import EncryptionCanary

Say = Callable[[str], None]

_ENCRYPTING_MIGRATION = "0003_encrypt_and_name"

# sysexits.h: something is wrong with the configuration.
EX_CONFIG = 78


class NotPrepared(Exception):
    """The installation must not start; the message says why and what to do."""


def prepare(say: Say) -> None:
    """Make the installation ready to start. Raises NotPrepared, SettingError."""
    _data_directory()
    _keys(say)
    _schema(say)
    try:
        crypto.verify_canary()
    except Exception as exc:
        raise NotPrepared(
            f"The encryption key does not fit this database: {exc} "
            "Restore the key file from your backup; nothing has been changed."
        ) from None
    _checks(say)
    tasks.ensure_schedules()
    _static_files(say)
    # Whoever forks after this must not share a connection.
    connections.close_all()


def _data_directory() -> None:
    path = Path(settings.DATA_DIR)
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        probe = path / f".write-test-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as exc:
        raise NotPrepared(
            f"{path} cannot be written ({exc.strerror}). "
            "Make room or give it to this user, or choose another with --data."
        ) from None


def _keys(say: Say) -> None:
    if settings.MAESTRO_ENCRYPTION_KEYS or _has_canary():
        return  # a new key would not open what is stored; verify_canary says so
    if crypto.ensure_key_file(settings.MAESTRO_KEY_FILE):
        say(
            f"made the encryption key {settings.MAESTRO_KEY_FILE}: back it up together with "
            f"{keys.secret_key_path(Path(settings.DATA_DIR))}, apart from the database"
        )


def _has_canary() -> bool:
    table = EncryptionCanary._meta.db_table
    return (
        table in connection.introspection.table_names()
        and EncryptionCanary.objects.exists()
    )


def _schema(say: Say) -> None:
    executor = MigrationExecutor(connection)
    unknown = set(executor.loader.applied_migrations) - set(
        executor.loader.disk_migrations
    )
    ours = sorted(
        f"{app}.{name}"
        for app, name in unknown
        if app in ("sessions_app", "context_app")
    )
    if ours:
        raise NotPrepared(
            f"The database is newer than this version ({ours[-1]} is not known here). "
            "Start the version that made it, or restore an older backup."
        )
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    started = time.monotonic()
    copy = _keep_a_copy()
    call_command("migrate", verbosity=0, interactive=False)
    took_s = time.monotonic() - started
    say(f"prepared the database ({len(plan)} migrations, {took_s:.1f} s)")
    if copy is None:
        return
    if any(migration.name == _ENCRYPTING_MIGRATION for migration, _ in plan):
        # Before that step secrets were plain text, and so they are in the copy. The
        # step keeps an encrypted backup of its own rows.
        copy.unlink()
    else:
        say(f"kept a copy of the database from before in {copy.name}")


def _keep_a_copy() -> Path | None:
    """SQLite: a copy beside the database before its schema changes."""
    if connection.vendor != "sqlite" or not connection.introspection.table_names():
        return None
    source = Path(str(settings.DATABASES["default"]["NAME"]))
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = source.with_name(f"{source.stem}.before-{stamp}.sqlite3")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(copy)])
    copy.chmod(0o600)
    return copy


def _checks(say: Say) -> None:
    """Django's and our own system checks: errors refuse the start, warnings are said."""
    for found in checks.run_checks(databases=["default"]):
        text = f"{found.msg} {found.hint or ''}".strip()
        if found.level >= checks.ERROR:
            raise NotPrepared(f"{text} ({found.id})")
        if found.level >= checks.WARNING:
            say(f"warning: {text} ({found.id})")


def _static_files(say: Say) -> None:
    """Collect and hash static files when one of them changed."""
    seen = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = os.stat(storage.path(name))
            seen.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    if stamp.is_file() and stamp.read_text() == seen.hexdigest():
        return
    started = time.monotonic()
    shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(seen.hexdigest())
    say(f"collected static files ({time.monotonic() - started:.1f} s)")
