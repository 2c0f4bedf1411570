"""Would a backup come back? Seal, hashes, rows, versions and every encrypted value.

Read whole, put nowhere but into a draft. Called when one was made, by `verify_backup`,
and before a restore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from maestro.operations import drafts, facts, postgres, sqlite
from maestro.operations.archive import Reader
from maestro.operations.errors import Unfit
from sessions_app.sealing import crypto
from sessions_app.sealing.key_files import CryptoError
from sessions_app.services import sealed_columns

Progress = Callable[[str, int, int], None]  # what, done, total


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


def check(path: Path, progress: Progress, *, folder: Path | None = None) -> Report:
    """Read a whole backup: seal, hashes, rows, keys, versions. Raises Unfit when it is
    not readable as one; what else is wrong is in the report."""
    with Reader(path) as reader:
        report = _report(path, reader)
        parent = folder or Path(settings.DATA_DIR)
        with drafts.folder(parent) as own:
            _count_secrets(reader, own, report, progress)
    return report


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
