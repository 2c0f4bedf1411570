"""`manage.py rehearse_upgrade`: this version's migrations, tried on a copy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from maestro.operations import rehearsal
from maestro.operations.commands import OperationCommand
from maestro.operations.errors import PROBLEM


class Command(OperationCommand):
    """A shell over `operations.rehearsal`. Exit code 3 when the upgrade would fail."""

    help = (
        "Migrate a copy of the database to this version, tell how long it takes and what "
        "comes out, and throw the copy away. The old version may serve meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--backup", type=Path, help="of this backup (default: of the database now)"
        )

    def operate(self, options: dict[str, Any]) -> None:
        found = rehearsal.rehearse(options["backup"], self.progress)
        document = found.as_dict()
        lines = [f"{seconds:8.2f} s  {name}" for name, seconds in found.steps]
        lines.append(
            f"{len(found.steps)} migrations in {document['seconds']} s, "
            f"{document['rows']} rows, {found.readable} encrypted values readable"
        )
        lines += [f"problem: {problem}" for problem in found.problems]
        self.show(document, "\n".join(lines), as_json=options["json"])
        if found.problems:
            sys.exit(PROBLEM)
