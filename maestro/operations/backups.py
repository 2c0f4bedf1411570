"""Make a backup while the installation works, and tell whether one is good.

A backup holds the database: conversations in plain text, credentials encrypted as they
are stored. The keys are not in it. They go to a file of their own, only when asked for,
and belong somewhere else: with both, somebody has everything.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections

from maestro.operations import facts, locks, postgres, sqlite
from maestro.operations.archive import Reader, Writer
from maestro.operations.errors import OperationFailed, Unfit
from providers import VERSION
from sessions_app import crypto
from sessions_app.key_files import CryptoError
from sessions_app.services import sealed_columns

Progress = Callable[[str, int, int], None]  # what, done, total

_NAME = re.compile(r"\Amaestro-\d{8}T\d{6}Z\.backup\Z")
_DRAFTS = ".maestro-draft-"


@dataclass(slots=True)
class Report:
    """What is in a backup, and what was found wrong with it.

    `problems` make it unfit for this installation; `key_problems` only as long as the keys
    are not here. `warnings`: what was not well in the database that was saved.
    """

    path: str
    made_at: str
    version: str
    database: str
    rows: int
    size_bytes: int
    is_sealed: bool
    readable: int = 0  # encrypted values that the keys of this installation open
    unreadable: int = 0
    missing_keys: list[str] = field(default_factory=list)
    pending_migrations: int = 0
    problems: list[str] = field(default_factory=list)
    key_problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def all_problems(self) -> list[str]:
        """Both kinds; none is good."""
        return [*self.problems, *self.key_problems]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        found = {**asdict(self), "problems": self.all_problems}
        del found["key_problems"]
        return {**found, "is_good": not self.all_problems}


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
        sweep(target.parent)
        with draft_folder(target.parent) as folder:
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


def check(path: Path, progress: Progress, *, folder: Path | None = None) -> Report:
    """Read a whole backup: seal, hashes, rows, keys, versions. Raises Unfit when it is
    not readable as one; what else is wrong is in the report."""
    with Reader(path) as reader:
        report = _report(path, reader)
        parent = folder or Path(settings.DATA_DIR)
        with draft_folder(parent) as own:
            _count_secrets(reader, own, report, progress)
    return report


def prune(folder: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` of the backups with our names; their names."""
    found = sorted(p for p in folder.iterdir() if _NAME.match(p.name) and p.is_file())
    gone = found[: max(0, len(found) - keep)]
    for path in gone:
        path.unlink()
    return [path.name for path in gone]


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


def _report(path: Path, reader: Reader) -> Report:
    manifest = reader.manifest
    report = Report(
        path=str(path),
        made_at=manifest["made_at"],
        version=manifest["version"],
        database=manifest["vendor"],
        rows=manifest["rows"],
        size_bytes=path.stat().st_size,
        is_sealed=reader.is_sealed,
    )
    known = set(crypto.keyring().ids)
    report.missing_keys = sorted(set(manifest["keys"]) - known)
    if report.missing_keys:
        report.key_problems.append(
            f"keys that it needs are not here ({', '.join(report.missing_keys)})"
        )
    if not reader.is_sealed:
        report.key_problems.append(
            "it is sealed with a key that is not here, so a change would go unnoticed"
        )
    strange = facts.unknown(manifest["migrations"])
    if strange:
        report.problems.append(f"a newer version made it ({strange[-1]})")
    report.pending_migrations = _pending(manifest["migrations"])
    if manifest["vendor"] != connections["default"].vendor:
        report.problems.append(
            f"it is of {manifest['vendor']}, this installation uses "
            f"{connections['default'].vendor}"
        )
    return report


def _pending(migrations: list[list[str]]) -> int:
    from django.db.migrations.loader import MigrationLoader

    applied = {(app, name) for app, name in migrations}
    return len(set(MigrationLoader(None).graph.nodes) - applied)


def _count_secrets(
    reader: Reader, folder: Path, report: Report, progress: Progress
) -> None:
    """Read every part, and try every encrypted value with our keys."""
    if reader.manifest["vendor"] == "sqlite":
        if set(reader.parts) != {sqlite.PART}:
            raise Unfit("The parts of the file are not those of an SQLite backup.")
        with sqlite.loaded(reader, folder, progress) as path:
            for column in sealed_columns.COLUMNS:
                values = sqlite.sealed_values(path, column.table, column.field)
                _try(column, values, report)
    else:
        for number, name in enumerate(reader.parts):
            progress("checking", number, len(reader.parts))
            lines = sum(piece.count(b"\n") for piece in reader.pieces(name))
            if lines != reader.parts[name]["rows"]:
                raise Unfit(f"{name} has not the rows it should have.")
        for column in sealed_columns.COLUMNS:
            values = postgres.sealed_values(reader, column.table, column.field)
            _try(column, values, report)
    if report.unreadable and not report.missing_keys:
        # Not in the file, whose seal and hashes fit: in the database, before.
        report.warnings.append(f"{report.unreadable} encrypted values are unreadable")


def _try(
    column: sealed_columns.SealedColumn,
    values: Iterator[tuple[str, str]],
    report: Report,
) -> None:
    ring = crypto.keyring()
    for key, token in values:
        try:
            ring.decrypt(token, column.context(column.key_from_text(key)))
            report.readable += 1
        except (CryptoError, ValueError):
            report.unreadable += 1


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


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """A folder for unfinished files, for us alone, gone afterwards."""
    folder = parent / f"{_DRAFTS}{os.getpid()}-{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove what killed processes left there. Only under the backup's lock."""
    for folder in parent.glob(f"{_DRAFTS}*-*"):
        pid = folder.name.removeprefix(_DRAFTS).partition("-")[0]
        if folder.is_dir() and not folder.is_symlink() and not _lives(pid):
            shutil.rmtree(folder, ignore_errors=True)


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


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Failures of disk, database and keys become one line; bugs stay tracebacks."""
    try:
        yield
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise OperationFailed(f"{what} could not be written: {reason}.") from None
    except DatabaseError as exc:
        text = str(exc).strip().splitlines()
        reason = text[0][:200] if text else type(exc).__name__
        raise OperationFailed(f"{what} failed at the database: {reason}") from None
    except CryptoError as exc:
        raise OperationFailed(f"{what} needs the encryption keys: {exc}.") from None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(handle)
    os.close(handle)
