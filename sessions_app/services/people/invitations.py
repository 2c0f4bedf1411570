"""Invitations: made by whoever may, used once by one person, gone after a while.

The link is shown once; the database keeps the hash of its token. What an invitation gives
is checked twice, when it is made and when it is used: whoever invited must still be
allowed to.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Invitation, Membership, Role, Team
from sessions_app.models.invitation import InvitationQuerySet
from sessions_app.person import Person
from sessions_app.services.people import accounts
from sessions_app.services.rights import Verb, check, may
from sessions_app.services.teams import team_for

log = logging.getLogger(__name__)

DAYS = 7
MAX_DAYS = 30
MAX_OPEN = 200  # of one person

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")  # secrets.token_urlsafe(32)


def invite(
    *,
    user: Person,
    team_id: UUID | str | None = None,
    role: str = Role.MEMBER,
    makes_administrator: bool = False,
    note: str = "",
    days: int = DAYS,
) -> tuple[Invitation, str]:
    """A new invitation and its token, which nobody can be told again.

    Raises NotFound, NotAllowed, Invalid.
    """
    team = team_for(user=user, team_id=team_id) if team_id else None
    if role not in Role.values:
        raise Invalid(f"A role is one of {', '.join(Role.values)}.", field="role")
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(f"A link is good for 1 to {MAX_DAYS} days.", field="days")
    note = " ".join(note.split())
    if len(note) > 120 or not note.isprintable():
        raise Invalid("At most 120 printable characters.", field="note")
    row = Invitation(
        note=note,
        team=team,
        role=role,
        makes_administrator=makes_administrator,
        expires_at=timezone.now() + timedelta(days=days),
    )
    _check_right(user, row)
    assert isinstance(user, User)
    if Invitation.objects.open().filter(invited_by=user).count() >= MAX_OPEN:
        raise Invalid("Revoke some of your open invitations first.")
    row.invited_by = user
    token = _new_token(row)
    row.save(force_insert=True)
    _note("invitation.made", user, row)
    return row, token


def list_invitations(*, user: Person, team: Team | None = None) -> InvitationQuerySet:
    """Those this person may see, newest first; perhaps of one team."""
    rows = Invitation.objects.managed_by(user).select_related(
        "team", "invited_by", "accepted_by"
    )
    return rows.filter(team=team) if team else rows


def invitation_for(*, user: Person, invitation_id: UUID | str) -> Invitation:
    """One that this person may revoke. Raises NotFound."""
    found = list_invitations(user=user).filter(pk=invitation_id).first()
    if found is None:
        raise NotFound("There is no such invitation.")
    return found


def revoke(*, user: Person, invitation_id: UUID | str) -> Invitation:
    """End it. One that is over stays as it is. Raises NotFound."""
    row = invitation_for(user=user, invitation_id=invitation_id)
    Invitation.objects.filter(pk=row.pk).open().update(revoked_at=timezone.now())
    _note("invitation.revoked", user, row)
    return row


def renew(*, user: Person, invitation_id: UUID | str) -> tuple[Invitation, str]:
    """A new link in place of the old one, which is dead. NotFound, NotAllowed, Invalid."""
    row = invitation_for(user=user, invitation_id=invitation_id)
    _check_right(user, row)
    assert isinstance(user, User)
    token = _new_token(row)
    changed = Invitation.objects.filter(
        pk=row.pk, accepted_at=None, revoked_at=None
    ).update(
        token_hash=row.token_hash,
        # From now on it carries the right of whoever renewed it.
        invited_by=user,
        expires_at=timezone.now() + timedelta(days=DAYS),
    )
    if not changed:
        raise Invalid("This invitation was used or revoked. Make a new one.")
    row.refresh_from_db()
    _note("invitation.renewed", user, row)
    return row, token


def find(token: str) -> Invitation:
    """What a link leads to. Raises Invalid for what is no token, NotFound if it is over."""
    if not isinstance(token, str) or not _TOKEN.match(token):
        raise Invalid("This is not an invitation's link. Copy all of it.")
    return _open_one(_hash(token))


def _open_one(token_hash: str) -> Invitation:
    rows = Invitation.objects.open().select_related("team", "invited_by")
    row = rows.filter(token_hash=token_hash).first()
    if row is None or not _is_backed(row):
        raise _over()
    return row


def accept(*, token: str, username: str, password: str, again: str) -> User:
    """A new person, as invited. Raises Invalid, NotFound, NameTaken; then it stays good."""

    def join() -> User:
        user = accounts.new_account(username=username, password=password, again=again)
        accounts.save_new(user)
        return user

    return _use(find(token).token_hash, join)


def accept_as(*, token: str, user: User) -> User:
    """Somebody who is here already joins what the invitation is for. NotFound, Invalid."""
    return _use(find(token).token_hash, lambda: user)


def accept_by(*, token_hash: str, make: Callable[[], User]) -> User:
    """As whom `make` gives, inside the transaction: single sign-on. NotFound, Invalid.

    Its link was opened before; what waited meanwhile is the hash.
    """
    return _use(token_hash, make)


def _use(token_hash: str, who: Callable[[], User]) -> User:
    with transaction.atomic():
        row = _open_one(token_hash)
        user = who()
        # Whoever changes the row has used it: of two at the same moment, one.
        won = Invitation.objects.filter(pk=row.pk).open()
        if not won.update(accepted_at=timezone.now(), accepted_by=user):
            raise _over()
        if row.makes_administrator:
            user.is_staff = user.is_superuser = True
            user.save(update_fields=["is_staff", "is_superuser"])
        if row.team is not None:
            made, is_new = Membership.objects.get_or_create(
                team=row.team, user=user, defaults={"role": row.role}
            )
            if not is_new and row.role == Role.MANAGER:
                made.role = Role.MANAGER
                made.save(update_fields=["role"])
    _note("invitation.used", user, row)
    return user


def _check_right(user: Person, row: Invitation) -> None:
    """Whether this person may give what it gives. Raises NotAllowed."""
    check(user, *_asked_by(row))


def _is_backed(row: Invitation) -> bool:
    return may(row.invited_by, *_asked_by(row))


def _asked_by(row: Invitation) -> tuple[Verb, Team | None]:
    if row.makes_administrator:
        return Verb.MAKE_ADMINISTRATOR, None
    return (Verb.INVITE, row.team) if row.team else (Verb.INVITE_ANYBODY, None)


def _new_token(row: Invitation) -> str:
    token = secrets.token_urlsafe(32)
    row.token_hash = _hash(token)
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _over() -> NotFound:
    return NotFound("This link is used, revoked or too old. Ask for a new one.")


def _note(event: str, user: Person, row: Invitation) -> None:
    log.info(
        event,
        extra={
            "user_id": user.pk,
            "invitation_id": str(row.pk),
            "team_id": str(row.team_id or ""),
            "makes_administrator": row.makes_administrator,
        },
    )
