"""Whether what must be kept can be kept: a full or read-only disk, told from other trouble.

Reads go on. Whoever writes is told why it cannot be done now, and nothing has to be
restarted when there is room again. Asked by the doors, the runs, the pages and `/readyz`.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from django.conf import settings
from django.db import connection

FULL = (
    "The server's storage is full. What is there can be read, nothing new can be saved; "
    "an administrator has to make room, then everything goes on by itself."
)
READ_ONLY = (
    "The server's storage is read-only. What is there can be read, nothing new can be "
    "saved; an administrator has to mend it, then everything goes on by itself."
)
WORDS = (FULL, READ_ONLY)
ENDED = "The answer ended here: the server's storage was full or took no changes."
UNSAVED = (
    "This answer is not saved yet. It will be as soon as there is room, unless the server "
    "is stopped before: copy what you need."
)
KIND = "StorageFull"  # of the error of a run
CODE, STATUS = "storage_full", 507  # RFC 4918 §11.5, Insufficient Storage

# SQLite needs a few pages for the smallest change.
_LEAST_BYTES = 64 * 1024
# A database server's disk cannot be looked at: what it said counts for so long.
_REMEMBERED_S = 10.0
_said: tuple[str, float] = ("", 0.0)


def trouble(exc: BaseException | None) -> str:
    """Why storage refused this, in words for anybody; "" when it was something else."""
    global _said
    found = _meaning(exc.__cause__ or exc) if exc is not None else ""
    if found:
        _said = (found, time.monotonic())
    return found


def state() -> str:
    """Why nothing can be saved now, in the same words; "" when it can."""
    if connection.vendor == "sqlite":
        return of_disk(Path(str(connection.settings_dict["NAME"])).parent)
    said, at = _said
    if said and time.monotonic() - at < _REMEMBERED_S:
        return said
    return of_disk(Path(settings.DATA_DIR))


def _meaning(exc: BaseException) -> str:
    name = str(getattr(exc, "sqlite_errorname", ""))
    code = getattr(exc, "sqlstate", "") or getattr(exc, "errno", None)
    if name == "SQLITE_FULL" or code in ("53100", errno.ENOSPC, errno.EDQUOT):
        return FULL
    if name.startswith("SQLITE_READONLY") or code in ("25006", errno.EROFS):
        return READ_ONLY
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")):
        return state()  # how SQLite says it where it could not even begin
    return ""


def of_disk(folder: Path) -> str:
    """Whether this folder's disk takes changes, in the same words."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return ""  # a database in memory, or one that is reported as away
    if found.f_flag & os.ST_RDONLY:
        return READ_ONLY
    has_inodes = found.f_favail > 0 or not found.f_files
    is_full = found.f_bavail * found.f_frsize < _LEAST_BYTES or not has_inodes
    return FULL if is_full else ""
