"""New tokens on their way to the database: encrypted files that outlive a killed process.

A vendor that rotates refresh tokens has forgotten the old one the moment it answers. So
the answer is written here, mode 0600 and synced, before the database is asked; a file
left behind is stored by whoever renews that credential next, or at the next start.

    <data>/spool/<credential id>.<generation it replaces>

Local to a machine, like the process that may die on it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from sessions_app.sealing import crypto

log = logging.getLogger(__name__)

# Sealed tokens that the disk had no room for: this process may still store them.
_unwritten: dict[tuple[UUID, int], str] = {}


def write(row_id: UUID, generation: int, value: dict[str, Any]) -> None:
    """Keep `value`. Raises OSError (no room: kept in memory), CryptoError."""
    sealed = crypto.encrypt(value, _context(row_id, generation))
    _unwritten[row_id, generation] = sealed
    _write_file(row_id, generation, sealed.encode())
    _unwritten.pop((row_id, generation), None)


def _write_file(row_id: UUID, generation: int, sealed: bytes) -> None:
    directory = _directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(row_id, generation)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync(directory)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise


def read(row_id: UUID, generation: int) -> dict[str, Any] | None:
    """What was kept for this very generation; None when there is nothing to use."""
    try:
        sealed = _unwritten.get((row_id, generation), "")
        sealed = sealed or _path(row_id, generation).read_text("ascii")
        value = crypto.decrypt(sealed, _context(row_id, generation))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, crypto.CryptoError) as exc:
        log.warning(
            "spool.unreadable",
            extra={"credential_id": str(row_id), "error": type(exc).__name__},
        )
        return None
    return value if isinstance(value, dict) else None


def is_there(row_id: UUID, generation: int) -> bool:
    """Whether something was kept for this very generation."""
    has_it = (row_id, generation) in _unwritten
    return has_it or _path(row_id, generation).exists()


def forget(row_id: UUID, generation: int) -> None:
    """It is stored, or nobody's any more. Forgetting what is not there is no error."""
    _unwritten.pop((row_id, generation), None)
    with suppress(OSError):
        _path(row_id, generation).unlink()


def left_behind() -> Iterator[tuple[UUID, int]]:
    """(credential id, generation) of every file. Drafts of dead processes are removed."""
    try:
        paths = sorted(_directory().iterdir())
    except FileNotFoundError:
        return
    for path in paths:
        row_id, _, generation = path.name.partition(".")
        try:
            yield UUID(row_id), int(generation)
        except ValueError:
            if not _is_being_written(path):
                with suppress(OSError):
                    path.unlink()


def sealed_texts() -> Iterator[str]:
    """Every sealed value that waits here: a key that one of them needs must stay."""
    for row_id, generation in left_behind():
        with suppress(OSError, UnicodeDecodeError):
            yield _path(row_id, generation).read_text("ascii")


def _directory() -> Path:
    return Path(settings.DATA_DIR) / "spool"


def _path(row_id: UUID, generation: int) -> Path:
    return _directory() / f"{row_id}.{generation}"


def _is_being_written(draft: Path) -> bool:
    """Whether the process in the name of a draft is there."""
    pid = draft.name.removesuffix(".tmp").rpartition(".")[2]
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    return True


def _context(row_id: UUID, generation: int) -> str:
    return f"saved_authentication|{row_id}|spool|{generation}"


def _sync(directory: Path) -> None:
    """The name must be on the disk too, not only the bytes."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
