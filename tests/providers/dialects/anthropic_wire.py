"""Small Anthropic streams made by hand."""

from __future__ import annotations

from typing import Any

from providers.events import Event, Started, Usage
from tests.providers.dialects.wires import events_of, typed

DIALECT = "anthropic_messages"
START = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "claude-x", "usage": {"input_tokens": 5}},
}
STOP = {"type": "message_stop"}
STARTED = Started(response_id="msg_1", model="claude-x")
FIVE_IN = Usage(input_tokens=5, raw={"input_tokens": 5})


def block(index: int, **start: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": start}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    fields = {"type": kind, **fields}
    return {"type": "content_block_delta", "index": index, "delta": fields}


def text(index: int, words: str) -> dict[str, Any]:
    return delta(index, "text_delta", text=words)


def piece(index: int, json_text: str) -> dict[str, Any]:
    return delta(index, "input_json_delta", partial_json=json_text)


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ending(reason: str | None, **usage: Any) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": usage}


def decode(*events: dict[str, Any]) -> list[Event]:
    return events_of(typed(*events), DIALECT)


def call_block(index: int, call_id: str = "toolu_1") -> dict[str, Any]:
    return block(index, type="tool_use", id=call_id, name="add", input={})
