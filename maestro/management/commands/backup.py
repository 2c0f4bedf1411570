"""`manage.py backup`: the database into one file, while everything works on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from maestro.operations import backups, key_backup, overview
from maestro.operations.commands import OperationCommand


class Command(OperationCommand):
    """A shell over `operations.backups`."""

    help = (
        "Back up the database into one verified file. The encryption keys are not in it: "
        "save them once with --keys-to, to another place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--to", type=Path, help="file or folder (default: backups/ in the data)"
        )
        parser.add_argument(
            "--keep",
            type=int,
            help="keep only the newest KEEP backups of this installation in that folder",
        )
        parser.add_argument(
            "--keys-to",
            type=Path,
            metavar="FILE",
            help="also save the keys, to a new file of mode 0600 in another folder",
        )

    def operate(self, options: dict[str, Any]) -> None:
        keys_to = options["keys_to"]
        if keys_to:
            key_backup.refuse_beside(keys_to, backups.folder_of(options["to"]))
        report = backups.make_backup(options["to"], self.progress)
        overview.remember_backup(report)
        path = Path(report.path)
        document = {**report.as_dict(), "removed": [], "keys": []}
        lines = [
            f"{path}: {report.rows} rows, {report.size_bytes / 1e6:.1f} MB, verified, "
            f"{report.readable} encrypted values readable"
        ]
        lines += [f"warning: {warning}" for warning in report.warnings]
        if keys_to:
            document["keys"] = key_backup.write(keys_to)
            lines.append(
                f"{keys_to}: {len(document['keys'])} encryption keys and the "
                "signing key. Keep it apart from the backups."
            )
        if options["keep"] is not None:
            document["removed"] = backups.prune(path, max(1, options["keep"]))
            lines += [f"removed {name}" for name in document["removed"]]
        self.show(document, "\n".join(lines), as_json=options["json"])
