"""News that other processes found out, told to the pages of this one.

The worker renews logins, and its bell does not ring here. This looks every few seconds
for credentials that need a person, and rings for those that changed since.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from sessions_app.models.authentication import SavedAuthentication
from sessions_app.tokens import credential_news

# Clocks of two machines, and transactions that commit a little later than their time.
_OVERLAP = timedelta(seconds=30)

_told: dict[object, datetime] = {}


def tell() -> int:
    """Ring for credentials that need a login since the last call. How many."""
    since = timezone.now() - timedelta(seconds=10) - _OVERLAP
    rows = SavedAuthentication.objects.filter(
        state=SavedAuthentication.State.NEEDS_LOGIN, updated_at__gte=since
    )
    count = 0
    for row in rows:
        if _told.get(row.pk) != row.updated_at:
            _told[row.pk] = row.updated_at
            credential_news.ring(row)
            count += 1
    for old in [key for key, moment in _told.items() if moment < since]:
        del _told[old]
    return count
