"""All people of an installation, for its administrators: look, let in again, reset.

Closing an account ends what is under way and therefore lives above, in
`sessions_app/runs/closing.py`. Whoever is no administrator finds nobody here.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from sessions_app.errors import Invalid, NotAllowed, NotFound
from sessions_app.models import Membership
from sessions_app.person import Person
from sessions_app.services.people import accounts, browsers
from sessions_app.services.rights import Verb, check, may
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)

PAGE = 50
_MAX_TOKEN = 120


class _Tokens(PasswordResetTokenGenerator):
    def __init__(self, maker_id: int) -> None:
        super().__init__()
        self._maker_id = maker_id

    def _make_hash_value(self, user: AbstractBaseUser, timestamp: int) -> str:
        assert isinstance(user, User)
        rights = f"{user.is_staff:d}{user.is_superuser:d}"
        value = super()._make_hash_value(user, timestamp)
        return f"{value}{rights} by {self._maker_id}"


class Entry(NamedTuple):
    """One person, as administrators see them."""

    person: User
    memberships: list[Membership]
    seen_at: datetime | None
    may_change: bool
    browsers: int = 0

    @property
    def role(self) -> str:
        """What they are here."""
        if self.person.is_superuser:
            return "administrator"
        return "staff" if self.person.is_staff else "member"


def list_people(*, user: Person, search: str = "", page: int = 1) -> list[Entry]:
    """A page of people by name, and one more if there are more. Raises NotAllowed."""
    check(user, Verb.SEE_PEOPLE)
    rows = User.objects.order_by("username")
    if words := without_nul(search).strip()[:100]:
        names = ("username", "first_name", "last_name", "email")
        rows = rows.filter(
            Q(*[(f"{name}__icontains", words) for name in names], _connector=Q.OR)
        )
    first = (max(page, 1) - 1) * PAGE
    found = list(
        rows.prefetch_related("memberships__team", "browsers")[first : first + PAGE + 1]
    )
    seen = browsers.last_seen([person.pk for person in found])
    return [
        Entry(
            person=person,
            memberships=list(person.memberships.all()),
            seen_at=seen.get(person.pk) or person.last_login,
            may_change=may(user, Verb.CHANGE_PERSON, person),
            browsers=len(person.browsers.all()),
        )
        for person in found
    ]


def person_to_change(*, user: Person, person_id: int) -> User:
    """Somebody whose account this person may change. Raises NotFound, NotAllowed."""
    if not may(user, Verb.SEE_PEOPLE):
        raise NotFound("There is no such person.")
    found = User.objects.filter(pk=person_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    if not may(user, Verb.CHANGE_PERSON, found):
        raise NotAllowed(
            "Your own account is changed on the page Account; an administrator's only by "
            "another administrator with all rights."
        )
    return found


def reopen(*, user: Person, person_id: int) -> User:
    """Let somebody sign in again, with the password they had. NotFound, NotAllowed."""
    person = person_to_change(user=user, person_id=person_id)
    person.is_active = True
    person.save(update_fields=["is_active"])
    log.info("account.reopened", extra={"user_id": user.pk, "person_id": person.pk})
    return person


def end_sessions(*, user: Person, person_id: int) -> int:
    """Sign somebody out everywhere. How many browsers. Raises NotFound, NotAllowed."""
    person = person_to_change(user=user, person_id=person_id)
    count = browsers.end_all(user_id=person.pk)
    log.info("account.signed_out", extra={"user_id": user.pk, "person_id": person.pk})
    return count


def reset_token(*, user: Person, person_id: int) -> tuple[User, str]:
    """What a link for a new password carries. Raises NotFound, NotAllowed, Invalid.

    Django's own token: bound to the present password, so a used one is worth nothing;
    to the present rights, since who may make one depends on them; and to its maker, who
    must still have the right when it is used.
    """
    person = person_to_change(user=user, person_id=person_id)
    if not person.is_active:
        raise Invalid("Reopen the account first.")
    assert user.pk is not None  # nobody else may
    whose, whom = (urlsafe_base64_encode(force_bytes(p.pk)) for p in (person, user))
    log.info("account.reset_link", extra={"user_id": user.pk, "person_id": person.pk})
    return person, f"{whose}.{whom}.{_Tokens(user.pk).make_token(person)}"


def person_of_reset(token: str) -> User:
    """Whose new password a link is for. Raises Invalid (no token), NotFound (over)."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != 3 or not all(parts) or len(token) > _MAX_TOKEN:
        raise Invalid("This is not a link for a new password. Copy all of it.")
    over = NotFound(
        "This link is used or too old. Ask your administrator for a new one."
    )
    try:
        person_id, maker_id = (int(urlsafe_base64_decode(part)) for part in parts[:2])
        person = User.objects.get(pk=person_id, is_active=True)
    except (ObjectDoesNotExist, ValueError, OverflowError):
        raise over from None
    if not _Tokens(maker_id).check_token(person, parts[2]):
        raise over
    maker = User.objects.filter(pk=maker_id).first()
    if maker is None or not may(maker, Verb.CHANGE_PERSON, person):
        raise NotFound(
            "Whoever made this link may not do so any more. Ask another administrator."
        )
    return person


def reset_password(*, token: str, password: str, again: str) -> User:
    """The new password; every session ends. Raises Invalid, NotFound."""
    person = person_of_reset(token)
    before = person.password
    accounts.set_password(person, password, again)
    # Of two at the same moment, one: the other's token was for the old password.
    changed = User.objects.filter(pk=person.pk, password=before)
    if not changed.update(password=person.password):
        raise NotFound("This link was used just now.")
    browsers.end_all(user_id=person.pk)
    log.info("account.password_reset", extra={"person_id": person.pk})
    return person
