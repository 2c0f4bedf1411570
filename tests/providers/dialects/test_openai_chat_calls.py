"""The Chat Completions dialect: tool calls, whole, in pieces, and never half."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.events import (
    Finished,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
)
from providers.types import TextPart, ToolCallPart
from tests.providers.dialects.wires import chunks, delta, events_of, folded

DIALECT = "openai_chat"


STOP = delta("stop")


CALLS = delta("tool_calls")


def decoded(*values: Any, done: bool = True) -> list[Any]:
    """The events, without the one that names the response."""
    events = events_of(chunks(*values, done=done), DIALECT)
    return [event for event in events if not isinstance(event, Started)]


def piece(**fields: Any) -> dict[str, Any]:
    """A chunk with one entry of `tool_calls`; name and arguments go into `function`."""
    function = {k: fields.pop(k) for k in ("name", "arguments") if k in fields}
    return delta(tool_calls=[{**fields, "function": function}])


def calls_of(*values: Any) -> list[tuple[str, str, Any]]:
    found = folded(chunks(*values), DIALECT)
    return [
        (c.call_id, c.name, c.arguments_raw or c.arguments) for c in found.tool_calls
    ]


ARGUMENTS = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5))


def test_a_tool_call_arrives_in_pieces() -> None:
    assert decoded(
        piece(index=0, id="call_1", name="add", arguments=""),
        piece(index=0, arguments='{"a"'),
        piece(index=0, arguments=":1}"),
        CALLS,
    ) == [
        ToolCallStarted(part=0, call_id="call_1", name="add"),
        ToolCallDelta(part=0, call_id="call_1", text='{"a"'),
        ToolCallDelta(part=0, call_id="call_1", text=":1}"),
        ToolCallReady(part=0, call_id="call_1", name="add", arguments={"a": 1}),
        Finished(stop_reason="tool_use", stop_reason_raw="tool_calls"),
    ]


def test_parallel_calls_are_told_apart_by_index() -> None:
    assert calls_of(
        piece(index=0, id="a", name="f", arguments='{"x":'),
        piece(index=1, id="b", name="g", arguments='{"y":'),
        piece(index=0, arguments="1}"),
        piece(index=1, arguments="2}"),
        CALLS,
    ) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]


def test_parallel_calls_that_all_claim_index_0_are_told_apart_by_id() -> None:
    assert calls_of(
        piece(index=0, id="a", name="f", arguments='{"x":1}'),
        piece(index=0, id="b", name="f", arguments='{"x":'),
        piece(index=0, id="b", arguments="2}"),
        CALLS,
    ) == [("a", "f", {"x": 1}), ("b", "f", {"x": 2})]


def test_without_an_index_the_position_counts() -> None:
    entries = [
        {"id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "function": {"name": "g", "arguments": "{}"}},
    ]

    assert calls_of(delta(tool_calls=entries), CALLS) == [
        ("a", "f", {}),
        ("b", "g", {}),
    ]


def test_without_index_and_id_a_name_begins_the_next_call() -> None:
    found = calls_of(
        piece(name="f", arguments='{"x":1}'), piece(name="f", arguments="{}"), CALLS
    )

    assert [(name, arguments) for _, name, arguments in found] == [
        ("f", {"x": 1}),
        ("f", {}),
    ]
    assert len({call_id for call_id, _, _ in found}) == 2


def test_a_call_without_an_id_gets_one_that_openai_would_take_back() -> None:
    ((made, _, _),) = calls_of(piece(index=0, name="f", arguments="{}"), CALLS)
    ((again, _, _),) = calls_of(piece(index=0, name="f", arguments="{}"), CALLS)

    assert made == again
    assert made.startswith("call_")
    assert len(made) <= 40


def test_two_calls_of_one_id_get_an_id_each() -> None:
    found = calls_of(
        piece(index=0, id="call_0", name="f", arguments='{"x":'),
        piece(index=0, id="call_0", arguments="1}"),
        piece(index=1, id="call_0", name="f", arguments='{"x":'),
        piece(index=1, id="call_0", arguments="2}"),
        CALLS,
    )
    assert [(name, arguments) for _, name, arguments in found] == [
        ("f", {"x": 1}),
        ("f", {"x": 2}),
    ]
    first, second = (call_id for call_id, *_ in found)
    assert first == "call_0" and second != first and len(second) <= 40


def test_an_id_that_changes_with_every_piece_is_still_one_call() -> None:
    assert calls_of(
        piece(index=0, id="a1", name="f", arguments='{"x"'),
        piece(index=0, id="a2", arguments=":1}"),
        CALLS,
    ) == [("a1", "f", {"x": 1})]


def test_a_name_that_every_piece_repeats_is_one_name() -> None:
    assert calls_of(
        piece(index=0, id="a", name="f", arguments='{"x"'),
        piece(index=0, id="a", name="f", arguments=":1}"),
        CALLS,
    ) == [("a", "f", {"x": 1})]


def test_arguments_may_come_as_an_object() -> None:
    events = decoded(piece(index=0, id="a", name="f", arguments={"x": [1]}), CALLS)

    assert events[1] == ToolCallDelta(part=0, call_id="a", text='{"x":[1]}')
    assert events[2] == ToolCallReady(
        part=0, call_id="a", name="f", arguments={"x": [1]}
    )


@pytest.mark.parametrize("arguments", ["", None, "{}", {}])
def test_no_arguments_are_an_empty_object(arguments: Any) -> None:
    found = calls_of(piece(index=0, id="a", name="f", arguments=arguments), CALLS)

    assert found == [("a", "f", {})]


@pytest.mark.parametrize("raw", ['{"x":', "[1]", "null", "x"])
def test_arguments_that_are_no_object_are_handed_over_as_they_are(raw: str) -> None:
    found = calls_of(piece(index=0, id="a", name="f", arguments=raw), CALLS)

    assert found == [("a", "f", raw)]


def test_calls_that_end_with_stop_are_still_calls() -> None:
    events = decoded(piece(index=0, id="a", name="f", arguments="{}"), STOP)

    assert events[-1] == Finished(stop_reason="tool_use", stop_reason_raw="stop")


@pytest.mark.parametrize("finish", ["length", "content_filter"])
@pytest.mark.parametrize("arguments", ["", '{"x":1', '{"x":'])
def test_a_call_that_was_cut_off_is_never_ready(finish: str, arguments: str) -> None:
    found = calls_of(
        piece(index=0, id="a", name="f", arguments='{"x":1}'),
        piece(index=1, id="b", name="f", arguments=arguments),
        delta(finish),
    )

    assert [call_id for call_id, _, _ in found] == ["a"]


def test_text_before_and_after_a_call_are_two_parts() -> None:
    found = folded(
        chunks(
            delta(content="a"),
            piece(index=0, id="c", name="f", arguments="{}"),
            delta(content="b"),
            STOP,
        ),
        DIALECT,
    )

    assert found.parts() == [
        TextPart(text="a"),
        ToolCallPart(call_id="c", name="f", arguments={}),
        TextPart(text="b"),
    ]


def test_a_choice_without_an_index_is_ours() -> None:
    chunk = {"choices": [{"delta": {"content": "A"}}]}

    assert decoded(chunk, STOP)[0] == TextDelta(text="A", part=0)


@settings(max_examples=60, deadline=None)
@given(ARGUMENTS, st.data())
def test_arguments_survive_being_cut_anywhere(
    arguments: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(arguments)
    at = data.draw(st.integers(0, len(text)))
    found = calls_of(
        piece(index=0, id="a", name="f", arguments=text[:at]),
        piece(index=0, arguments=text[at:]),
        CALLS,
    )

    assert found == [("a", "f", arguments)]
