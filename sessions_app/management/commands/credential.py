"""`manage.py credential add|list|test|delete`: credentials without a browser.

A secret comes from a prompt, from stdin or from a file, never from the command line:
arguments are seen by everyone on the machine and stay in the shell's history.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from providers import resolver
from sessions_app.errors import Invalid
from sessions_app.management.support import (
    PROBLEM,
    USAGE,
    acting_user,
    add_common_arguments,
    as_json,
    as_table,
    errors_in_words,
)
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.team import Team
from sessions_app.services import credentials

MAX_KEY_BYTES = 16_384  # a key file this large is another file


class Command(BaseCommand):
    help = "Add, list, test and delete saved credentials."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add = actions.add_parser("add", help="save an API key under a name")
        add.add_argument("provider", help="slug, for example openai or ollama")
        add.add_argument("--name", required=True, help="the credential's name")
        add.add_argument("--base-url", default="", help="address of a server")
        add.add_argument("--organization", default="")
        add.add_argument("--project", default="")
        sharing = add.add_mutually_exclusive_group()
        sharing.add_argument("--team", default="", help="share with this team")
        sharing.add_argument(
            "--shared", action="store_true", help="share with everyone (staff)"
        )
        key = add.add_mutually_exclusive_group()
        key.add_argument(
            "--key-stdin", action="store_true", help="read the key from stdin"
        )
        key.add_argument("--key-file", type=Path, help="read the key from this file")

        listing = actions.add_parser("list", help="what you may use")
        listing.add_argument("--provider", default="")
        listing.add_argument("--state", choices=SavedAuthentication.State.values)
        listing.add_argument(
            "--all", action="store_true", help="also what you only manage (staff)"
        )
        test = actions.add_parser("test", help="one cheap call with a credential")
        delete = actions.add_parser("delete", help="remove a credential")
        for parser_of_name in (test, delete):
            parser_of_name.add_argument("name")
            parser_of_name.add_argument("--provider", default="")
            parser_of_name.add_argument("--auth-type", default="")
        delete.add_argument("--yes", action="store_true", help="do not ask")
        for one in (add, listing, test, delete):
            add_common_arguments(one)

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            options["acting"] = acting_user(options["user"])
            getattr(self, f"_{options['action']}")(options)

    def _add(self, options: dict[str, Any]) -> None:
        row = credentials.add_api_key(
            user=options["acting"],
            provider=options["provider"],
            name=options["name"],
            api_key=_read_key(options),
            base_url=options["base_url"],
            organization=options["organization"],
            project=options["project"],
            team=_team(options["team"]),
            is_shared_with_everyone=options["shared"],
        )
        self._say(options, credentials.credential_view(row), f"Saved {row}.")

    def _list(self, options: dict[str, Any]) -> None:
        rows = credentials.list_credentials(user=options["acting"])
        if options["all"]:
            managed = SavedAuthentication.objects.managed_by(options["acting"])
            rows = managed.select_related("owner", "team")
        for field in ("provider", "state"):
            if options[field]:
                rows = rows.filter(**{field: options[field]})
        views = [credentials.credential_view(row) for row in rows]
        self._say(options, views, _table(views))

    def _test(self, options: dict[str, Any]) -> None:
        row = _find(options, to_manage=options["acting"].is_staff)
        result = credentials.test_credential(
            user=options["acting"], credential_id=row.pk
        )
        row.refresh_from_db()
        document = {
            **credentials.credential_view(row),
            "is_ok": result.is_ok,
            "message": result.message,
        }
        self._say(options, document, f"{row}: {result.message}")
        if not result.is_ok:
            sys.exit(PROBLEM)

    def _delete(self, options: dict[str, Any]) -> None:
        row = _find(options, to_manage=True)
        if not options["yes"]:
            if not sys.stdin.isatty():
                raise CommandError("Say --yes to delete it.", returncode=USAGE)
            if input(f"Delete {row}? [y/N] ").strip().lower() not in ("y", "yes"):
                raise CommandError("Nothing was deleted.")
        credentials.delete_credential(user=options["acting"], credential_id=row.pk)
        self._say(options, {"deleted": str(row)}, f"Deleted {row}.")

    def _say(self, options: dict[str, Any], document: Any, text: str) -> None:
        self.stdout.write(as_json(document) if options["json"] else text)


def _find(options: dict[str, Any], *, to_manage: bool) -> SavedAuthentication:
    return credentials.find_credential(
        user=options["acting"],
        name=options["name"],
        provider=options["provider"],
        auth_type=options["auth_type"],
        to_manage=to_manage,
    )


def _read_key(options: dict[str, Any]) -> str:
    """The key from the place the options name; asked for where nothing is named."""
    if options["key_file"]:
        try:
            with options["key_file"].open("rb") as file:
                return _decoded(file.read(MAX_KEY_BYTES + 1))
        except OSError as exc:
            raise CommandError(
                f"{options['key_file']} cannot be read ({exc.strerror}).",
                returncode=USAGE,
            ) from None
    if options["key_stdin"]:
        return _decoded(sys.stdin.buffer.read(MAX_KEY_BYTES + 1))
    found = resolver.providers().get(options["provider"])
    if found is None or not found.key_required:
        return ""  # the service says what is wrong with an unknown provider
    if not sys.stdin.isatty():
        raise CommandError(
            "There is no terminal to ask for the key: use --key-stdin or --key-file.",
            returncode=USAGE,
        )
    return getpass.getpass(f"API key for {found.label}: ")


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_KEY_BYTES:
        raise CommandError("That is too long to be an API key.", returncode=USAGE)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError(
            "That is not text, so no API key.", returncode=USAGE
        ) from None


def _team(name: str) -> Team | None:
    if not name:
        return None
    found = Team.objects.filter(name=name).first()
    if found is None:
        raise Invalid("Share with a team that the owner is a member of.", field="team")
    return found


def _table(views: list[dict[str, Any]]) -> str:
    if not views:
        return (
            "No credentials. Add one with `manage.py credential add PROVIDER --name …`."
        )
    head = ("PROVIDER", "TYPE", "NAME", "OWNER", "SHARED WITH", "STATE", "LAST USED")
    return as_table([head, *(_line(view) for view in views)])


def _line(view: dict[str, Any]) -> tuple[str, ...]:
    everyone = "everyone" if view["is_shared_with_everyone"] else "-"
    return (
        view["provider"],
        view["auth_type"],
        view["name"] + (" (demo)" if view["is_demo"] else ""),
        view["owner"] or "-",
        view["team"] or everyone,
        view["state"],
        (view["last_used_at"] or "never")[:19],
    )
