"""Add, rotate, share and delete credentials. Owner and staff only, each in a transaction.

Plain keys come in as arguments and leave encrypted; nothing here returns or logs one.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from providers import provider as interface
from providers.errors import ConfigurationError, ProviderError
from providers.store import name_taken
from providers.types import Credential
from sessions_app.errors import Invalid, NameTaken, NotAllowed
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.team import Team
from sessions_app.person import Person
from sessions_app.sealing import crypto
from sessions_app.services.credentials.inputs import (
    api_key_credential,
    checked_api_key,
    checked_base_url,
)
from sessions_app.services.credentials.rows import managed_credential

log = logging.getLogger(__name__)


def add_api_key(
    *,
    user: Person,
    provider: str,
    name: str,
    api_key: str,
    base_url: str = "",
    organization: str = "",
    project: str = "",
    team: Team | UUID | str | None = None,
    is_shared_with_everyone: bool = False,
) -> SavedAuthentication:
    """Save an API key under a name; `user` owns it. Nothing is sent to the vendor.

    Raises Invalid with the field, NameTaken, NotAllowed; ConfigurationError when this
    installation has lost its encryption keys.
    """
    if not isinstance(user, User) or not user.is_active:
        raise NotAllowed("Sign in first.")
    credential = api_key_credential(
        provider=provider,
        name=name,
        api_key=api_key,
        base_url=base_url,
        organization=organization,
        project=project,
    )
    row = _new_row(credential, user)
    row.team = team_of_owner(user, team)
    row.is_shared_with_everyone = may_share(user, is_shared_with_everyone, team)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise NameTaken(name_taken(row.name).message, field="name") from None
    _note("credential.added", user, row)
    return row


def rotate_key(
    *,
    user: Person,
    credential_id: UUID | str,
    api_key: str,
    base_url: str | None = None,
) -> SavedAuthentication:
    """Replace the key (and, with a new key only, the address). Raises NotFound,
    NotAllowed, Invalid.

    The old key is gone at once; answers under way keep the one they began with.
    """
    key = checked_api_key(api_key)
    if not key:
        raise Invalid("Enter the new API key.", field="api_key")
    with transaction.atomic():
        row = managed_credential(user=user, credential_id=credential_id)
        if row.auth_type != "api_key":
            raise Invalid("A login has no key to replace: log in again instead.")
        fields = ["secrets", "generation", "state", "cause", "updated_at"]
        row.generation += 1
        if base_url is not None:
            row.base_url = checked_base_url(row.provider, base_url)
            fields.append("base_url")
        seal(row, {"api_key": key})
        row.state, row.cause = SavedAuthentication.State.OK, ""
        row.save(update_fields=fields)
    _note("credential.key_rotated", user, row)
    return row


def share_credential(
    *,
    user: Person,
    credential_id: UUID | str,
    team: Team | UUID | str | None = None,
    is_shared_with_everyone: bool = False,
) -> SavedAuthentication:
    """Share with a team of the owner, with everyone (staff only), or with nobody.

    Raises NotFound, NotAllowed, Invalid.
    """
    with transaction.atomic():
        row = managed_credential(user=user, credential_id=credential_id)
        rows = SavedAuthentication.objects.select_for_update()
        row.metadata = rows.values_list("metadata", flat=True).get(pk=row.pk)
        if row.is_personal and (team or is_shared_with_everyone):
            raise Invalid(
                "The vendor allows this login to the person who signed in only: it "
                "cannot be shared.",
                field="team",
            )
        row.team = team_of_owner(row.owner, team)
        row.is_shared_with_everyone = may_share(user, is_shared_with_everyone, team)
        row.save(update_fields=["team", "is_shared_with_everyone", "updated_at"])
    _note("credential.shared", user, row)
    return row


def delete_credential(*, user: Person, credential_id: UUID | str) -> None:
    """Remove it with its secret. Answers it gave keep its name as a word.

    A login is taken back at its vendor first, where the vendor has a way to; when that
    fails it is removed here all the same. Raises NotFound, NotAllowed.
    """
    row = managed_credential(user=user, credential_id=credential_id)
    if row.auth_type == "oauth":
        revoke_at_vendor(row)
    with transaction.atomic():
        row = managed_credential(user=user, credential_id=credential_id)
        row_id = row.pk
        row.delete()
    row.pk = row_id
    _note("credential.deleted", user, row)


def revoke_at_vendor(row: SavedAuthentication) -> bool:
    """Whether the vendor took the login back. Never inside a transaction."""
    try:
        return interface.revoke_session(row.provider, row.name)
    except ProviderError:
        return False  # unreadable, or the vendor's package is gone


def _new_row(credential: Credential, owner: User) -> SavedAuthentication:
    row = SavedAuthentication(
        provider=credential.provider,
        auth_type=credential.auth_type,
        name=credential.name,
        base_url=credential.base_url,
        metadata=dict(credential.metadata),
        owner=owner,
    )
    seal(row, {key: value.reveal() for key, value in credential.secrets.items()})
    return row


def seal(row: SavedAuthentication, secrets: dict[str, str]) -> None:
    """Encrypt, with the keys of this database only: a stray key would split the rows."""
    try:
        crypto.verify_canary()
        row.seal(secrets)
    except crypto.CryptoError as exc:
        raise ConfigurationError(
            f"Nothing was saved: the encryption keys do not fit this database ({exc}). "
            "The operator must restore the key file."
        ) from None


def team_of_owner(owner: User | None, team: Team | UUID | str | None) -> Team | None:
    """The team to share with; its owner must be in it."""
    if not team:
        return None
    refusal = Invalid("Share with a team that the owner is a member of.", field="team")
    try:
        teams = Team.objects.filter(pk=team.pk if isinstance(team, Team) else team)
        if owner is not None:
            teams = teams.filter(memberships__user=owner)
        found = teams.first()
    except (ValidationError, ValueError, TypeError):
        raise refusal from None
    if found is None:
        raise refusal
    return found


def may_share(user: Person, wanted: bool, team: object) -> bool:
    if wanted and not user.is_staff:
        raise NotAllowed("Only staff may share a credential with everyone.")
    if wanted and team:
        raise Invalid("Share with a team or with everyone, not both.", field="team")
    return wanted


def _note(event: str, user: Person, row: SavedAuthentication) -> None:
    log.info(
        event,
        extra={
            "credential_id": str(row.pk),
            "provider": row.provider,
            "user_id": user.pk,
        },
    )
