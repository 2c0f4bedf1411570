"""`manage.py credential …`: credentials without a browser.

    add  login  list  test  refresh  mode  revoke  import  delete

A secret comes from a prompt, from stdin, from a file or from the vendor's own environment
variables, never from the command line: arguments are seen by everyone on the machine and
stay in the shell's history.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions_app.errors import Invalid
from sessions_app.management import login_command, new_keys
from sessions_app.management.support import (
    PROBLEM,
    USAGE,
    acting_user,
    add_common_arguments,
    as_json,
    as_table,
    errors_in_words,
    one_line,
)
from sessions_app.models.authentication import Condition, SavedAuthentication
from sessions_app.models.team import Team
from sessions_app.services import credentials
from sessions_app.services.credentials import imports

MAX_IMPORT_BYTES = 256 * 1024


class Command(BaseCommand):
    help = "Add, log in, list, test, refresh, import and delete saved credentials."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        parsers = [_add(actions), _list(actions), _login(actions), _import(actions)]
        for one in (*parsers, *_of_one(actions)):
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
            **new_keys.read(options),
            team=_team(options["team"]),
            is_shared_with_everyone=options["shared"],
        )
        self._say(options, credentials.credential_view(row), f"Saved {row}.")

    def _list(self, options: dict[str, Any]) -> None:
        rows = credentials.list_credentials(user=options["acting"])
        if options["all"]:
            managed = SavedAuthentication.objects.managed_by(options["acting"])
            rows = managed.select_related("owner", "team")
        if options["provider"]:
            rows = rows.filter(provider=options["provider"])
        if options["state"]:
            rows = rows.in_condition(options["state"])
        views = [credentials.credential_view(row) for row in rows]
        self._say(options, views, _table(views))

    def _test(self, options: dict[str, Any]) -> None:
        row = _find(options, to_manage=options["acting"].is_staff)
        result = credentials.check_credential(
            user=options["acting"], credential_id=row.pk
        )
        self._told(options, row, result)

    def _login(self, options: dict[str, Any]) -> None:
        login_command.run(options, _team(options["team"]), self._now)

    def _now(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _refresh(self, options: dict[str, Any]) -> None:
        row = _find(options, to_manage=True)
        result = credentials.refresh_credential(
            user=options["acting"], credential_id=row.pk
        )
        self._told(options, row, result)

    def _mode(self, options: dict[str, Any]) -> None:
        row = _find(options, to_manage=True)
        result = credentials.choose_mode(
            user=options["acting"], credential_id=row.pk, mode=options["mode"]
        )
        self._told(options, row, result)

    def _revoke(self, options: dict[str, Any]) -> None:
        row = _find(options, to_manage=True)
        result = credentials.revoke_credential(
            user=options["acting"], credential_id=row.pk
        )
        self._told(options, row, result)

    def _import(self, options: dict[str, Any]) -> None:
        content = _file(options["file"])
        companion = _file(options["companion"]) if options["companion"] else ""
        name = options["file"].name
        if not options["name"]:
            offers = [imports.view(o) for o in imports.read(name, content, companion)]
            self._say(options, {"offers": offers}, _offers(offers))
            return
        row = imports.save(
            user=options["acting"],
            file_name=name,
            content=content,
            companion=companion,
            index=options["offer"],
            name=options["name"],
        )
        self._say(options, credentials.credential_view(row), f"Saved {row}.")

    def _told(
        self,
        options: dict[str, Any],
        row: SavedAuthentication,
        result: credentials.CheckResult,
    ) -> None:
        """How it went, with the row as it is now; exit 3 when it did not work."""
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


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_IMPORT_BYTES + 1)
    except OSError as exc:
        raise CommandError(
            f"{path} cannot be read ({exc.strerror}).", returncode=USAGE
        ) from None
    if len(raw) > MAX_IMPORT_BYTES:
        raise CommandError(f"{path} is too large for such a file.", returncode=USAGE)
    return raw.decode("utf-8", "replace")


def _offers(offers: list[dict[str, Any]]) -> str:
    lines = []
    for number, offer in enumerate(offers):
        about = f"{offer['source']}: {offer['provider']} {offer['auth_type']}"
        lines.append(f"{number}  {about} {offer['account']}".rstrip())
        for word in ("imports", "warning", "refusal"):
            if offer[word]:
                lines.append(f"   {offer[word]}")
    lines.append("Import one with --name NAME [--offer NUMBER].")
    return "\n".join(lines)


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
    table = as_table([head, *(_line(view) for view in views)])
    # Why one needs somebody, where a column has no room for it.
    causes = [
        f"{view['provider']}/{view['name']}: {one_line(view['cause'])}"
        for view in views
        if view["cause"]
    ]
    return "\n".join([table, *causes])


def _line(view: dict[str, Any]) -> tuple[str, ...]:
    everyone = "everyone" if view["is_shared_with_everyone"] else "-"
    return (
        view["provider"],
        view["auth_type"],
        view["name"] + (" (demo)" if view["is_demo"] else ""),
        view["owner"] or "-",
        view["team"] or everyone,
        view["condition"],
        (view["last_used_at"] or "never")[:19],
    )


def _add(actions: Any) -> CommandParser:
    add: CommandParser = actions.add_parser("add", help="save an API key under a name")
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
    new_keys.add_arguments(add)
    return add


def _list(actions: Any) -> CommandParser:
    listing: CommandParser = actions.add_parser("list", help="what you may use")
    listing.add_argument("--provider", default="")
    listing.add_argument("--state", choices=Condition.values)
    listing.add_argument(
        "--all", action="store_true", help="also what you only manage (staff)"
    )
    return listing


def _login(actions: Any) -> CommandParser:
    login: CommandParser = actions.add_parser("login", help="log in at a vendor")
    login_command.add_arguments(login)
    return login


def _import(actions: Any) -> CommandParser:
    imported: CommandParser = actions.add_parser(
        "import", help="from a file of another program"
    )
    imported.add_argument("file", type=Path)
    imported.add_argument("--companion", type=Path, help="the second file, if any")
    imported.add_argument("--name", default="", help="without: only show the offers")
    imported.add_argument("--offer", type=int, default=0, help="which, from 0")
    return imported


def _of_one(actions: Any) -> list[CommandParser]:
    """The actions on one saved credential, by its name."""
    test = actions.add_parser("test", help="one cheap call with a credential")
    refresh = actions.add_parser("refresh", help="renew a login now")
    mode = actions.add_parser("mode", help="use a login in another mode")
    revoke = actions.add_parser("revoke", help="take a login back at its vendor")
    delete = actions.add_parser("delete", help="remove a credential")
    parsers = [test, refresh, mode, revoke, delete]
    for parser in parsers:
        parser.add_argument("name")
        parser.add_argument("--provider", default="")
        parser.add_argument("--auth-type", default="")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    mode.add_argument("mode", help="auto, chatgpt, api_key (openai)")
    return parsers
