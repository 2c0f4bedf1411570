"""The Anthropic Messages dialect, decoding: recorded state, and whatever may come."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.streaming import parse_stream
from tests.providers.dialects.anything import BYTES, JSON, checked, events_of_values
from tests.providers.dialects.wires import folded
from tests.recordings import Recording, streams

DIALECT = "anthropic_messages"


@pytest.mark.parametrize("recording", streams(DIALECT))
def test_opaque_state_lies_on_the_part_it_came_on(recording: Recording):
    wanted = recording.expected.get("reasoning_signatures", [])
    parts = folded(recording.body, DIALECT).parts()
    found = [
        {"type": {"data": "redacted_thinking"}.get(key, key), "len": len(value)}
        | {"sha256": sha256(value.encode()).hexdigest()}
        for part in parts
        if part.__struct_config__.tag == "reasoning"
        for key, value in (part.state or {}).items()
    ]
    assert found == wanted


@pytest.mark.parametrize("recording", streams(DIALECT))
def test_the_vendors_own_tools_are_those_that_were_recorded(recording: Recording):
    wanted = recording.expected.get("server_tools", [])
    found = [
        (part.name, part.call_id, part.detail.get("input"))
        for part in folded(recording.body, DIALECT).parts()
        if part.__struct_config__.tag == "server_tool"
    ]
    assert found == [(t["type"], t["id"], t.get("arguments")) for t in wanted]


KINDS = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    ]
)
INNER = st.sampled_from(
    [
        "type",
        "text",
        "id",
        "input",
        "content",
        "citation",
        "usage",
        "citations",
        "partial_json",
        "signature",
        "stop_reason",
        "tool_use_id",
        "data",
    ]
)
WORDS = st.sampled_from(
    [
        "text",
        "tool_use",
        "text_delta",
        "thinking",
        "input_json_delta",
        "citations_delta",
        "server_tool_use",
        "web_search_tool_result",
        "redacted_thinking",
        "max_tokens",
    ]
)
OUTER = st.sampled_from(
    ["index", "delta", "content_block", "message", "usage", "error", "request_id"]
)


def event(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, **fields, "type": kind}


EVENTS = st.builds(
    event,
    KINDS,
    st.dictionaries(OUTER, JSON | st.dictionaries(INNER, JSON | WORDS)),
)


@given(st.lists(EVENTS | JSON, max_size=8))
def test_it_never_raises_whatever_the_vendor_sends(values: list[Any]) -> None:
    events_of_values(values, DIALECT)


@given(BYTES)
def test_any_bytes_end_with_exactly_one_terminal_event(pieces: list[bytes]) -> None:
    checked(list(parse_stream(pieces, DIALECT)))
