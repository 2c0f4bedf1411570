"""`docs/frames.md` out of `frames/`: what every frame holds, in the code's own words.

`manage.py frames` prints it; a test holds the file to it.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from providers import events
from sessions_app import frames
from sessions_app.runs.log.events import RunEvent

BEGIN = "<!-- made by `manage.py frames`; do not edit below -->"

_WORDS = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "true or false",
    UUID: "UUID",
    datetime: "time",
    type(None): "null",
    Any: "anything",
}


def generated() -> str:
    """The generated half of the page, from the marker on."""
    return (
        "\n\n".join(
            [
                BEGIN,
                "## Client to server",
                *_sections(typing.get_args(frames.ClientFrame)),
                "## Server to client",
                *_sections(typing.get_args(frames.ServerFrame)),
                "## What frames hold",
                *_sections(_VALUES, is_frame=False),
                "## Events in a batch",
                *_sections(typing.get_args(RunEvent)),
            ]
        )
        + "\n"
    )


_VALUES = (
    frames.Position,
    frames.CredentialRef,
    frames.RunView,
    frames.MessageView,
    frames.ConversationView,
    frames.IntentView,
    frames.CredentialNotice,
    frames.ChunkView,
    frames.GaugeView,
    frames.AuditView,
    events.ErrorInfo,
)


def _sections(structs: Iterable[Any], *, is_frame: bool = True) -> list[str]:
    return [_section(struct, is_frame) for struct in structs]


def _section(struct: Any, is_frame: bool) -> str:
    tag = struct.__struct_config__.tag
    title = f"`{tag}`" if is_frame else struct.__name__
    lines = [f"### {title}", "", inspect.cleandoc(struct.__doc__ or "")]
    rows = [_row(field) for field in _fields(struct)]
    if rows:
        lines += ["", "| field | type | default |", "|---|---|---|", *rows]
    return "\n".join(lines)


def _fields(struct: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)


def _row(field: msgspec.structs.FieldInfo) -> str:
    kind = describe(field.type).replace("|", "\\|")
    return f"| `{field.encode_name}` | {kind} | {_default(field)} |"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    else:
        value = field.default
    return f"`{msgspec.json.encode(value).decode()}`"


def describe(kind: Any) -> str:
    """A type in words."""
    if kind in _WORDS:
        return _WORDS[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(argument) for argument in arguments)
    if origin is list:
        return f"list of {describe(arguments[0])}"
    if origin is dict:
        return "object"
    return str(getattr(kind, "__name__", kind))
