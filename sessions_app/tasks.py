"""What the worker does by itself. Tasks carry ids or nothing, never a secret.

Schedules are made when the installation is prepared, by name, so that preparing twice
makes them once.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models import Q
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from context_app.services import audits, requests
from providers import provider as interface
from providers.errors import ProviderError
from sessions_app import presence
from sessions_app.models import Run, RunBatch, SavedAuthentication
from sessions_app.services import usage
from sessions_app.services.logins import logging_in
from sessions_app.tokens import sweep

log = logging.getLogger(__name__)

# name → (function, how often, minutes)
_SCHEDULES: dict[str, tuple[str, str, int | None]] = {
    "housekeeping": ("sessions_app.tasks.housekeeping", Schedule.HOURLY, None),
    "refresh": ("sessions_app.tasks.refresh_due", Schedule.MINUTES, 1),
}


def ensure_schedules() -> None:
    """Make the schedules that are missing; change those that differ."""
    for name, (function, every, minutes) in _SCHEDULES.items():
        Schedule.objects.update_or_create(
            name=name,
            defaults={
                "func": function,
                "schedule_type": every,
                "minutes": minutes,
                "repeats": -1,
            },
        )


def at_start() -> None:
    """Queue what cannot wait for the scheduler, whose first look is half a minute off:
    a process that was killed may have left new tokens behind."""
    async_task("sessions_app.tasks.refresh_due")
    connections.close_all()  # whoever forks next must not share one


def refresh_due() -> dict[str, int]:
    """Renew the logins that are due."""
    try:
        return sweep.sweep()
    finally:
        presence.here.hand_on()


def refresh_credential(credential_id: str) -> None:
    """Renew one login, by its id; how it went is in its row."""
    row = SavedAuthentication.objects.filter(
        pk=credential_id, auth_type="oauth"
    ).first()
    if row is None:
        return
    with suppress(ProviderError):
        interface.refresh_tokens(row.provider, row.name, auth_type="oauth")


def housekeeping() -> None:
    """Forget what has an end (docs/operations.md, Retention)."""
    call_command("clearsessions")
    logging_in.forget_old()
    count = _forget_run_logs()
    pruned = requests.prune()
    days = usage.prune()
    sign_ins = _forget_sign_ins()
    old_audits = audits.prune()
    log.info(
        "housekeeping.done",
        extra={
            "log_batches": count,
            "requests": pruned,
            "usage": days,
            "sign_ins": sign_ins,
            "audits": old_audits,
        },
    )


def _forget_run_logs() -> int:
    """A finished answer is whole without them; a broken one can be gone on with by them."""
    now = timezone.now()
    whole = now - timedelta(days=settings.MAESTRO_KEEP_LOGS_DAYS)
    broken = now - timedelta(days=settings.MAESTRO_KEEP_BROKEN_LOGS_DAYS)
    is_old = Q(status=Run.Status.DONE, finished_at__lt=whole) | Q(
        finished_at__lt=broken
    )
    over = Run.objects.exclude(status__in=Run.ACTIVE).filter(is_old)
    count, _ = RunBatch.objects.filter(run__in=over).delete()
    return count


def _forget_sign_ins() -> int:
    """Who signed in or tried to, and from where: personal data with an end."""
    end = timezone.now() - timedelta(days=settings.MAESTRO_KEEP_SIGN_INS_DAYS)
    count = 0
    for table in (AccessLog, AccessFailureLog, AccessAttempt):
        removed, _ = table.objects.filter(attempt_time__lt=end).delete()
        count += removed
    return count
