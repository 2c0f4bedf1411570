"""`manage.py audit_code [PATH …]`: have code audited, without a browser.

Files, directories, or standard input (code, or with `--diff` a unified diff). The report
goes to stdout, progress to stderr, and is kept for the acting person as one of the page
is. Exit: 0 done, 1 failed, 2 bad usage, 3 something at least as severe as `--fail-on` (or
not everything was read), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from context_app.models import Audit
from context_app.services import audits as kept
from providers.audit import FORMS, SEVERITIES, export
from sessions_app.management.audited import read_paths, read_stdin
from sessions_app.management.findings import as_text, is_bad, printable
from sessions_app.management.support import (
    FAILED,
    PROBLEM,
    USAGE,
    acting_user,
    add_common_arguments,
    chosen_credential,
    errors_in_words,
)
from sessions_app.runs.audits import auditing

STOPPED = 130


class Command(BaseCommand):
    help = "Audit code: findings with rule, severity, place, evidence and advice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "paths", nargs="*", metavar="PATH", help="files or directories; - is stdin"
        )
        parser.add_argument(
            "--diff", action="store_true", help="stdin, or the file, is a unified diff"
        )
        parser.add_argument("--name", default="", help="what audits are compared by")
        parser.add_argument("--credential", default="", metavar="NAME")
        parser.add_argument("--provider", default="", metavar="SLUG")
        parser.add_argument("--model", default="")
        parser.add_argument("--severity-floor", default="info", choices=SEVERITIES)
        parser.add_argument("--max-requests", type=int, default=60, metavar="N")
        parser.add_argument(
            "--format", default="text", choices=("text", *FORMS), help="of the report"
        )
        parser.add_argument(
            "--fail-on",
            default="",
            choices=SEVERITIES,
            metavar="SEVERITY",
            help=f"end with 3 at one at least so severe: {', '.join(SEVERITIES)}",
        )
        parser.add_argument(
            "--new-only",
            action="store_true",
            help="--fail-on looks only at what the last audit did not know",
        )
        add_common_arguments(parser)

    def handle(self, *args: object, **options: Any) -> None:
        source, name, left_out = _source(options)
        if left_out and options["verbosity"] == 1:
            self._note(f"{len(left_out)} files left out (-v 2 names them)")
        for path, why in left_out.items() if options["verbosity"] > 1 else ():
            self._note(f"left out {path}: {why}")
        with errors_in_words():
            user = acting_user(options["user"])
            with _stop_on_interrupt() as stop:
                row = auditing.run(
                    user=user,
                    source=source,
                    name=options["name"] or name,
                    stop=stop,
                    on_progress=self._progress,
                    credential_id=chosen_credential(user, options),
                    model=options["model"],
                    options={
                        "severity_floor": options["severity_floor"],
                        "max_requests": options["max_requests"],
                        **({"kind": "diff"} if options["diff"] else {}),
                    },
                )
        self._end(row, options, was_stopped=stop.is_set())

    def _progress(self, done: int, total: int, what: str) -> None:
        self._note(f"[{done}/{total}] {what}")

    def _note(self, text: str) -> None:
        self.stderr.write(printable(text), str)  # no colour: nothing is wrong

    def _end(self, row: Audit, options: dict[str, Any], *, was_stopped: bool) -> None:
        if row.report is None:
            if was_stopped:
                sys.exit(STOPPED)
            raise CommandError(row.cause, returncode=FAILED)
        report = kept.report_of(row)
        form = "json" if options["json"] else options["format"]
        text = as_text(report) if form == "text" else export(report, form)
        self.stdout.write(text, ending="")
        if was_stopped:
            sys.exit(STOPPED)
        if is_bad(report, options["fail_on"], new_only=options["new_only"]):
            sys.exit(PROBLEM)


def _source(
    options: dict[str, Any],
) -> tuple[str | Mapping[str, str], str, Mapping[str, str]]:
    """(source, its name, what was left out and why). Raises CommandError."""
    paths = options["paths"]
    if not paths and sys.stdin.isatty():
        raise CommandError(
            "Name files or directories, or give code on stdin: "
            "git diff | manage.py audit_code --diff",
            returncode=USAGE,
        )
    if not paths or paths == ["-"]:
        return read_stdin(), "stdin", {}
    found = read_paths(paths)
    if not options["diff"]:
        return found.files, found.name, found.left_out
    if len(found.files) != 1:
        raise CommandError("--diff takes one file, or stdin.", returncode=USAGE)
    return next(iter(found.files.values())), found.name, {}


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C ends the audit in order and keeps what was judged; twice ends at once."""
    stop = threading.Event()

    def end(signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.set()

    try:
        before = signal.signal(signal.SIGINT, end)
    except ValueError:  # not the main thread (tests): nobody can press Ctrl-C
        yield stop
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
