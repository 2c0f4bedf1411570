"""`manage.py serve`: one web process, of several behind a proxy. No supervisor, no demo."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from maestro.operations import joining
from maestro.operations.commands import errors_in_words


class Command(BaseCommand):
    """For systemd and containers, which keep it alive. `bin/run` is for one machine."""

    help = "Serve as one of several web processes (needs PostgreSQL and Redis)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            lock = joining.enter()
        from maestro import web  # Twisted is imported only here

        web.serve(options["host"], options["port"])
        lock.close()
