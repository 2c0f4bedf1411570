"""`manage.py policy_dry_run`: what would other rules have decided about past calls?

Reads a file of rules (JSON, a list of objects with the fields of a rule), or tries the
active rules; replays stored calls and reports every difference, row by row.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from context_app.models import ToolIntent
from context_app.services import policy
from context_app.services.policy import Call, Rule
from sessions_app.management.support import USAGE, as_json, as_table, errors_in_words
from sessions_app.models import Membership


class Command(BaseCommand):
    help = "Replay stored tool calls against a policy and report the differences."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rules", type=Path, help="JSON file; default: the active rules"
        )
        parser.add_argument("--days", type=int, default=28, help="how far back")
        parser.add_argument("--json", action="store_true", help="print one document")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            rules = _read(options["rules"])
            rows = [_row(intent, rules) for intent in _calls(options["days"])]
        changed = [row for row in rows if row["before"] != row["now"]]
        if options["json"]:
            self.stdout.write(as_json({"calls": len(rows), "differences": changed}))
            return
        self.stdout.write(f"{len(rows)} calls, {len(changed)} decided differently.")
        if changed:
            head = ("WHEN", "PERSON", "TOOL", "TARGET", "RISK", "BEFORE", "NOW", "WHY")
            lines = [
                tuple(str(row[name.lower()])[:60] for name in head) for row in changed
            ]
            self.stdout.write(as_table([head, *lines]))


def _calls(days: int) -> list[ToolIntent]:
    since = timezone.now() - timedelta(days=days)
    return list(ToolIntent.objects.filter(created_at__gte=since).order_by("created_at"))


def _row(intent: ToolIntent, rules: list[Rule]) -> dict[str, Any]:
    teams = Membership.objects.filter(user=intent.person_id) if intent.person_id else []
    call = Call(
        tool=intent.tool,
        target=intent.target,
        risk=intent.effective_risk,
        person=intent.person_id,
        teams=frozenset(membership.team_id for membership in teams),
    )
    ruling = policy.decide(call, rules)
    return {
        "when": intent.created_at.isoformat()[:19],
        "person": intent.person_name,
        "tool": intent.tool,
        "target": intent.target,
        "risk": intent.effective_risk,
        "before": intent.decision,
        "now": str(ruling.action),
        "why": ruling.why,
        "intent": str(intent.pk),
    }


def _read(path: Path | None) -> list[Rule]:
    if path is None:
        return policy.rules_in_force()
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Rule])
    except OSError as exc:
        raise CommandError(
            f"{path} cannot be read ({exc.strerror}).", returncode=USAGE
        ) from None
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise CommandError(
            f"{path} is no list of rules: {exc}.", returncode=USAGE
        ) from None
