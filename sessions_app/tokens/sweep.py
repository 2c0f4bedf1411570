"""The scheduled renewal of logins: every minute, those that are due, a few at a time.

Only the early trigger: the request path renews by the same function when it must. A sweep
that is killed is simply followed by the next; what it had begun is recovered there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections
from django.utils import timezone

from providers import provider as interface
from providers.errors import ProviderError
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.sealing import spool

log = logging.getLogger(__name__)

THREADS = 8
BUDGET_S = (
    45.0  # the next sweep begins after a minute, and goes on where this one ended
)


def sweep(budget_s: float = BUDGET_S) -> dict[str, int]:
    """Renew what is due, the most urgent first. Counts: due, renewed, failed, left."""
    recovered = recover()
    counts = {"due": 0, "renewed": 0, "failed": 0, "left": 0, "recovered": recovered}
    _each(due(), counts, time.monotonic() + budget_s)
    if counts["due"] or recovered:
        log.info("sweep.done", extra=counts)
    return counts


def due() -> list[tuple[str, str, int]]:
    """(provider, name, generation) of the logins that must be renewed now.

    Nothing is done for somebody who is out; what they lent to others is renewed.
    """
    rows = SavedAuthentication.objects.filter(
        auth_type="oauth", refresh_at__lte=timezone.now()
    ).exclude(owner__is_active=False, team=None, is_shared_with_everyone=False)
    found = rows.order_by("refresh_at").values_list("provider", "name", "generation")
    return list(found)


def recover() -> int:
    """Store the new tokens that a killed process left in the spool. How many."""
    count = 0
    for row_id, generation in spool.left_behind():
        row = SavedAuthentication.objects.filter(pk=row_id).first()
        if row is None or row.generation > generation:
            spool.forget(row_id, generation)
        elif _renewed(row.provider, row.name, generation):
            count += 1
    return count


def _each(rows: list[tuple[str, str, int]], counts: dict[str, int], end: float) -> None:
    counts["due"] = len(rows)

    def renew(row: tuple[str, str, int]) -> str:
        if time.monotonic() > end:
            return "left"
        try:
            return "renewed" if _renewed(*row) else "failed"
        except Exception:  # of one login; the others have their turn
            log.exception("sweep.failed")
            return "failed"
        finally:
            connections.close_all()

    if not rows:
        return
    with ThreadPoolExecutor(min(THREADS, len(rows)), "sweep") as pool:
        results: Iterable[Any] = pool.map(renew, rows)
        for result in results:
            counts[result] += 1


def _renewed(provider: str, name: str, generation: int) -> bool:
    """Renew this generation: another sweep may have come first. Errors are logged by
    whoever holds the lease."""
    try:
        interface.refresh_tokens(
            provider, name, auth_type="oauth", generation=generation
        )
    except ProviderError:
        return False
    return True
