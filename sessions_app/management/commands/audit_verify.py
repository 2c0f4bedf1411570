"""`manage.py audit_verify`: is the record of tool calls as it was written?"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from context_app.models import IntentEvent, ToolIntent
from context_app.services import chain
from sessions_app.management.support import PROBLEM, as_json, errors_in_words


class Command(BaseCommand):
    help = "Check the hash chain of tool intents; names the first altered row (exit 3)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one document")

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            fault = chain.verify()
            counts = (ToolIntent.objects.count(), IntentEvent.objects.count())
        document = {
            "is_ok": fault is None,
            "intents": counts[0],
            "events": counts[1],
            "first_fault": None
            if fault is None
            else {"table": fault.table, "row": fault.row, "why": fault.why},
        }
        if options["json"]:
            self.stdout.write(as_json(document))
        elif fault is None:
            self.stdout.write(
                f"The record is whole: {counts[0]} intents, {counts[1]} events."
            )
        else:
            self.stdout.write(f"{fault.table} {fault.row}: {fault.why}.")
        if fault is not None:
            sys.exit(PROBLEM)
