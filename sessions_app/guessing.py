"""How often a password may be guessed: from one address, and from all of them together.

The first limit is django-axes' own (`AXES_FAILURE_LIMIT`). The second is for whoever has
many addresses. It does not hold for a browser that the person was signed in with before,
so that a stranger who goes on guessing keeps nobody out who has one. Named in
`maestro/settings.py` as the handler of django-axes; `seen.py` marks the browsers.
"""

from __future__ import annotations

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username, get_failure_limit
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

EVERYWHERE = 20  # wrong passwords for one account, in AXES_COOLOFF_TIME
ONE_TIME_LINK = "(one-time link)"  # counted as a name, which no person can have
_MARK_AGE_S = 400 * 86_400  # browsers keep nothing for longer


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """Also counts an account's wrong passwords over all addresses."""

    def get_failures(self, request: Any, credentials: Any = None) -> int:
        """As many as count here; at the limit, the next one is not even tried."""
        here: int = super().get_failures(request, credentials)
        limit: int = get_failure_limit(request, credentials)
        name = get_client_username(request, credentials)
        if here >= limit or not name or name == ONE_TIME_LINK:
            return here
        if _everywhere(request, name, limit) < EVERYWHERE or is_marked(request, name):
            return here
        return limit


def mark(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Remember in a browser that this person was signed in with it."""
    value = _mark_of(user)
    if not user.has_usable_password() or request.COOKIES.get(_cookie()) == value:
        return
    response.set_cookie(
        _cookie(),
        value,
        max_age=_MARK_AGE_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def is_marked(request: HttpRequest, username: str) -> bool:
    """Whether this browser was signed in as them, with the password they have now."""
    given = request.COOKIES.get(_cookie(), "")
    user = User.objects.filter(username=username).first() if given else None
    return user is not None and constant_time_compare(given, _mark_of(user))


def _everywhere(request: HttpRequest, username: str, limit: int) -> int:
    """Of each address so many as were tried: those in its pause are recorded, too."""
    since = get_cool_off_threshold(request)
    rows = AccessAttempt.objects.filter(username=username, attempt_time__gte=since)
    counts = rows.values("ip_address").annotate(count=Sum("failures_since_start"))
    first = counts.order_by("ip_address")[:EVERYWHERE]  # each has one at least
    return sum(min(row["count"], limit) for row in first)


def _cookie() -> str:
    return f"{settings.SESSION_COOKIE_NAME}_known"  # with the prefix it may have


def _mark_of(user: User) -> str:
    known = f"{user.pk} {user.get_session_auth_hash()}"
    return salted_hmac("known browser", known, algorithm="sha256").hexdigest()
