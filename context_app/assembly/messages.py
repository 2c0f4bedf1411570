"""From stored messages to what a vendor takes: parts we know, calls and results in pairs.

stored branch ──▶ parts this version knows ──▶ steps ──▶ calls and results in pairs
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Protocol, cast

import msgspec

from providers.types import (
    Message,
    Origin,
    Part,
    ReasoningPart,
    RefusalPart,
    Role,
    SteerPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)


class StoredMessage(Protocol):
    """What assembly reads of a stored message; `parts` and `origin` are JSON data."""

    @property
    def role(self) -> str: ...

    @property
    def parts(self) -> Any: ...

    @property
    def origin(self) -> Any: ...


class _Stored(msgspec.Struct):
    """The parts of one message: a struct, because msgspec remembers what it looks like."""

    parts: list[Part]


class _One(msgspec.Struct):
    part: Part


def assemble(branch: Sequence[StoredMessage]) -> list[Message]:
    """The messages of a branch, root first, as a dialect encodes them.

    Left out: answers that said nothing (failed or stopped before their first word), tool
    calls that nobody answered and results that nobody asked for (every vendor refuses
    halves of such a pair), and parts of a newer version that this one does not know. A
    question whose answer failed stays: it was asked. Opaque state and origin travel on.
    """
    messages = [piece for m in branch for piece in messages_of(parsed(m))]
    return [message for message in paired(messages) if message.parts]


def parsed(stored: StoredMessage) -> Message:
    """A stored message with the parts that say something and that we know."""
    return Message(
        role=_role(stored.role),
        parts=_parts(stored.parts),
        origin=_origin(stored.origin),
    )


def messages_of(message: Message) -> list[Message]:
    """An answer of several steps as vendors want it: what the model said, what the tools
    gave back in a message of its own, what the person threw in, and so on."""
    if message.role != "assistant":
        return [message]
    found: list[Message] = []
    for role, parts in groupby(message.parts, key=_speaker):
        mine = [_as_text(part) for part in parts]
        origin = message.origin if role == "assistant" else None
        found.append(Message(role=role, parts=mine, origin=origin))
    return found or [message]


def _speaker(part: Part) -> Role:
    match part:
        case ToolResultPart():
            return "tool"
        case SteerPart():
            return "user"
    return "assistant"


def _as_text(part: Part) -> Part:
    return TextPart(text=part.text) if isinstance(part, SteerPart) else part


def _parts(stored: Any) -> list[Part]:
    try:
        parts = msgspec.convert({"parts": stored or []}, _Stored).parts
    except msgspec.ValidationError:
        parts = list(_known(stored))
    return [part for part in parts if _says_something(part)]


def _known(stored: Any) -> Iterable[Part]:
    for data in stored if isinstance(stored, list) else ():
        try:
            yield msgspec.convert({"part": data}, _One).part
        except msgspec.ValidationError:
            continue


def _says_something(part: Part) -> bool:
    match part:
        case TextPart() | ReasoningPart():
            return bool(part.text.strip() or part.state)
        case RefusalPart() | SteerPart():
            return bool(part.text.strip())
    return True


def paired(messages: list[Message]) -> list[Message]:
    """Without calls that have no result, and results that have no call.

    The results of an answer's calls are in the tool messages that follow it at once. Ids
    are compared there only: some vendors number calls anew in every answer.
    """
    found: list[Message] = []
    for at, message in enumerate(messages):
        if message.role == "assistant":
            parts = _without_open_calls(message, _results_after(messages, at))
        else:
            asked = _calls_before(found) if message.role == "tool" else set()
            parts = [part for part in message.parts if _fits(part, asked)]
        found.append(Message(role=message.role, parts=parts, origin=message.origin))
    return found


def _fits(part: Part, asked: set[str]) -> bool:
    """Whether this may stand in a message that is no answer."""
    if isinstance(part, ToolResultPart):
        return part.call_id in asked
    return not isinstance(part, ToolCallPart)


def _results_after(messages: list[Message], at: int) -> set[str]:
    found: set[str] = set()
    for next_at in range(at + 1, len(messages)):  # no slice: it would copy all the rest
        message = messages[next_at]
        if message.role != "tool":
            break
        found |= {p.call_id for p in message.parts if isinstance(p, ToolResultPart)}
    return found


def _calls_before(found: list[Message]) -> set[str]:
    for message in reversed(found):
        if message.role != "tool":
            return {p.call_id for p in message.parts if isinstance(p, ToolCallPart)}
    return set()


def _without_open_calls(message: Message, answered: set[str]) -> list[Part]:
    """The parts, less unanswered calls and the reasoning that led to nothing else.

    Reasoning whose next item is missing is refused by OpenAI, as opaque as it is.
    """
    kept: list[Part] = []
    has_kept = has_dropped = False  # of what follows, up to the next reasoning
    for part in reversed(message.parts):
        if isinstance(part, ReasoningPart):
            if has_dropped and not has_kept:
                continue
            has_kept = has_dropped = False
            kept.append(part)
        elif isinstance(part, ToolResultPart):
            continue  # its place is a message of its own
        elif isinstance(part, ToolCallPart) and part.call_id not in answered:
            has_dropped = True
        else:
            has_kept = True
            kept.append(part)
    return kept[::-1]


def _role(role: str) -> Role:
    return cast(Role, role) if role in ("user", "assistant", "tool") else "user"


def _origin(stored: Any) -> Origin | None:
    if not stored:
        return None
    try:
        return msgspec.convert(stored, Origin)
    except msgspec.ValidationError:
        return None
