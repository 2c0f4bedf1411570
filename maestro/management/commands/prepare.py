"""`manage.py prepare`: keys, schema and static files, without starting anything."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from maestro.prepare import EX_CONFIG, NotPrepared, prepare


class Command(BaseCommand):
    """What bin/run does before it starts the processes; for containers and upgrades."""

    help = "Make keys, migrate the database and collect static files; safe to repeat."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prepare(self.stdout.write)
        except NotPrepared as exc:
            raise CommandError(str(exc), returncode=EX_CONFIG) from None
        self.stdout.write("ready to start")
