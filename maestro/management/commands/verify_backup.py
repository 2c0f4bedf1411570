"""`manage.py verify_backup FILE`: would it come back? Reads all of it, changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from maestro.operations import verifying
from maestro.operations.commands import OperationCommand
from maestro.operations.errors import PROBLEM, in_words


class Command(OperationCommand):
    """A shell over `operations.verifying.check`. Exit code 3 when it is not good."""

    help = (
        "Read a whole backup: seal, hashes, rows, versions, and every encrypted value."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)

    def operate(self, options: dict[str, Any]) -> None:
        with in_words("What verifying unpacks"):
            report = verifying.check(options["file"], self.progress)
        text = (
            f"{report.path}: {report.database}, version {report.version}, of "
            f"{report.made_at}, {report.rows} rows, {report.readable} encrypted values "
            f"readable, {report.unreadable} not"
        )
        if report.pending_migrations:
            text += f"; {report.pending_migrations} migrations follow at the next start"
        text += "".join(f"\nwarning: {warning}" for warning in report.warnings)
        text += "".join(f"\nproblem: {problem}" for problem in report.all_problems)
        self.show(report.as_dict(), text, as_json=options["json"])
        if report.all_problems:
            sys.exit(PROBLEM)
