"""Credentials from files of other programs: shown first, then saved under a name."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import msgspec
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from providers import imports
from providers.errors import ConfigurationError
from providers.imports import Offer
from providers.store import name_taken
from providers.types import Credential
from sessions_app.errors import Invalid, NameTaken, NotAllowed
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.team import Team
from sessions_app.person import Person
from sessions_app.services.credentials.changes import may_share, seal, team_of_owner
from sessions_app.services.credentials.inputs import checked_name
from sessions_app.tokens import columns

log = logging.getLogger(__name__)


def read(file_name: str, content: str, companion: str = "") -> list[Offer]:
    """What a file offers. Raises Invalid that says which files are understood."""
    try:
        return imports.read_upload(
            file_name, content.encode(), companion.encode() if companion else None
        )
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="content") from None


def save(
    *,
    user: Person,
    file_name: str,
    content: str,
    companion: str = "",
    index: int = 0,
    name: str = "",
    team: Team | UUID | str | None = None,
    is_shared_with_everyone: bool = False,
) -> SavedAuthentication:
    """Save one of the offers; `user` owns it. Raises Invalid, NameTaken, NotAllowed."""
    if not isinstance(user, User) or not user.is_active:
        raise NotAllowed("Sign in first.")
    offered = _chosen(read(file_name, content, companion), index)
    credential = msgspec.structs.replace(offered, name=checked_name(name))
    row = SavedAuthentication(
        provider=credential.provider,
        auth_type=credential.auth_type,
        name=credential.name,
        base_url=credential.base_url,
        owner=user,
        team=team_of_owner(user, team),
        is_shared_with_everyone=may_share(user, is_shared_with_everyone, team),
    )
    seal(row, {key: value.reveal() for key, value in credential.secrets.items()})
    for field, value in columns.of_renewed(credential).items():
        setattr(row, field, value)
    _insert(row)
    log.info(
        "credential.imported",
        extra={
            "credential_id": str(row.pk),
            "provider": row.provider,
            "user_id": user.pk,
        },
    )
    return row


def _insert(row: SavedAuthentication) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise NameTaken(name_taken(row.name).message, field="name") from None


def _chosen(offers: list[Offer], index: int) -> Credential:
    """The credential of one offer. Raises Invalid where there is none to have."""
    if not 0 <= index < len(offers):
        raise Invalid("There is no such offer in this file.", field="index")
    offer = offers[index]
    if offer.credential is None:
        raise Invalid(offer.refusal, field="content")
    return offer.credential


def view(offer: Offer) -> dict[str, Any]:
    """An offer as plain JSON data, without its secrets."""
    return {
        "source": offer.source,
        "provider": offer.provider,
        "auth_type": offer.auth_type,
        "account": offer.account,
        "imports": offer.imports,
        "warning": offer.warning,
        "refusal": offer.refusal,
        "is_offered": offer.credential is not None,
    }
