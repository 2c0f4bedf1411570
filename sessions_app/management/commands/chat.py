"""`manage.py chat [PROMPT | -]`: one question and its answer, without a browser.

The same service, run and log as the page's: the answer is stored and shows in the
browser. Text comes as it arrives; with `--json` one document at the end. Ctrl-C stops the
run and keeps what came. Exit: 0 answered, 1 failed, 2 bad usage, 130 stopped.
"""

from __future__ import annotations

import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from providers.events import RefusalDelta, TextDelta
from sessions_app.frames import MAX_TEXT
from sessions_app.management.support import (
    FAILED,
    USAGE,
    acting_user,
    add_common_arguments,
    as_json,
    chosen_credential,
    errors_in_words,
)
from sessions_app.models import Run
from sessions_app.runs import service
from sessions_app.runs.document import document
from sessions_app.runs.executor import executor
from sessions_app.runs.log.events import RunEvent
from sessions_app.runs.log.polling import follow

STOPPED = 130
# An end that is clean to the vendor and needs a word to a person.
_NOTES = {
    "content_filter": "The vendor withheld the answer, or the rest of it, because of its "
    "policy. Say it in another way.",
    "refusal": "The model declined. Say it in another way, or pick another model.",
    "length": "The answer reached the output limit and ends there.",
}
_PATIENCE_S = 70.0  # for the last commit, after the run is over

# The model's text must not drive the terminal.
_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)), "�")
_UNPRINTABLE.pop(ord("\n"))
_UNPRINTABLE.pop(ord("\t"))


class Command(BaseCommand):
    help = "Ask a model a question and print its answer."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "prompt", nargs="?", default="", help="the question; - reads it from stdin"
        )
        parser.add_argument("--credential", default="", metavar="NAME")
        parser.add_argument("--provider", default="", metavar="SLUG")
        parser.add_argument("--model", default="")
        parser.add_argument("--reasoning-effort", default="")
        parser.add_argument(
            "--conversation", type=_uuid, metavar="ID", help="go on with this one"
        )
        add_common_arguments(parser)

    def handle(self, *args: object, **options: Any) -> None:
        prompt = _prompt(options["prompt"])
        with errors_in_words():
            user = acting_user(options["user"])
            started = service.start_run(
                user=user,
                text=prompt,
                client_message_id=uuid.uuid4().hex,
                conversation_id=options["conversation"],
                credential_id=chosen_credential(user, options),
                model=options["model"] or None,
                options={"reasoning_effort": options["reasoning_effort"]},
            )
            with _stop_on_interrupt(user, started.run.pk):
                self._show(started.run.pk, is_quiet=options["json"])
            executor.wait_until_idle(_PATIENCE_S)
            run = Run.objects.select_related("answer").get(pk=started.run.pk)
        self._end(run, options)

    def _show(self, run_id: UUID, *, is_quiet: bool) -> None:
        for events in follow(run_id):
            if not is_quiet:
                self.stdout.write(_visible(events), ending="")
                self.stdout.flush()

    def _end(self, run: Run, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(as_json(document(run)))
        else:
            self.stdout.write("")
        if run.status == Run.Status.DONE:
            if not options["json"] and run.stop_reason in _NOTES:
                self.stderr.write(_NOTES[run.stop_reason])
            return
        if run.status in (Run.Status.STOPPED, Run.Status.INTERRUPTED):
            sys.exit(STOPPED if run.status == Run.Status.STOPPED else FAILED)
        if options["json"]:
            sys.exit(FAILED)
        raise CommandError(run.cause, returncode=FAILED)


def _visible(events: list[RunEvent]) -> str:
    text = "".join(e.text for e in events if isinstance(e, TextDelta | RefusalDelta))
    return text.translate(_UNPRINTABLE)


def _prompt(given: str) -> str:
    """The question, from the argument or from stdin. Raises CommandError."""
    if given == "-" or (not given and not sys.stdin.isatty()):
        # One more than is allowed, so that the service says it is too long.
        given = sys.stdin.read(MAX_TEXT + 1)
    if not given.strip():
        raise CommandError(
            "Say a question: manage.py chat “Why is the sky blue?”, or - for stdin.",
            returncode=USAGE,
        )
    return given


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{text!r} is not an id.", returncode=USAGE) from None


@contextmanager
def _stop_on_interrupt(user: User, run_id: UUID) -> Iterator[None]:
    """Ctrl-C ends the run in order; the loop that prints it then ends by itself."""

    def stop(signum: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        service.stop_run(user=user, run_id=run_id)

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread (tests): nobody can press Ctrl-C
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
