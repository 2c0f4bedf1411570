"""Unfinished files: in folders of their own, for us alone, gone whatever happens.

A killed process leaves its folder; the next backup or restore there removes it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".maestro-draft-"


@contextmanager
def folder(parent: Path) -> Iterator[Path]:
    """A folder for unfinished files, for us alone, gone afterwards."""
    path = parent / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(6)}"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove what killed processes left there. Only under the backup's lock."""
    for path in parent.glob(f"{_PREFIX}*-*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if path.is_dir() and not path.is_symlink() and not _lives(pid):
            shutil.rmtree(path, ignore_errors=True)


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError):
        return True  # not one of our names
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
