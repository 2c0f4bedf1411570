"""`manage.py usage`: what was used, and what is left, without a browser.

Exit 3 where a limit of the person is reached, so that a script can wait.
"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sessions_app.management.support import (
    PROBLEM,
    acting_user,
    add_common_arguments,
    as_json,
    as_table,
    errors_in_words,
)
from sessions_app.services import usage_report


class Command(BaseCommand):
    help = "Show what a person, or everyone, used, and the limits that hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="how far back")
        parser.add_argument(
            "--by", choices=usage_report.BY_STAFF, default="model", help="rows"
        )
        parser.add_argument(
            "--everyone", action="store_true", help="of all people (staff)"
        )
        add_common_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            found = usage_report.report(
                acting_user(options["user"]),
                days=options["days"],
                by=options["by"],
                everyone=options["everyone"],
            )
        self.stdout.write(as_json(found) if options["json"] else _as_text(found))
        if any(limit["is_reached"] for limit in found["limits"]):
            sys.exit(PROBLEM)


def _as_text(found: dict[str, Any]) -> str:
    head = (found["by"].upper(), "REQUESTS", "TOKENS", "COST ≈ US$")
    rows = [(row["name"], *_figures(row)) for row in found["rows"]]
    sums = [
        ("today", *_figures(found["used_today"])),
        (f"since {found['since']}", *_figures(found["used_lately"])),
    ]
    lines = [as_table([head, *rows, *sums])]
    for limit in found["limits"]:
        word = "  REACHED" if limit["is_reached"] else ""
        lines.append(f"{limit['title']}: {limit['says']} ({limit['source']}){word}")
    lines.append(f"A day begins at 00:00 {found['time_zone']}.")
    return "\n".join(lines)


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{row['requests']:,}",
        f"{row['tokens']:,}",
        f"{row['cost_usd']:,.4f}",
    )
