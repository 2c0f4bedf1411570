"""Who may keep a login, asked when it begins and once more when it has come.

Minutes lie between the two, at the vendor's page: people leave teams, lose their rights,
and credentials change hands meanwhile.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from providers.errors import ConfigurationError
from providers.oauth.login import LoginMethod
from providers.types import AuthType, Credential
from sessions_app.errors import Invalid, NameTaken, NotAllowed
from sessions_app.models import Membership, PendingLogin, SavedAuthentication, Team
from sessions_app.sealing import crypto
from sessions_app.services.credentials.changes import may_share, team_of_owner
from sessions_app.services.credentials.inputs import checked_name
from sessions_app.services.credentials.rows import managed_credential

MAX_WAITING = 20  # logins of one person at once
MAX_BEGUN, WITHIN = 60, timedelta(minutes=10)  # each may ask the vendor, and is a row
ONLY_YOU = "Only you may use such a login: it cannot be shared."
_NOT_YOURS = "Only the person who signed in may log in again here."


class Place(NamedTuple):
    """Where a login is to be kept: in place of which credential, else for whom."""

    name: str
    again: SavedAuthentication | None
    team: Team | None
    is_shared_with_everyone: bool


def place_for(
    user: User,
    provider: str,
    method: LoginMethod,
    name: str,
    credential_id: UUID | str | None,
    team: Team | UUID | str | None,
    is_shared_with_everyone: bool,
) -> Place:
    """Where this person may keep such a login, if they may begin one more. Asks no
    vendor.

    Raises Invalid, NameTaken, NotAllowed, NotFound.
    """
    again = to_renew(user, provider, credential_id, method)
    place = Place(
        name=again.name if again else _free_name(provider, name),
        again=again,
        team=team_of_owner(user, team),
        is_shared_with_everyone=may_share(user, is_shared_with_everyone, team),
    )
    if method.is_personal and (place.team or place.is_shared_with_everyone):
        raise Invalid(ONLY_YOU, field="team")
    _check_number(user)
    _check_keys()
    return place


def _check_number(user: User) -> None:
    """Whether one more is too many. Raises Invalid.

    Commands do not count: one that was killed leaves a login which nobody can cancel.
    """
    now = timezone.now()
    begun = PendingLogin.objects.filter(user=user).exclude(session_hash="")
    waiting = begun.filter(status=PendingLogin.Status.WAITING, expires_at__gt=now)
    if waiting.count() >= MAX_WAITING:
        raise Invalid("Finish or cancel the logins that you have begun.")
    if begun.filter(created_at__gt=now - WITHIN).count() >= MAX_BEGUN:
        raise Invalid("You have begun very many logins. Try again in ten minutes.")


def _check_keys() -> None:
    """Whether a login could be saved at all, before somebody makes one. Raises Invalid."""
    try:
        crypto.verify_canary()
    except crypto.CryptoError:
        raise Invalid(
            "Nothing can be saved: the encryption keys are missing, or do not fit this "
            "database. The operator must restore the key file."
        ) from None


def to_renew(
    user: User, provider: str, credential_id: UUID | str | None, method: LoginMethod
) -> SavedAuthentication | None:
    """The credential to log in again for; None for a new one.

    Raises NotFound, NotAllowed, Invalid.
    """
    if not credential_id:
        return None
    row = managed_credential(user=user, credential_id=credential_id)
    if row.auth_type != "oauth" or row.provider != provider:
        raise Invalid("That credential is no login of this vendor.")
    if (row.is_personal or method.is_personal) and row.owner_id != user.pk:
        raise NotAllowed(_NOT_YOURS)
    if method.is_personal and is_shared(row):
        raise Invalid(ONLY_YOU, field="method")
    return row


def _free_name(provider: str, name: str) -> str:
    """Checked before the vendor is bothered, and once more when it is stored."""
    found = checked_name(name)
    kind: AuthType = "oauth"
    if SavedAuthentication.objects.filter(
        provider=provider, auth_type=kind, name=found
    ).exists():
        raise NameTaken(
            f"The name {found!r} is already taken. Choose another name.", field="name"
        )
    return found


def check_person(row: PendingLogin) -> User:
    """Who began it, as they are now. Raises ConfigurationError when they may nothing."""
    found = User.objects.filter(pk=row.user_id, is_active=True).first()
    if found is None:
        raise ConfigurationError("Whoever began this login is not active any more.")
    return found


def check_renewal(
    row: PendingLogin, found: SavedAuthentication, credential: Credential
) -> None:
    """Whether these tokens may become that credential, as it is now.

    Raises ConfigurationError; nothing was changed.
    """
    user = check_person(row)
    is_personal = bool(found.is_personal or credential.metadata.get("is_personal"))
    is_foreign = is_personal and found.owner_id != user.pk
    if is_foreign or not found.is_managed_by(user):
        raise ConfigurationError("This credential has another owner now.")
    if credential.metadata.get("is_personal") and is_shared(found):
        raise ConfigurationError(ONLY_YOU)


def share_as_wanted(row: PendingLogin, saved: SavedAuthentication) -> None:
    """With whom a new login is shared, as far as its owner still may."""
    user = check_person(row)
    saved.owner = user
    in_team = Membership.objects.filter(user=user, team=row.team_id).exists()
    saved.team_id = row.team_id if in_team else None
    saved.is_shared_with_everyone = row.is_shared_with_everyone and user.is_staff


def is_shared(row: SavedAuthentication) -> bool:
    """Whether others than the owner may use it."""
    return bool(row.team_id or row.is_shared_with_everyone)
