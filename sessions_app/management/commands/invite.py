"""`manage.py invite`: a link by which one person comes in. It is shown once.

manage.py invite --note "Anna" --team Research --role manager
manage.py invite --administrator --json
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions_app.management.support import (
    USAGE,
    acting_user,
    add_common_arguments,
    as_json,
    errors_in_words,
)
from sessions_app.services import teams
from sessions_app.services.people import invitations
from sessions_app.services.people.links import join_link


class Command(BaseCommand):
    help = "Invite somebody: prints a link that works once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--note", default="", help="whom it is for, in your words")
        parser.add_argument("--team", default="", help="name of the team they join")
        parser.add_argument("--role", choices=("member", "manager"), default="member")
        parser.add_argument(
            "--administrator", action="store_true", help="with all rights"
        )
        parser.add_argument("--days", type=int, default=invitations.DAYS)
        add_common_arguments(parser)

    def handle(self, **options: Any) -> None:
        user = acting_user(options["user"])
        team = None
        if name := options["team"]:
            team = teams.list_teams(user=user).filter(name=name).first()
            if team is None:
                raise CommandError(f"There is no team {name!r}.", returncode=USAGE)
        with errors_in_words():
            row, token = invitations.invite(
                user=user,
                team_id=team.pk if team else None,
                role=options["role"],
                makes_administrator=options["administrator"],
                note=options["note"],
                days=options["days"],
            )
        link = join_link(token)
        if options["json"]:
            found = {
                "id": str(row.pk),
                "link": link,
                "team": team.name if team else None,
                "role": row.role,
                "administrator": row.makes_administrator,
                "expires_at": row.expires_at.isoformat(),
            }
            self.stdout.write(as_json(found))
            return
        self.stdout.write(link)
        self.stderr.write(f"Works once, until {row.expires_at:%Y-%m-%d %H:%M} UTC.")
