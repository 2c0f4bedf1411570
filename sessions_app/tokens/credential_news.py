"""Tells open pages that a credential changed: refreshed, limited, needs a login.

Rings the doorbell of the people who may act on it. Processes without sockets ring in
vain; `sessions_app.tokens.watch` in the web process looks for what they found out.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from maestro import doorbell
from sessions_app import frames
from sessions_app.models.authentication import SavedAuthentication


def group_of_person(user_id: Any) -> str:
    """The doorbell group of one person's open pages."""
    return f"user.{user_id}"


def changed(row_id: UUID) -> None:
    """Ring for one credential, as it is now in the database."""
    row = SavedAuthentication.objects.filter(pk=row_id).first()
    if row is not None:
        ring(row)


def ring(row: SavedAuthentication) -> None:
    """The same with the row at hand. Only its owner can log in again."""
    if row.owner_id is None:
        return
    frame = frames.encode_frame(frames.CredentialFrame(credential=notice(row)))
    doorbell.ring(
        group_of_person(row.owner_id),
        {"kind": "credential", "frames": [frame.decode()]},
    )


def notice(row: SavedAuthentication) -> frames.CredentialNotice:
    """What a page needs to say about it."""
    return frames.CredentialNotice(
        id=row.pk,
        provider=row.provider,
        auth_type=row.auth_type,
        name=row.name,
        condition=str(row.condition_at()),
        cause=row.cause,
        limited_until=row.limited_until.isoformat() if row.limited_until else None,
        expires_at=row.expires_at.isoformat() if row.expires_at else None,
    )
