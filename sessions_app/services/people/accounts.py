"""A person's own account: made with a name and a password, changed, and taken along.

Called by the set-up page, the invitation page and the account page. Every change of a
password ends the person's other sessions, and the pages that are open in them.
"""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from sessions_app.errors import Invalid, NameTaken
from sessions_app.models import Conversation
from sessions_app.person import Person
from sessions_app.services.credentials.rows import credential_view, list_credentials
from sessions_app.services.export import export_json
from sessions_app.services.people import browsers

log = logging.getLogger(__name__)

MAX_PASSWORD = 1024  # hashing a longer one is work that a stranger could make us do


def normalized(name: str) -> str:
    """A user name as it is kept: one spelling (NFKC) of what looks the same."""
    found: str = User.normalize_username(name.strip())
    return found


def is_taken(name: str) -> bool:
    """Whether somebody has this name: "Anna" beside "anna" would be mistaken for her."""
    if User.objects.filter(username__iexact=name).exists():
        return True
    if name.isascii():
        return False
    # SQLite knows the two cases of ASCII letters only.
    names = User.objects.values_list("username", flat=True)
    return name.casefold() in {other.casefold() for other in names.iterator()}


def new_account(*, username: str, password: str, again: str, **fields: Any) -> User:
    """A person who is not saved yet. Raises Invalid, NameTaken."""
    name = normalized(username)
    if not name:
        raise Invalid("Choose a user name.", field="username")
    user = User(username=name, **fields)
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as exc:
        raise Invalid(" ".join(exc.messages), field="username") from None
    if is_taken(name):
        raise _taken()
    set_password(user, password, again)
    return user


def save_new(user: User) -> None:
    """Store a new person; two of one name at the same moment are one. NameTaken."""
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        raise _taken() from None


def set_password(user: User, password: str, again: str) -> None:
    """Put a new password into a row that is not saved yet. Raises Invalid."""
    if password != again:
        raise Invalid("The two passwords differ.", field="again")
    if len(password) > MAX_PASSWORD:
        raise Invalid(f"At most {MAX_PASSWORD} characters.", field="password")
    try:
        validate_password(password, user)
    except ValidationError as exc:
        raise Invalid(" ".join(exc.messages), field="password") from None
    user.set_password(password)


def change_password(
    *, user: User, password: str, again: str, session_key: str = ""
) -> None:
    """A new password; every session but this one ends. Raises Invalid."""
    set_password(user, password, again)
    with transaction.atomic():
        user.save(update_fields=["password"])
        browsers.end_all(user_id=user.pk, but=session_key)
    log.info("account.password_changed", extra={"user_id": user.pk})


def rename(*, user: User, display_name: str) -> None:
    """How others see this person. Raises Invalid."""
    name = " ".join(display_name.split())
    if len(name) > 80 or not name.isprintable():
        raise Invalid("At most 80 printable characters.", field="display_name")
    user.first_name, user.last_name = name, ""
    user.save(update_fields=["first_name", "last_name"])


def everything_of(user: Person) -> dict[str, Any]:
    """All that a person has here, as JSON data; of credentials all but the secrets."""
    if not isinstance(user, User):
        return {}
    own = list_credentials(user=user).filter(owner=user)
    conversations = Conversation.objects.visible_to(user).values_list("pk", flat=True)
    return {
        "format": "maestro-account",
        "version": 1,
        "username": user.get_username(),
        "display_name": user.get_full_name(),
        "email": user.email,
        "joined_at": user.date_joined.isoformat(),
        "teams": [
            {"name": row.team.name, "role": row.role}
            for row in user.memberships.select_related("team").order_by("team__name")
        ],
        "credentials": [credential_view(row) for row in own],
        "conversations": [
            export_json(user=user, conversation_id=pk) for pk in conversations
        ],
    }


def _taken() -> NameTaken:
    return NameTaken("That user name is taken.", field="username")
