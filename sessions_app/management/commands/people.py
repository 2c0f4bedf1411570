"""`manage.py people …`: who is here, and what an administrator does with accounts.

    list [WORDS]   close NAME   reopen NAME   sign-out NAME   reset NAME

`close` ends everything that is under way, in all processes; `reset` prints a link for a
new password, which works once.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions_app.management.support import (
    USAGE,
    acting_user,
    add_common_arguments,
    as_json,
    as_table,
    errors_in_words,
)
from sessions_app.runs import closing
from sessions_app.services.people import directory
from sessions_app.services.people.links import reset_link

ON_SOMEBODY = {
    "close": "close an account, and end all it has under way",
    "reopen": "let somebody sign in again",
    "sign-out": "end all sessions of somebody",
    "reset": "print a link for a new password",
}


class Command(BaseCommand):
    help = "List people; close, reopen, sign out and reset their accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="everybody, by name")
        listing.add_argument("words", nargs="?", default="", help="part of a name")
        add_common_arguments(listing)
        for name, words in ON_SOMEBODY.items():
            one = actions.add_parser(name, help=words)
            one.add_argument("name", help="user name")
            add_common_arguments(one)

    def handle(self, **options: Any) -> None:
        user = acting_user(options["user"])
        with errors_in_words():
            if options["action"] == "list":
                self._list(user, options)
                return
            self._on_somebody(user, options)

    def _list(self, user: User, options: dict[str, Any]) -> None:
        found, page = [], 1
        while True:
            entries = directory.list_people(
                user=user, search=options["words"], page=page
            )
            found += [_view(entry) for entry in entries[: directory.PAGE]]
            if len(entries) <= directory.PAGE:
                break
            page += 1
        if options["json"]:
            self.stdout.write(as_json({"people": found}))
            return
        rows = [["NAME", "ROLE", "STATE", "TEAMS", "LAST SEEN"]]
        for one in found:
            state = "active" if one["is_active"] else "closed"
            teams = ", ".join(one["teams"])
            rows.append(
                [one["username"], one["role"], state, teams, one["seen_at"] or "never"]
            )
        self.stdout.write(as_table(rows))

    def _on_somebody(self, user: User, options: dict[str, Any]) -> None:
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(
                f"There is no person {options['name']!r}.", returncode=USAGE
            )
        about: dict[str, Any] = {"username": person.get_username()}
        match options["action"]:
            case "close":
                closing.close_account(user=user, person_id=person.pk)
                said = "Closed. Nothing of theirs goes on."
            case "reopen":
                directory.reopen(user=user, person_id=person.pk)
                said = "Open again."
            case "sign-out":
                count = directory.end_sessions(user=user, person_id=person.pk)
                about["sessions"] = count
                said = f"Signed out of {count} browsers."
            case _:
                _, token = directory.reset_token(user=user, person_id=person.pk)
                said = about["link"] = reset_link(token)
        self.stdout.write(as_json(about) if options["json"] else said)


def _view(entry: directory.Entry) -> dict[str, Any]:
    return {
        "username": entry.person.get_username(),
        "name": entry.person.get_full_name(),
        "role": entry.role,
        "is_active": entry.person.is_active,
        "teams": [row.team.name for row in entry.memberships],
        "seen_at": entry.seen_at.isoformat(timespec="minutes")
        if entry.seen_at
        else None,
        "browsers": entry.browsers,
    }
