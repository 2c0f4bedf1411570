"""Reading one Responses event, and the small objects inside of it.

Only what the decoder needs is read; the objects that repeat the whole response (four of
them in every stream) stay bytes until somebody asks.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from providers.dialects.lenient_json import count, is_too_deep, loads, obj, string
from providers.events import Citation, ServerTool, Usage


class Wire(msgspec.Struct, gc=False):
    """The fields of all event types that matter."""

    type: str = ""
    delta: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    item: msgspec.Raw = msgspec.Raw()
    annotation: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    code: str | int | None = None
    message: str | None = None


_decode = msgspec.json.Decoder(Wire).decode
_STRINGS = ("type", "delta", "message")
_NUMBERS = ("output_index", "content_index", "summary_index")
_OBJECTS = ("item", "annotation", "response", "error")

# What of a hosted tool's item a person may see; images stay in the state.
_TOOL_DETAIL = (
    "action",
    "code",
    "outputs",
    "queries",
    "server_label",
    "name",
    "arguments",
    "output",
    "error",
)


def read(data: str) -> Wire | None:
    """One event; None for what is not a JSON object."""
    if is_too_deep(data):
        return None
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _lenient(data)


def _lenient(data: str) -> Wire | None:
    """The same for an event with a surprise in it: what does not fit is left out."""
    try:
        value = loads(data)
        if not isinstance(value, dict):
            return None
        wire = Wire(code=value.get("code") if _is_scalar(value.get("code")) else None)
        for name in _STRINGS:
            setattr(wire, name, string(value.get(name)))
        for name in _NUMBERS:
            setattr(wire, name, count(value.get(name)) or 0)
        for name in _OBJECTS:
            setattr(wire, name, msgspec.Raw(msgspec.json.encode(value.get(name))))
    except (ValueError, TypeError, RecursionError):
        return None
    return wire


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def citation(part: int, note: dict[str, Any]) -> Citation:
    """An annotation of the text of part `part`."""
    return Citation(
        part=part,
        kind=string(note.get("type")),
        url=string(note.get("url")),
        title=string(note.get("title")) or string(note.get("filename")),
        raw=note,
    )


def server_tool(
    part: int, item: dict[str, Any], otherwise: Literal["running", "completed"]
) -> ServerTool:
    """A hosted tool's item; `otherwise` is its status where the item has none."""
    status: Literal["running", "completed", "failed"]
    match item.get("status"):
        case "completed":
            status = "completed"
        case "failed" | "incomplete":
            status = "failed"
        case None | "":
            status = otherwise
        case _:
            status = "running"
    return ServerTool(
        part=part,
        call_id=string(item.get("id")),
        name=string(item.get("type")),
        status=status,
        detail={key: item[key] for key in _TOOL_DETAIL if item.get(key)},
    )


def usage(raw: dict[str, Any]) -> Usage:
    """Already as we want it: cached is part of input, reasoning part of output."""
    given = obj(raw.get("input_tokens_details"))
    return Usage(
        input_tokens=count(raw.get("input_tokens")),
        output_tokens=count(raw.get("output_tokens")),
        cached_input_tokens=count(given.get("cached_tokens")),
        cache_write_tokens=count(given.get("cache_write_tokens")),
        reasoning_tokens=count(
            obj(raw.get("output_tokens_details")).get("reasoning_tokens")
        ),
        raw=raw,
    )
