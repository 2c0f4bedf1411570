"""Changes of the key file: a new key in front, old keys out. Atomic, under a lock.

Running processes notice the new file by its stamp (`crypto.keyring`). Keys that come from
`MAESTRO_ENCRYPTION_KEYS` are the operator's to change: these functions refuse then.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sessions_app.sealing import crypto, key_files
from sessions_app.sealing.key_files import CryptoError


def require_file() -> Path:
    """The key file, when it is where the keys come from. Raises CryptoError."""
    from django.conf import settings

    if getattr(settings, "MAESTRO_ENCRYPTION_KEYS", None):
        raise CryptoError(
            "the keys come from MAESTRO_ENCRYPTION_KEYS: change them there "
            "(docs/operations.md tells in which order)"
        )
    return crypto.key_file()


def add_newest() -> str:
    """Put a fresh key in front; its id. What is encrypted from now on uses it."""
    path = require_file()
    with _locked(path):
        key = key_files.new_key()
        _replace(path, [key, *key_files.read_lines(path)])
    return key_files.parse_key(key).id


def remove(ids: Iterable[str]) -> list[str]:
    """Take these keys out, never the newest; the ids that were removed."""
    path = require_file()
    wanted = set(ids)
    with _locked(path):
        newest, *older = key_files.read_lines(path)
        gone = [k for k in older if key_files.parse_key(k).id in wanted]
        if gone:
            _replace(path, [newest, *(k for k in older if k not in gone)])
    return [key_files.parse_key(k).id for k in gone]


def append(lines: Sequence[str]) -> int:
    """Add keys that only decrypt, behind ours; how many were new. Makes the file."""
    path = require_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path):
        known = key_files.read_lines(path) if path.exists() else []
        ids = {key_files.parse_key(line).id for line in known}
        fresh = [line for line in lines if key_files.parse_key(line).id not in ids]
        if fresh:
            _replace(path, [*known, *fresh])
    return len(fresh)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(
        path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600
    )
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, lines: Sequence[str]) -> None:
    """Whole or not at all, and on the disk before anything is encrypted with it."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # of a process that was killed here
    owner = path.stat() if path.exists() else None
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        if owner is not None and os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
