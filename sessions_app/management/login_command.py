"""`credential login`: a login without a page of ours.

Prints where to go, then waits: for the browser to come back to a loopback port, for the
pasted answer on stdin, or for the vendor to confirm a device code. Ctrl-C cancels and
leaves nothing behind.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from sessions_app.errors import Invalid
from sessions_app.management.support import FAILED, USAGE, as_json
from sessions_app.models import PendingLogin
from sessions_app.services import credentials
from sessions_app.services.logins import logging_in
from sessions_app.services.logins.results import view

# A command waits for as long as the person takes; its session is nobody's browser.
SESSION = ""
POLL_S = 0.5

Status = PendingLogin.Status


def add_arguments(parser: CommandParser) -> None:
    """What `credential login` takes."""
    parser.add_argument("provider", help="slug, for example openai")
    parser.add_argument("--name", default="", help="the credential's name")
    parser.add_argument("--method", default="", help="one of the vendor's ways")
    parser.add_argument("--mode", default="", help="auto, chatgpt, api_key (openai)")
    parser.add_argument("--again", default="", metavar="NAME", help="log in again")
    parser.add_argument("--team", default="", help="share with this team")
    parser.add_argument("--shared", action="store_true", help="share with everyone")
    parser.add_argument(
        "--no-listen",
        action="store_true",
        help="open no port here: paste the address of the page that failed to open",
    )


def run(options: dict[str, Any], team: Any, say: Callable[[str], None]) -> None:
    """Do it. Raises CommandError with the reason when it brings no credential."""
    user = options["acting"]
    again = _again(user, options)
    row = logging_in.begin(
        user=user,
        session_key=SESSION,
        provider=options["provider"],
        name=options["name"],
        method=options["method"],
        mode=options["mode"],
        credential_id=again.pk if again else None,
        team=team,
        is_shared_with_everyone=options["shared"],
        listens=not options["no_listen"],
        lives_on=True,
    )
    shown = view(row)
    try:
        # With --json the first line is what to open, the last one the result.
        say(as_json({"login": shown}) if options["json"] else instructions(shown))
        done = until_done(user, row, shown)
    except (KeyboardInterrupt, EOFError):
        raise CommandError("Cancelled; nothing was saved.", returncode=FAILED) from None
    finally:
        logging_in.cancel(user=user, session_key=SESSION, login_id=row.pk)
    if done.status != Status.DONE or done.result is None:
        raise CommandError(done.message or "The login is over.", returncode=FAILED)
    saved = credentials.credential_view(done.result)
    if options["json"]:
        say(as_json({"login": view(done), "credential": saved}))
    else:
        say(f"Saved {done.result}. {done.message}")


def _again(user: Any, options: dict[str, Any]) -> Any:
    """The credential that is logged in again; None for a new one."""
    if not options["again"]:
        return None
    return credentials.find_credential(
        user=user,
        name=options["again"],
        provider=options["provider"],
        auth_type="oauth",
        to_manage=True,
    )


def until_done(user: Any, row: PendingLogin, shown: dict[str, Any]) -> PendingLogin:
    """Wait for the answer of a login, from wherever it comes; `shown` is its view.

    Raises EOFError where it would have to be pasted and nobody is there, CommandError.
    """
    reads = shown["answer"] != "device"
    end = time.monotonic() + 900 if shown["answer"] == "device" else None
    while end is None or time.monotonic() < end:
        line = None
        if reads:
            try:
                line = _line(POLL_S)
            except EOFError:
                if not shown["is_listening"]:
                    raise
                reads = False  # nobody types, and the browser may still come
        else:
            time.sleep(POLL_S)
        if line is not None:
            try:
                return logging_in.answer(
                    user=user, session_key=SESSION, login_id=row.pk, text=line
                )
            except Invalid as exc:
                sys.stderr.write(f"{exc.message}\n")
                if not sys.stdin.isatty():
                    raise CommandError(exc.message, returncode=USAGE) from None
        found = logging_in.poll(user=user, session_key=SESSION, login_id=row.pk)
        if found.status not in (Status.WAITING, Status.WORKING):
            return found
    raise CommandError("Nobody confirmed the login in time.", returncode=FAILED)


def _line(wait_s: float) -> str | None:
    """A line that was pasted, or None after a while. Raises EOFError at its end."""
    if sys.stdin.closed:
        raise EOFError
    ready, _, _ = select.select([sys.stdin], [], [], wait_s)
    if not ready:
        return None
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip() or None


def instructions(shown: dict[str, Any]) -> str:
    """What a person at a terminal has to do."""
    lines = []
    if shown["warning"]:
        lines.append(f"Note: {shown['warning']}")
    lines.append(f"Open this address in a browser:\n\n  {shown['authorize_url']}\n")
    if shown["answer"] == "device":
        lines.append(f"and enter the code  {shown['user_code']}")
    elif shown["answer"] == "code":
        lines.append("Then paste the code that the page shows, and press Enter:")
    elif shown["is_listening"]:
        lines.append(
            f"Waiting at {shown['redirect_uri']}. If the browser runs on another machine, "
            "paste the address of the page that failed to open:"
        )
    else:
        lines.append("Then paste the address of the page that failed to open:")
    return "\n".join(lines)
