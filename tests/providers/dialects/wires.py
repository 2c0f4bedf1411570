"""Small streams made by hand, for tests of the OpenAI dialects."""

from __future__ import annotations

import json
from typing import Any

from providers.accumulate import Accumulator
from providers.events import Event
from providers.streaming import parse_stream
from providers.types import ChatRequest, Message, Origin, TextPart

ORIGIN = Origin(provider="openai", model="gpt-x", session_id="work")


def typed(*events: dict[str, Any], named: bool = True) -> bytes:
    """Responses events on the wire, each with its SSE event name unless told not to."""
    blocks = [
        (f"event: {event['type']}\n" if named else "")
        + f"data: {json.dumps(event)}\n\n"
        for event in events
    ]
    return "".join(blocks).encode()


def chunks(*values: Any, done: bool = True) -> bytes:
    """Chat chunks on the wire; a string goes as it is."""
    lines = [v if isinstance(v, str) else json.dumps(v) for v in values]
    if done:
        lines.append("[DONE]")
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """One chat chunk of one choice."""
    choice = {"index": 0, "delta": fields, "finish_reason": finish}
    return {"id": "chatcmpl-1", "model": "m", "choices": [choice]}


def events_of(body: bytes, dialect: str) -> list[Event]:
    """What a dialect makes of a whole body."""
    return list(parse_stream([body], dialect))


def folded(body: bytes, dialect: str) -> Accumulator:
    """The same, as a message."""
    found = Accumulator()
    for event in events_of(body, dialect):
        found.add(event)
    return found


def request(*messages: Message, **fields: Any) -> ChatRequest:
    """A request of the account that wrote `answer` messages, unless told otherwise."""
    fields = {"model": "gpt-x", "origin": ORIGIN, **fields}
    return ChatRequest(messages=list(messages), **fields)


def question(text: str = "Hi") -> Message:
    """What a person asks."""
    return Message(role="user", parts=[TextPart(text=text)])


def answer(*parts: Any, origin: Origin | None = ORIGIN) -> Message:
    """What the model said."""
    return Message(role="assistant", parts=list(parts), origin=origin)
