"""The Anthropic Messages dialect, decoding: tools, ours and the vendor's own."""

from __future__ import annotations

import msgspec
import pytest

from providers.events import Citation, OpaqueState, ServerTool, TextDelta, ToolCallReady
from tests.providers.dialects.anthropic_wire import (
    DIALECT,
    START,
    STOP,
    block,
    call_block,
    closed,
    decode,
    delta,
    ending,
    piece,
    text,
)
from tests.providers.dialects.wires import folded, typed


@pytest.mark.parametrize("pieces", [[], [""], ['{"a": '], ['{"a": 1', "2"]])
def test_a_call_that_the_limit_cut_off_is_never_ready(pieces):
    found = folded(
        typed(
            START,
            call_block(0),
            *[piece(0, p) for p in pieces],
            closed(0),
            ending("max_tokens"),
            STOP,
        ),
        DIALECT,
    )
    assert found.tool_calls == []
    assert found.parts() == []
    assert found.finished.stop_reason == "length"


def test_a_call_that_was_whole_before_the_limit_is_ready():
    found = folded(
        typed(
            START,
            call_block(0, "toolu_1"),
            closed(0),
            call_block(1, "toolu_2"),
            piece(1, '{"a"'),
            closed(1),
            ending("max_tokens"),
            STOP,
        ),
        DIALECT,
    )
    assert [c.call_id for c in found.tool_calls] == ["toolu_1"]


def test_a_call_of_an_open_block_is_never_ready():
    found = folded(typed(START, call_block(0), piece(0, '{"a": 1}')), DIALECT)
    assert found.tool_calls == []
    assert found.error.kind == "StreamCut"


@pytest.mark.parametrize("raw", ["[1]", '{"a": 1', "nonsense", "7"])
def test_arguments_that_are_no_object_are_kept_as_they_came(raw):
    events = decode(
        START, call_block(0), piece(0, raw), closed(0), ending("tool_use"), STOP
    )
    ready = next(e for e in events if isinstance(e, ToolCallReady))
    assert (ready.arguments, ready.arguments_raw) == ({}, raw)


def test_arguments_may_come_with_the_start_of_the_block():
    start = block(0, type="tool_use", id="t", name="add", input={"a": 1})
    events = decode(START, start, closed(0), ending("tool_use"), STOP)
    assert events[3] == ToolCallReady(
        part=0, call_id="t", name="add", arguments={"a": 1}
    )


USE = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
PAGE = {
    "type": "web_search_result",
    "title": "T",
    "url": "https://example.com/",
    "encrypted_content": "long and secret",
}
RESULT = {
    "type": "web_search_tool_result",
    "tool_use_id": "srv_1",
    "content": [PAGE],
}
NOTE = {"type": "web_search_result_location", "url": "https://example.com/"}
NOTE |= {"title": "T", "cited_text": "C", "encrypted_index": "E"}
SEARCH = (
    START,
    block(0, **USE),
    piece(0, '{"query": "q"}'),
    closed(0),
    block(1, **RESULT),
    closed(1),
    block(2, type="text", text="", citations=[]),
    delta(2, "citations_delta", citation=NOTE),
    text(2, "It is so."),
    closed(2),
    ending("end_turn"),
    STOP,
)
RUNNING = ServerTool(
    part=0,
    call_id="srv_1",
    name="server_tool_use",
    status="running",
    detail={"tool": "web_search"},
)
ASKED = msgspec.structs.replace(
    RUNNING, detail={"tool": "web_search", "input": {"query": "q"}}
)
SHOWN = {"type": "web_search_result", "title": "T", "url": "https://example.com/"}


def test_the_vendors_own_tools_run_and_complete():
    assert decode(*SEARCH)[2:-1] == [
        RUNNING,
        ASKED,
        OpaqueState(
            part=0,
            kind="server_tool",
            state={"block": {**USE, "input": {"query": "q"}}},
        ),
        msgspec.structs.replace(ASKED, status="completed"),
        ServerTool(
            part=1,
            call_id="srv_1",
            name="web_search_tool_result",
            status="completed",
            detail={"results": [SHOWN]},
        ),
        OpaqueState(part=1, kind="server_tool", state={"block": RESULT}),
        Citation(
            part=2,
            kind="web_search_result_location",
            url="https://example.com/",
            title="T",
            cited_text="C",
            raw=NOTE,
        ),
        TextDelta(text="It is so.", part=2),
    ]


def test_a_tool_of_the_vendor_that_fails_says_so():
    error = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    result = {"type": "web_search_tool_result", "tool_use_id": "s", "content": error}
    tool = decode(START, block(0, **result))[2]
    assert (tool.status, tool.detail) == ("failed", {"error_code": "max_uses_exceeded"})
