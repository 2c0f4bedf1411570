"""`manage.py policy_dry_run`: what would other rules have decided about past calls?

Reads a file of rules (JSON, a list of objects with the fields of a rule), or tries the
active rules; replays stored calls and reports every difference, row by row.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from context_app.services import dry_run, policy
from context_app.services.dry_run import Replayed
from context_app.services.policy import Rule
from sessions_app.management.support import (
    USAGE,
    as_json,
    as_table,
    errors_in_words,
    one_line,
)

HEAD = ("WHEN", "PERSON", "TOOL", "TARGET", "SCOPE", "RISK", "BEFORE", "NOW", "WHY")


class Command(BaseCommand):
    help = "Replay stored tool calls against a policy and report the differences."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rules", type=Path, help="JSON file; default: the active rules"
        )
        parser.add_argument("--days", type=int, default=28, help="how far back")
        parser.add_argument("--json", action="store_true", help="print one document")

    def handle(self, *args: Any, **options: Any) -> None:
        calls, different = 0, []
        with errors_in_words():
            since = _since(options["days"])
            for row in dry_run.replay(_rules(options["rules"]), since=since):
                calls += 1
                if row.is_different:
                    different.append(_shown(row))
        if options["json"]:
            self.stdout.write(as_json({"calls": calls, "differences": different}))
            return
        self.stdout.write(f"{calls} calls, {len(different)} decided differently.")
        if different:
            lines = [
                tuple(one_line(str(row[name.lower()]))[:60] for name in HEAD)
                for row in different
            ]
            self.stdout.write(as_table([HEAD, *lines]))


def _since(days: int) -> Any:
    try:
        return timezone.now() - timedelta(days=max(0, days))
    except OverflowError:
        raise CommandError("So many days there are not.", returncode=USAGE) from None


def _shown(row: Replayed) -> dict[str, str]:
    found = {name: str(value) for name, value in row._asdict().items()}
    return found | {"when": row.when.isoformat()[:19]}


def _rules(path: Path | None) -> list[Rule]:
    if path is None:
        return policy.rules_in_force()
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise CommandError(
            f"{path} cannot be read ({exc.strerror}).", returncode=USAGE
        ) from None
    return dry_run.rules_from(text)
