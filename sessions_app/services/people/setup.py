"""The first administrator: a one-time link, printed by the start, good for an hour.

Only while nobody can administer the installation. The token is stored hashed; using it,
making a new one, or the first administrator ends it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from sessions_app.errors import NotFound
from sessions_app.models import InstallationFact
from sessions_app.services.people.accounts import new_account, save_new

log = logging.getLogger(__name__)

GOOD_FOR = timedelta(hours=1)
_FACT = "setup_token"


def is_needed() -> bool:
    """Whether there is no administrator who can sign in."""
    admins = User.objects.filter(is_superuser=True, is_active=True)
    return not any(admin.has_usable_password() for admin in admins)


def issue_setup_token() -> str | None:
    """A fresh token, or None when there is an administrator. The last one counts."""
    if not is_needed():
        InstallationFact.objects.filter(name=_FACT).delete()
        return None
    token = secrets.token_urlsafe(32)
    until = timezone.now() + GOOD_FOR
    value = json.dumps({"hash": _hash(token), "until": until.isoformat()})
    InstallationFact.objects.update_or_create(name=_FACT, defaults={"value": value})
    return token


def is_valid(token: str) -> bool:
    """Whether this token may set the installation up now."""
    fact = InstallationFact.objects.filter(name=_FACT).first()
    if fact is None or not token or not is_needed():
        return False
    stored = json.loads(fact.value)
    is_it = constant_time_compare(_hash(token), stored["hash"])
    return is_it and timezone.now() < datetime.fromisoformat(stored["until"])


def create_administrator(
    *, token: str, username: str, password: str, again: str
) -> User:
    """Make the administrator and end the token. Raises NotFound, Invalid."""
    with transaction.atomic():
        if not is_valid(token):
            raise NotFound(why_over())
        user = new_account(
            username=username,
            password=password,
            again=again,
            is_staff=True,
            is_superuser=True,
        )
        # Whoever deletes the token has used it: of two at the same moment, one.
        if not InstallationFact.objects.filter(name=_FACT).delete()[0]:
            raise NotFound(why_over())
        save_new(user)
    log.warning("setup.administrator_created", extra={"user_id": user.pk})
    return user


def why_over() -> str:
    """What to do instead, for somebody whose link opens nothing."""
    if not is_needed():
        return "Maestro is set up already. Sign in, or ask its administrator to invite you."
    return (
        "It is incomplete, or too old. Copy all of it, or start Maestro again:"
        " each start prints a new one, which ends the one before."
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
