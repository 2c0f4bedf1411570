"""The browsers in which a person is signed in: list them, end them, notice them.

A session is written down when it begins and when it is used, once a minute at most. What
ends one deletes its row, and a signal tells the open pages to look for themselves.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.utils import timezone

from sessions_app.errors import NotFound
from sessions_app.models import SignedInBrowser

EVERY_S = 60.0
_MAX_KNOWN = 10_000

# When this process wrote each session down last. Losing it costs one write.
_noted: dict[str, float] = {}


def note(*, user_id: int, session_key: str, address: str, agent: str) -> None:
    """This session is in use now. Cheap: most calls do nothing."""
    now = time.monotonic()
    if now - _noted.get(session_key, float("-inf")) < EVERY_S:
        return
    if len(_noted) >= _MAX_KNOWN:
        _noted.clear()
    _noted[session_key] = now
    rows = SignedInBrowser.objects.filter(session_id=session_key, user_id=user_id)
    if rows.update(seen_at=timezone.now()):
        return
    try:
        with transaction.atomic():
            SignedInBrowser.objects.filter(session_id=session_key).delete()
            SignedInBrowser.objects.create(
                session_id=session_key,
                user_id=user_id,
                address=address or None,
                agent=agent[:200],
                seen_at=timezone.now(),
            )
    except IntegrityError:  # another request of it was faster, or it has just ended
        pass


def browsers_of(*, user: Any) -> list[SignedInBrowser]:
    """The sessions that are open, last used first."""
    rows = SignedInBrowser.objects.filter(user=user)
    return list(rows.filter(session__expire_date__gt=timezone.now()))


def last_seen(user_ids: list[int]) -> dict[int, datetime]:
    """When each was here last, of those who are signed in somewhere."""
    rows = SignedInBrowser.objects.filter(user__in=user_ids).order_by("seen_at")
    return dict(rows.values_list("user_id", "seen_at"))


def end(*, user: User, browser_id: UUID) -> None:
    """End one session of one's own. Raises NotFound."""
    row = SignedInBrowser.objects.filter(user_id=user.pk, pk=browser_id).first()
    if row is None:
        raise NotFound("That browser is signed out already.")
    Session.objects.filter(pk=row.session_id).delete()


def end_all(*, user_id: int, but: str = "") -> int:
    """End all sessions of a person, perhaps but one. How many."""
    rows = SignedInBrowser.objects.filter(user_id=user_id).exclude(session_id=but)
    keys = list(rows.values_list("session_id", flat=True))
    Session.objects.filter(pk__in=keys).delete()
    return len(keys)
