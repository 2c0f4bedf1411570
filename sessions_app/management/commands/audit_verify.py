"""`manage.py audit_verify`: is the record of tool calls as it was written?

It prints the end of the record, `NUMBER:HASH`. Kept where this database cannot reach, and
said later with `--expect`, it also finds a record that was written anew as a whole.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from context_app.models import IntentEvent, ToolIntent
from context_app.services import chain
from sessions_app.management.support import PROBLEM, as_json, errors_in_words


class Command(BaseCommand):
    help = "Check the hash chain of tool intents; names the first altered row (exit 3)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one document")
        parser.add_argument(
            "--expect",
            type=_mark,
            metavar="NUMBER:HASH",
            help="an end that was printed before: it must still be in the record",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            fault = chain.verify(options["expect"])
            end = chain.end()
            counts = (ToolIntent.objects.count(), IntentEvent.objects.count())
        document = {
            "is_ok": fault is None,
            "intents": counts[0],
            "events": counts[1],
            "end": str(end),
            "first_fault": None
            if fault is None
            else {"table": fault.table, "row": fault.row, "why": fault.why},
        }
        if options["json"]:
            self.stdout.write(as_json(document))
        elif fault is None:
            self.stdout.write(
                f"The record is whole: {counts[0]} intents, {counts[1]} events.\n"
                f"It ends with {end}"
            )
        else:
            self.stdout.write(f"{fault.table} {fault.row}: {fault.why}.")
        if fault is not None:
            sys.exit(PROBLEM)


def _mark(text: str) -> chain.Mark:
    """`NUMBER:HASH` as this command prints it."""
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
    if found is None:
        raise ArgumentTypeError("it is NUMBER:HASH, as this command prints the end")
    return chain.Mark(int(found[1]), found[2])
