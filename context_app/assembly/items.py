"""The values of assembly: what goes in, and what every part of the context is shown as."""

from __future__ import annotations

import uuid
from enum import StrEnum
from uuid import UUID

import msgspec

# A tool result has no row of its own: its id follows from its message and its place.
_PLACES = uuid.UUID("0b6f0f9e-3b0c-4b55-8f0e-6a5f6f2d7c11")


class Kind(StrEnum):
    """What a chunk is. The first two are the team's own words to the model; what is in
    the others is material, and says nothing about what to do."""

    SYSTEM = "system"
    PERSONA = "persona"
    TEXT = "text"
    FILE = "file"
    SUMMARY = "summary"
    MESSAGE = "message"
    TOOL_RESULT = "tool_result"


INSTRUCTIONS = (Kind.SYSTEM, Kind.PERSONA)
MATERIAL = (Kind.TEXT, Kind.FILE, Kind.SUMMARY)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk that somebody added. `why`: how it came to this conversation, in words."""

    id: UUID
    kind: str
    title: str
    text: str
    source: str = ""
    why: str = ""
    position: float = 0.0
    is_pinned: bool = False
    is_excluded: bool = False


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided about a piece of the transcript. `text`: what is sent instead.

    `is_removed`: as excluded, and not listed any more.
    """

    is_pinned: bool = False
    is_excluded: bool = False
    is_removed: bool = False
    text: str | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A summary that stands for the messages up to this depth, while it is sent."""

    item: Item
    depth: int


class Piece(msgspec.Struct, kw_only=True):
    """One part of the context as a person sees it. `tokens` as of the request's model.

    `is_sent`: it goes with the next request; `why` says why, or why not.
    """

    id: UUID
    kind: str
    title: str
    text: str
    source: str
    tokens: int
    is_sent: bool
    why: str
    is_pinned: bool = False
    is_excluded: bool = False
    is_edited: bool = False
    position: float = 0.0
    message_id: UUID | None = None
    depth: int | None = None


def piece_id(message_id: UUID, part: int | None = None) -> UUID:
    """The id of a message's piece, or of the tool result at `part` of its parts."""
    return message_id if part is None else uuid.uuid5(_PLACES, f"{message_id}:{part}")
