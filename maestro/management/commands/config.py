"""`manage.py config`: every setting, its value in force and where it comes from."""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from maestro import env


class Command(BaseCommand):
    """Prints the settings; secrets are masked. `--docs` prints docs/settings.md's table."""

    help = "Show the settings in force (secrets masked)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument(
            "--docs", action="store_true", help="the table for docs/settings.md"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["docs"]:
            self.stdout.write(env.as_markdown(), ending="")
            return
        rows = [_row(setting) for setting in env.SETTINGS.values()]
        if options["json"]:
            self.stdout.write(json.dumps({row["name"]: row for row in rows}, indent=2))
            return
        for row in rows:
            self.stdout.write(f"{row['name']:<30} {row['value']!s:<40} {row['source']}")


def _row(setting: env.Setting) -> dict[str, Any]:
    if f"{setting.name}_FILE" in os.environ:
        source = "file"
    elif setting.name in os.environ:
        source = "environment"
    else:
        source = "default"
    value = env.read(setting.name)
    if setting.is_secret and value:
        value = "(set)"
    return {"name": setting.name, "value": value, "source": source}
