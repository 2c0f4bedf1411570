"""The Responses dialect, decoding: text, refusals and tool calls."""

from __future__ import annotations

from typing import Any

import pytest

from providers.events import (
    Citation,
    Finished,
    OpaqueState,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
)
from providers.types import ToolCallPart
from tests.providers.dialects.wires import events_of, folded, typed

DIALECT = "openai_responses"


CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-x"}}


COMPLETED = {"type": "response.completed", "response": {"status": "completed"}}


def text(delta: str, index: int = 0, at: int = 0) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "output_index": index,
        "content_index": at,
        "delta": delta,
    }


def added(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def call(arguments: str = "", **more: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": "add",
        "arguments": arguments,
        **more,
    }


def arguments(delta: str, index: int = 0) -> dict[str, Any]:
    kind = "response.function_call_arguments.delta"
    return {"type": kind, "output_index": index, "delta": delta}


def decoded(*events: dict[str, Any]) -> list[Any]:
    return events_of(typed(*events), DIALECT)


def test_a_plain_answer() -> None:
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
    }
    ended = {"status": "completed", "usage": usage, "output": []}

    assert decoded(
        CREATED,
        {"type": "response.in_progress", "response": {"id": "resp_1"}},
        text("Hel"),
        text("lo"),
        {"type": "response.completed", "response": ended},
    ) == [
        Started(response_id="resp_1", model="gpt-x"),
        TextDelta(text="Hel", part=0),
        TextDelta(text="lo", part=0),
        Usage(
            input_tokens=10,
            output_tokens=5,
            cached_input_tokens=4,
            cache_write_tokens=2,
            reasoning_tokens=3,
            raw=usage,
        ),
        Finished(stop_reason="stop", stop_reason_raw="completed"),
    ]


def test_each_content_part_of_each_item_is_a_part_of_its_own() -> None:
    events = decoded(
        text("a"), text("b", at=1), text("c", index=1), text("d"), COMPLETED
    )

    assert [(e.part, e.text) for e in events[:-1]] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
        (0, "d"),
    ]


def test_a_tool_call_is_started_streamed_and_ready() -> None:
    assert decoded(
        added(call()),
        arguments('{"a"'),
        arguments(":1}"),
        done(call('{"a":1}', status="completed")),
        COMPLETED,
    ) == [
        ToolCallStarted(part=0, call_id="call_1", name="add"),
        ToolCallDelta(part=0, call_id="call_1", text='{"a"'),
        ToolCallDelta(part=0, call_id="call_1", text=":1}"),
        OpaqueState(part=0, kind="tool_call", state={"id": "fc_1"}),
        ToolCallReady(part=0, call_id="call_1", name="add", arguments={"a": 1}),
        Finished(stop_reason="tool_use", stop_reason_raw="completed"),
    ]


@pytest.mark.parametrize("raw", ['{"a":', "[1]", "null", '"x"', "{} {}"])
def test_arguments_that_are_no_object_are_handed_over_as_they_are(raw: str) -> None:
    found = folded(typed(done(call(raw)), COMPLETED), DIALECT)

    (ready,) = found.tool_calls
    assert (ready.arguments, ready.arguments_raw) == ({}, raw)


def test_no_arguments_at_all_are_an_empty_object() -> None:
    (ready,) = folded(typed(done(call("")), COMPLETED), DIALECT).tool_calls

    assert (ready.arguments, ready.arguments_raw) == ({}, None)


def test_a_call_that_the_limit_cut_off_is_never_ready() -> None:
    half = call('{"a":1', status="incomplete")
    reason = {"reason": "max_output_tokens"}
    ended = {"status": "incomplete", "incomplete_details": reason, "output": [half]}
    found = folded(
        typed(
            added(call()),
            arguments('{"a":1'),
            done(half),
            {"type": "response.incomplete", "response": ended},
        ),
        DIALECT,
    )

    assert found.tool_calls == []
    assert found.parts() == []
    assert found.finished == Finished(
        stop_reason="length", stop_reason_raw="max_output_tokens"
    )


def test_a_custom_tools_input_is_text_and_no_object() -> None:
    item = {"type": "custom_tool_call", "call_id": "c", "name": "sh", "input": "ls"}
    found = folded(typed(done(item), COMPLETED), DIALECT)

    assert found.parts() == [
        ToolCallPart(call_id="c", name="sh", arguments={}, arguments_raw="ls")
    ]


def test_what_no_delta_carried_is_taken_from_the_finished_item() -> None:
    note = {"type": "url_citation", "url": "https://a.example/", "title": "A"}
    content = [
        {"type": "output_text", "text": "Hello there", "annotations": [note]},
        {"type": "refusal", "refusal": "No."},
    ]
    item = {"type": "message", "content": content}

    assert decoded(text("Hello"), done(item), COMPLETED) == [
        TextDelta(text="Hello", part=0),
        TextDelta(text=" there", part=0),
        Citation(
            part=0, kind="url_citation", url="https://a.example/", title="A", raw=note
        ),
        RefusalDelta(text="No.", part=1),
        Finished(stop_reason="refusal", stop_reason_raw="completed"),
    ]


def test_items_that_only_the_terminal_event_has_are_not_lost() -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    output = [message, call('{"a":1}', status="completed")]
    ended = {"status": "completed", "output": output}
    found = folded(
        typed(CREATED, {"type": "response.completed", "response": ended}), DIALECT
    )

    assert found.text == "Hi"
    assert [c.arguments for c in found.tool_calls] == [{"a": 1}]
    assert found.finished is not None
    assert found.finished.stop_reason == "tool_use"


@pytest.mark.parametrize(
    ("reason", "stop_reason"),
    [
        ("max_output_tokens", "length"),
        ("content_filter", "content_filter"),
        ("steered", "other"),
    ],
)
def test_an_incomplete_answer_says_why(reason: str, stop_reason: str) -> None:
    details = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    events = decoded(text("a"), {"type": "response.incomplete", "response": details})

    assert events[-1] == Finished(stop_reason=stop_reason, stop_reason_raw=reason)
