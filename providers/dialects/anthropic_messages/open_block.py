"""A content block on its way in, and the tool call that one may become.

Used by `decode` only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from providers.dialects.lenient_json import obj, parse_arguments, string
from providers.events import Event, OpaqueState, ToolCallReady, ToolCallStarted

Json = dict[str, Any]


class Block(msgspec.Struct):
    """A block that is open or was: its part, its start, its pieces of JSON text."""

    part: int
    kind: str
    start: Json
    pieces: list[str] = []


def index_of(wire: Json) -> int:
    """The block an event is about; -1 where the wire does not say."""
    index = wire.get("index")
    return index if isinstance(index, int) else -1


def call_started(block: Block) -> Iterable[Event]:
    """The model began a call; who may run it goes back with it."""
    call_id = string(block.start.get("id"))
    name = string(block.start.get("name"))
    yield ToolCallStarted(part=block.part, call_id=call_id, name=name)
    keys = ("caller", "toolset_name")
    if state := {k: block.start[k] for k in keys if block.start.get(k)}:
        yield OpaqueState(part=block.part, kind="tool_call", state=state)


def arguments_of(block: Block) -> tuple[Json, str | None]:
    """(what the pieces add up to, None), or ({}, the text) when it is no object.

    Some servers put all of it into the block's start and send no pieces.
    """
    if not block.pieces:
        return obj(block.start.get("input")), None
    return parse_arguments("".join(block.pieces))


def call_ready(block: Block, arguments: Json, raw: str | None) -> list[Event]:
    """The call of a block that has closed."""
    ready = ToolCallReady(
        part=block.part,
        call_id=string(block.start.get("id")),
        name=string(block.start.get("name")),
        arguments=arguments,
        arguments_raw=raw,
    )
    return [ready]
