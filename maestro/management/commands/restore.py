"""`manage.py restore FILE`: the database of a backup takes the place of the present one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from maestro.operations import key_backup, restoring
from maestro.operations.commands import OperationCommand
from maestro.operations.errors import USAGE


class Command(OperationCommand):
    """A shell over `operations.restoring`."""

    help = (
        "Replace the database by that of a backup. Verifies it first, refuses while "
        "Maestro runs, keeps the present database aside."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--keys-from",
            type=Path,
            metavar="FILE",
            help="the keys that were saved apart",
        )
        parser.add_argument(
            "--without-keys",
            action="store_true",
            help="the keys are lost: mark the credentials unreadable, restore the rest",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def operate(self, options: dict[str, Any]) -> None:
        self._confirm(options)
        if options["keys_from"]:
            added = key_backup.bring_encryption_keys(options["keys_from"])
            self.stderr.write(f"{added} encryption keys added")
        done = restoring.restore(
            options["file"], self.progress, without_keys=options["without_keys"]
        )
        if options["keys_from"]:
            key_backup.bring_signing_key(options["keys_from"])
        text = f"restored {done.report.rows} rows of {done.report.made_at}"
        if done.kept:
            text += f"\nthe database of before is kept: {done.kept}"
        if done.unreadable:
            text += f"\n{done.unreadable} credentials are unreadable: enter them again"
        if done.report.pending_migrations:
            text += "\nthe next start migrates it to this version"
        document = {
            **done.report.as_dict(),
            "kept": done.kept,
            "marked_unreadable": done.unreadable,
        }
        self.show(document, text, as_json=options["json"])

    def _confirm(self, options: dict[str, Any]) -> None:
        if options["yes"]:
            return
        if not sys.stdin.isatty():
            raise CommandError(
                "There is no terminal to ask on: say --yes.", returncode=USAGE
            )
        answer = input("Replace the database? It is kept aside. Type yes: ")
        if answer.strip() != "yes":
            raise CommandError("Nothing was changed.", returncode=USAGE)
