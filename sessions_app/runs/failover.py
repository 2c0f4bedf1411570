"""Somebody else answers, openly: only whom the person chose, and within the terms.

A vendor's limit is never dodged where the vendor forbids it: what a subscription may not
answer any more is not given to another subscription of the same vendor. Called by
`retrying.py`, before anything of a response was shown.
"""

from __future__ import annotations

from typing import Any

import msgspec
from django.utils import timezone

from providers import provider
from providers.events import ErrorInfo
from providers.retry import Decision, RetryClass
from sessions_app.errors import LimitReached
from sessions_app.models import Run, SavedAuthentication
from sessions_app.models.authentication import Condition

# What somebody else may do better. A wrong request is wrong everywhere.
_HELPS = {
    RetryClass.AUTH: "needs a new login or key",
    RetryClass.RATE_LIMIT: "got too many requests",
    RetryClass.LIMITED: "is limited",
    RetryClass.OVERLOADED: "has too much to do",
    RetryClass.SERVER: "had an error",
    RetryClass.NETWORK: "could not be reached",
    RetryClass.CUT: "broke off",
}
_LIMITS = (RetryClass.RATE_LIMIT, RetryClass.LIMITED)
_NO = (Condition.NEEDS_LOGIN, Condition.REJECTED, Condition.UNREADABLE)


class Substitute(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers instead, and the sentence that says so."""

    credential: SavedAuthentication
    model: str
    note: str


def substitute(
    run: Run, decision: Decision, error: ErrorInfo, tried: set[tuple[Any, str]]
) -> Substitute | None:
    """The first of the person's fallbacks that may and can answer. Asks the database."""
    if decision.kind not in _HELPS or decision.action not in ("stop", "limited"):
        return None
    if error.kind == LimitReached.__name__:
        return None  # the person's or the installation's: it holds for all of them
    mine = SavedAuthentication.objects.visible_to(run.started_by)
    for choice in run.options.get("fallbacks") or ():
        row = mine.filter(pk=choice["credential_id"]).first()
        model = choice["model"]
        if row is None or (row.pk, model) in tried:
            continue
        if row.condition_at() in (*_NO, Condition.LIMITED):
            continue
        if decision.kind in _LIMITS and _rotates(run, row):
            continue
        why = _why(run, decision, error)
        note = f"Answered by “{row.name}” ({row.provider}, {model}) because {why}."
        return Substitute(credential=row, model=model, note=note)
    return None


def switch(run: Run, to: Substitute) -> bool:
    """Make the run, as a row and in memory, the substitute's. False: not ours any more."""
    row = to.credential
    fields: dict[str, Any] = {
        "credential": row,
        "provider": row.provider,
        "auth_type": row.auth_type,
        "credential_name": row.name,
        "is_demo": row.is_demo,
        "model": to.model,
    }
    ours = Run.objects.filter(pk=run.pk, epoch=run.epoch, status__in=Run.AT_WORK)
    if not ours.update(**fields):
        return False
    for name, value in fields.items():
        setattr(run, name, value)
    return True


def _rotates(run: Run, row: SavedAuthentication) -> bool:
    """Whether this would spread one person's use over several subscriptions."""
    return row.provider == run.provider and provider.is_subscription(
        row.provider, row.auth_type, row.metadata
    )


def _why(run: Run, decision: Decision, error: ErrorInfo) -> str:
    why = f"“{run.credential_name}” {_HELPS[decision.kind]}"
    if decision.kind is RetryClass.LIMITED:
        now = timezone.now()
        rows = SavedAuthentication.objects.filter(pk__in=[run.credential_id])
        until = rows.values_list("limited_until", flat=True).first()  # as it is now
        if until and until > now:
            why += f" until {timezone.localtime(until):%H:%M %Z}"
    return why
