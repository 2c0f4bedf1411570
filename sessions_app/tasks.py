"""What the worker does by itself. Tasks carry ids or nothing, never a secret.

Schedules are made when the installation is prepared, by name, so that preparing twice
makes them once.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone
from django_q.models import Schedule

from sessions_app.models import Run, RunBatch

log = logging.getLogger(__name__)

# A reader that was away longer gets the finished message instead of its events.
KEEP_LOG = timedelta(days=1)

_SCHEDULES = {"housekeeping": ("sessions_app.tasks.housekeeping", Schedule.HOURLY)}


def ensure_schedules() -> None:
    """Make the schedules that are missing; change those that differ."""
    for name, (function, every) in _SCHEDULES.items():
        Schedule.objects.update_or_create(
            name=name,
            defaults={"func": function, "schedule_type": every, "repeats": -1},
        )


def housekeeping() -> None:
    """Forget expired sessions, and the logs of runs whose answers are stored."""
    call_command("clearsessions")
    over = Run.objects.exclude(status__in=Run.ACTIVE).filter(
        finished_at__lt=timezone.now() - KEEP_LOG
    )
    count, _ = RunBatch.objects.filter(run__in=over).delete()
    log.info("housekeeping.done", extra={"log_batches": count})
