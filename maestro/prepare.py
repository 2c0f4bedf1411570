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
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import checks
from django.core.management import call_command
from django.db import connection, connections

from maestro import keys
from maestro.operations import schema
from maestro.operations.errors import OperationFailed
from sessions_app import installation, tasks
from sessions_app.models import EncryptionCanary
from sessions_app.sealing import crypto

Say = Callable[[str], None]

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
    installation.host_id()  # made once; backups are told apart by it
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
    try:
        schema.migrate(say)
    except OperationFailed as exc:
        raise NotPrepared(str(exc)) from exc


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
