"""The Responses dialect: how an answer ends, and what breaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.dialects import openai_responses
from providers.events import (
    TERMINAL,
    Finished,
    StreamError,
    TextDelta,
)
from providers.http.sse import SSEEvent
from providers.streaming import parse_stream
from tests.providers.dialects.wires import events_of, folded, typed

DIALECT = "openai_responses"


COMPLETED = {"type": "response.completed", "response": {"status": "completed"}}


def text(delta: str, index: int = 0, at: int = 0) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "output_index": index,
        "content_index": at,
        "delta": delta,
    }


def done(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def arguments(delta: str, index: int = 0) -> dict[str, Any]:
    kind = "response.function_call_arguments.delta"
    return {"type": kind, "output_index": index, "delta": delta}


def decoded(*events: dict[str, Any]) -> list[Any]:
    return events_of(typed(*events), DIALECT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "id",
                    "item",
                    "delta",
                    "call_id",
                    "name",
                    "arguments",
                    "content",
                    "text",
                    "summary",
                    "status",
                    "annotations",
                    "output",
                    "usage",
                    "error",
                    "response",
                    "encrypted_content",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


TYPES = st.sampled_from(
    [
        *openai_responses.decode._HANDLERS,
        "message",
        "function_call",
        "reasoning",
        "web_search_call",
    ]
)


EVENTS = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "item": st.fixed_dictionaries({"type": TYPES}, optional={"content": JSON})
        | JSON,
        "response": JSON,
        "delta": JSON,
        "error": JSON,
        "output_index": JSON,
        "annotation": JSON,
        "message": JSON,
        "code": JSON,
    },
)


def test_a_failed_response_is_an_error_with_what_came_and_what_it_cost() -> None:
    error = {"code": "server_error", "message": "Something broke."}
    failed = {"status": "failed", "error": error, "usage": {"input_tokens": 1}}
    found = folded(
        typed(text("Hel"), {"type": "response.failed", "response": failed}), DIALECT
    )

    assert found.text == "Hel"
    assert found.usage is not None
    assert found.error is not None
    assert found.error.kind == "ProviderUnavailable"
    assert found.error.vendor_code == "server_error"
    assert found.error.provider == "openai"
    assert found.stop_reason_raw == "failed"
    assert found.finished is None


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down."},
        {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Slow"}},
        {"error": {"code": "rate_limit_exceeded", "message": "Slow down."}},
    ],
)
def test_an_error_event_is_an_error_in_each_of_its_forms(event: dict[str, Any]) -> None:
    body = typed(text("a")) + f"data: {json.dumps(event)}\n\n".encode()
    events = events_of(body, DIALECT)

    assert isinstance(events[-1], StreamError)
    assert events[-1].error.kind == "RateLimited"


def test_a_response_that_failed_without_a_reason_may_be_tried_again() -> None:
    events = decoded({"type": "response.failed", "response": {"error": None}})

    assert isinstance(events[-1], StreamError)
    assert events[-1].error.kind == "ProviderUnavailable"
    assert events[-1].stop_reason_raw == "failed"


def test_nothing_follows_the_end() -> None:
    late = text("late")
    assert decoded(COMPLETED, late, COMPLETED) == decoded(COMPLETED)

    decoder = openai_responses.decoder()
    (ended,) = decoder.feed(SSEEvent("message", json.dumps(COMPLETED)))
    assert isinstance(ended, Finished)
    assert list(decoder.feed(SSEEvent("message", json.dumps(late)))) == []
    assert list(decoder.finish()) == []


@pytest.mark.parametrize("tail", [b"", b"data: [DONE]\n\n", b'data: {"type":"resp'])
def test_an_end_without_a_terminal_event_is_a_cut(tail: bytes) -> None:
    events = events_of(typed(text("Hel")) + tail, DIALECT)

    assert events[0] == TextDelta(text="Hel", part=0)
    assert isinstance(events[-1], StreamError)
    assert events[-1].error.kind == "StreamCut"


@pytest.mark.parametrize(
    "bad", ["{", "hello", "[1]", "3", "null", '"text"', "[" * 9999]
)
def test_what_is_no_json_object_ends_the_stream_and_keeps_what_came(bad: str) -> None:
    events = events_of(typed(text("Hel")) + f"data: {bad}\n\n".encode(), DIALECT)

    assert events[0] == TextDelta(text="Hel", part=0)
    assert isinstance(events[-1], StreamError)
    assert events[-1].error.kind == "ProtocolError"


def test_events_of_tomorrow_are_ignored() -> None:
    assert decoded(
        {"type": "response.telepathy.delta", "delta": "x"},
        {"type": "keepalive", "sequence_number": 3},
        COMPLETED,
    ) == decoded(COMPLETED)


def test_fields_of_the_wrong_type_are_left_out() -> None:
    body = (
        b'data: {"type":"response.output_text.delta","delta":"a","output_index":null}\n\n'
        b'data: {"type":"response.output_text.delta","delta":7,"output_index":{}}\n\n'
        b'data: {"type":"response.output_item.done","item":[1],"output_index":"x"}\n\n'
        b'data: {"type":"response.output_text.delta","delta":"b","logprobs":NaN}\n\n'
    )
    events = events_of(body + typed(COMPLETED), DIALECT)

    assert [e.text for e in events[:-1]] == ["a", "b"]


def test_half_a_surrogate_pair_does_not_end_the_answer() -> None:
    body = b'data: {"type":"response.output_text.delta","delta":"a\\ud83d"}\n\n'
    events = events_of(body + typed(COMPLETED), DIALECT)

    assert events[0] == TextDelta(text="a\N{REPLACEMENT CHARACTER}", part=0)


def test_the_type_may_stand_in_the_sse_event_only() -> None:
    body = b'event: response.output_text.delta\ndata: {"delta":"a"}\n\n'
    body += b'event: response.completed\ndata: {"response":{}}\n\n'

    assert events_of(body, DIALECT) == [
        TextDelta(text="a", part=0),
        Finished(stop_reason="stop", stop_reason_raw="completed"),
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENTS, max_size=6))
def test_no_event_of_any_shape_breaks_it(events: list[dict[str, Any]]) -> None:
    found = events_of(typed(*events, named=False), DIALECT)

    assert [isinstance(e, TERMINAL) for e in found].count(True) == 1
    assert isinstance(found[-1], TERMINAL)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_break_it(pieces: list[bytes]) -> None:
    for stream in (pieces, [b"data: " + piece + b"\n\n" for piece in pieces]):
        found = list(parse_stream(stream, DIALECT))
        assert [isinstance(e, TERMINAL) for e in found].count(True) == 1
        assert isinstance(found[-1], TERMINAL)
