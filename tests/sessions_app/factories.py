"""People, teams and credentials for tests: plain functions, every default filled.

A test shows only what it is about. The cast: Alice owns, Bob is in the team, Charlie must
see nothing.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils import timezone

from sessions_app.models import Membership, SavedAuthentication, Team

_numbers = itertools.count(1)

PASSWORD = "correct horse battery staple"


def make_user(username: str = "", **fields: Any) -> User:
    """A person; `is_staff=True` for staff. The password is PASSWORD."""
    name = username or f"person{next(_numbers)}"
    return get_user_model().objects.create_user(name, password=PASSWORD, **fields)


def make_superuser(username: str = "") -> User:
    """Somebody who may do everything."""
    name = username or f"admin{next(_numbers)}"
    return get_user_model().objects.create_superuser(name, password=PASSWORD)


def make_team(*members: User, name: str = "") -> Team:
    """A team of these people."""
    team = Team.objects.create(name=name or f"team {next(_numbers)}")
    Membership.objects.bulk_create(
        Membership(team=team, user=person) for person in members
    )
    return team


def make_credential(
    *,
    owner: User | None = None,
    provider: str = "openai",
    auth_type: str = "api_key",
    name: str = "",
    secrets: dict[str, str] | None = None,
    expires_in_s: float | None = None,
    **fields: Any,
) -> SavedAuthentication:
    """A saved credential; its key is `sk-test-key` unless `secrets` says otherwise."""
    row = SavedAuthentication(
        provider=provider,
        auth_type=auth_type,
        name=name or f"key_{next(_numbers)}",
        owner=owner,
        **fields,
    )
    if expires_in_s is not None:
        row.expires_at = timezone.now() + timedelta(seconds=expires_in_s)
    row.seal({"api_key": "sk-test-key"} if secrets is None else secrets)
    row.save(force_insert=True)
    return row


def sign_in(client: Any, user: User) -> None:
    """Sign this person in with a test client, without the login form."""
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
