"""`manage.py work`: one worker, of several."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from maestro import worker
from maestro.operations import joining
from maestro.operations.commands import errors_in_words


class Command(BaseCommand):
    """A qcluster whose children die with it. `bin/run` brings one of its own."""

    help = "Run tasks and schedules as one of several workers (needs PostgreSQL and Redis)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            lock = joining.enter()
        worker.work()
        lock.close()
