"""System checks of the secrets: what would turn up at first use is said at the start."""

from __future__ import annotations

import stat
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.db.utils import DatabaseError

from sessions_app.sealing import crypto


@register(Tags.database)
def keys_fit_the_database(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """A wrong key refuses the start instead of making every credential unreadable."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        try:
            tables = connections[alias].introspection.table_names()
            if "sessions_app_encryptioncanary" in tables:
                crypto.verify_canary(alias)
        except DatabaseError:
            continue  # no database is another check's news
        except crypto.CryptoError as exc:
            found.append(
                Error(
                    f"The encryption keys do not fit this database: {exc}.",
                    hint="Restore the key file from your backup (MAESTRO_KEY_FILE), or "
                    "set MAESTRO_ENCRYPTION_KEYS. Saved secrets are still there.",
                    id="sessions_app.E001",
                )
            )
    return found


@register(Tags.security)
def key_file_is_private(**_: Any) -> list[CheckMessage]:
    """The key file is for its owner only."""
    path = crypto.key_file()
    if getattr(settings, "MAESTRO_ENCRYPTION_KEYS", None) or not path.exists():
        return []
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077 == 0:
        return []
    return [
        Warning(
            f"Others on this machine may read the encryption keys (mode {mode:03o}).",
            hint=f"chmod 600 {path}",
            id="sessions_app.W001",
        )
    ]
