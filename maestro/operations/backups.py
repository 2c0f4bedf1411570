"""Make a backup while the installation works; old ones go.

A backup holds the database: conversations in plain text, credentials encrypted as they
are stored. The keys are not in it. They go to a file of their own, only when asked for,
and belong somewhere else: with both, somebody has everything.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connections

from maestro.operations import drafts, facts, locks, postgres, sqlite
from maestro.operations.archive import Reader, Writer
from maestro.operations.errors import OperationFailed, in_words
from maestro.operations.verifying import Report, check
from providers import VERSION

Progress = Callable[[str, int, int], None]  # what, done, total

_NAME = re.compile(r"\Amaestro-\d{8}T\d{6}Z\.backup\Z")


def stamp() -> str:
    """This moment, for names of files."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def default_folder() -> Path:
    """Where backups go unless another place is named. Copy them to another machine."""
    return Path(settings.DATA_DIR) / "backups"


def folder_of(to: Path | None) -> Path:
    """The folder that a backup to this place ends in."""
    if to is None:
        return default_folder()
    return to if to.is_dir() else to.parent


def make_backup(
    to: Path | None, progress: Progress, *, plain_is_fine: bool = False
) -> Report:
    """Write a backup to a folder, or to the file named; verified before it gets its name.

    Raises InUse, OperationFailed. Whatever goes wrong, no half file is left under a name
    that looks like a backup. `plain_is_fine`: also of the previous product's table, whose
    secrets are not encrypted yet; for a file that does not stay.
    """
    target = _target(to)
    with locks.backup_lock(Path(settings.DATA_DIR)), in_words("The backup"):
        drafts.sweep(target.parent)
        with drafts.folder(target.parent) as folder:
            draft = folder / "draft"
            _write(draft, folder, progress, plain_is_fine)
            _sync(draft)
            report = check(draft, progress, folder=folder)
            # Keys that were lost before: a database with such rows must be saved, too.
            report.warnings += report.key_problems
            report.key_problems = []
            if report.problems:
                raise OperationFailed(
                    f"The backup did not come out well: {'; '.join(report.problems)}"
                )
            _publish(draft, target)
    report.path = str(target)
    return report


def prune(newest: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` of this installation's backups; their names.

    `newest`: the one made just now, in whose folder others may keep theirs. It stays,
    also where others have names of a clock that was ahead.
    """
    with Reader(newest) as reader:
        ours = reader.manifest["installation"]
    found = sorted(
        path
        for path in newest.parent.iterdir()
        if _NAME.match(path.name) and path.is_file() and _is_of(ours, path)
    )
    if newest in found:
        found.remove(newest)
        keep -= 1
    gone = found[: max(0, len(found) - keep)]
    for path in gone:
        path.unlink()
    return [path.name for path in gone]


def _is_of(installation: str, path: Path) -> bool:
    """Whether a file is a backup of it. Earlier versions did not write whose it is: those
    count where they are sealed with a key of ours."""
    try:
        with Reader(path) as reader:
            named = reader.manifest["installation"]
            return named == installation if named else reader.is_sealed
    except OperationFailed:  # not a backup, or not whole: somebody may want to look
        return False


def _write(draft: Path, folder: Path, progress: Progress, plain_is_fine: bool) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(handle)
    with Writer(draft) as writer:
        if connections["default"].vendor == "postgresql":
            found = postgres.dump(writer, progress)
        else:
            found = sqlite.dump(writer, folder, progress)
        if facts.holds_plain_secrets(found["migrations"]) and not plain_is_fine:
            raise OperationFailed(
                "This database still has the credentials of the previous version in plain "
                "text, and so would a backup. Run `manage.py prepare` first: it encrypts "
                "them (and keeps a copy of its own meanwhile)."
            )
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        writer.finish({"made_at": made_at, "version": VERSION, **found})


def _target(to: Path | None) -> Path:
    folder = folder_of(to)
    name = f"maestro-{stamp()}.backup" if to is None or to.is_dir() else to.name
    try:
        if to is None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not folder.is_dir():
            raise OperationFailed(f"There is no folder {folder}.")
    except OSError as exc:
        raise OperationFailed(f"{folder} cannot be made ({exc.strerror}).") from None
    target = folder.resolve() / name
    if target.exists() or target.is_symlink():
        raise OperationFailed(f"{target} is there already; nothing was overwritten.")
    return target


def _publish(draft: Path, target: Path) -> None:
    try:
        os.link(draft, target)  # unlike a rename it never overwrites
    except FileExistsError:
        raise OperationFailed(f"{target} is there already.") from None
    except OSError:  # a file system without hard links
        os.rename(draft, target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(handle)
    os.close(handle)
