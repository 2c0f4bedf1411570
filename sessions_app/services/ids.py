"""Ids as they come in: from paths, frames and the command line."""

from __future__ import annotations

from uuid import UUID

from sessions_app.errors import NotFound


def as_uuid(given: UUID | str) -> UUID:
    """The id, whatever its spelling. What is no id names nothing: raises NotFound."""
    if isinstance(given, UUID):
        return given
    try:
        return UUID(given)
    except (ValueError, AttributeError, TypeError):
        raise NotFound("There is nothing with this id.") from None
