"""The Chat Completions dialect: how an answer ends, and what breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.dialects import openai_chat
from providers.events import (
    TERMINAL,
    ErrorInfo,
    Finished,
    OpaqueState,
    Started,
    StreamError,
    TextDelta,
    ToolCallReady,
)
from providers.http.sse import SSEEvent
from providers.streaming import StreamParser, parse_stream
from tests.providers.dialects.wires import chunks, delta, events_of

DIALECT = "openai_chat"


STOP = delta("stop")


def decoded(*values: Any, done: bool = True) -> list[Any]:
    """The events, without the one that names the response."""
    events = events_of(chunks(*values, done=done), DIALECT)
    return [event for event in events if not isinstance(event, Started)]


def piece(**fields: Any) -> dict[str, Any]:
    """A chunk with one entry of `tool_calls`; name and arguments go into `function`."""
    function = {k: fields.pop(k) for k in ("name", "arguments") if k in fields}
    return delta(tool_calls=[{**fields, "function": function}])


def kind_of_error(events: list[Any]) -> str:
    assert isinstance(events[-1], StreamError)
    return events[-1].error.kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "index",
                    "id",
                    "type",
                    "function",
                    "name",
                    "arguments",
                    "text",
                    "thinking",
                    "content",
                    "url",
                    "url_citation",
                    "message",
                    "code",
                    "signature",
                    "data",
                    "summary",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON,
        "reasoning": JSON,
        "reasoning_details": JSON,
        "refusal": JSON,
        "tool_calls": st.lists(JSON, max_size=3) | JSON,
        "annotations": JSON,
    },
)


CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "index": JSON,
        "delta": DELTAS | JSON,
        "message": DELTAS | JSON,
        "finish_reason": st.sampled_from(["stop", "tool_calls", "length"]) | JSON,
    },
)


CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON,
        "choices": st.lists(CHOICES, max_size=2) | JSON,
        "usage": JSON,
        "error": JSON,
        "citations": JSON,
        "search_results": JSON,
        "x_groq": JSON,
    },
)


def test_a_cut_stream_keeps_no_half_of_opaque_state() -> None:
    item = {"type": "reasoning.text", "text": "a", "index": 0}
    events = decoded(delta(reasoning="a", reasoning_details=[item]), done=False)

    assert not [e for e in events if isinstance(e, OpaqueState)]
    assert kind_of_error(events) == "StreamCut"


def test_a_missing_done_is_no_cut_once_the_reason_came() -> None:
    assert decoded(delta(content="x"), STOP, done=False)[-1] == Finished(
        stop_reason="stop", stop_reason_raw="stop"
    )


def test_an_answer_that_was_over_when_the_connection_broke_is_whole() -> None:
    parser = StreamParser(openai_chat.decoder())
    parser.feed(chunks(delta(content="x"), STOP, done=False))

    stalled = ErrorInfo(kind="StreamStalled", message="nothing came")
    assert parser.fail(stalled) == [
        Finished(stop_reason="stop", stop_reason_raw="stop")
    ]


def test_an_answer_that_was_not_over_broke_with_the_connection() -> None:
    parser = StreamParser(openai_chat.decoder())
    parser.feed(chunks(delta(content="x"), done=False))

    stalled = ErrorInfo(kind="StreamStalled", message="nothing came")
    assert parser.fail(stalled) == [StreamError(error=stalled)]


def test_done_without_a_reason_ends_what_was_said() -> None:
    assert decoded(delta(content="x"))[-1] == Finished(
        stop_reason="other", stop_reason_raw=None
    )


@pytest.mark.parametrize(
    "values",
    [
        (),
        (delta(role="assistant", content=""),),
        (piece(index=0, id="a", name="f", arguments='{"x":'),),
        (piece(index=0, id="a", name="f", arguments=""),),
    ],
)
def test_done_without_a_reason_is_a_cut_when_something_is_missing(values: Any) -> None:
    events = decoded(*values)

    assert kind_of_error(events) == "StreamCut"
    assert not [e for e in events if isinstance(e, ToolCallReady)]


def test_an_end_without_a_reason_is_a_cut_that_keeps_the_text() -> None:
    events = decoded(delta(content="Hel"), done=False)

    assert events[0] == TextDelta(text="Hel", part=0)
    assert kind_of_error(events) == "StreamCut"


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Slow down.", "type": "rate_limit_exceeded", "code": 429},
        {"message": "Slow down.", "code": "rate_limit_exceeded"},
    ],
)
def test_an_error_in_the_stream_ends_it_and_keeps_what_came(error: Any) -> None:
    chunk = {**delta("error", content=""), "error": error}
    events = decoded(delta(content="Hel"), chunk, delta(content="lo"))

    assert events[0] == TextDelta(text="Hel", part=0)
    assert kind_of_error(events) == "RateLimited"
    assert len(events) == 2


def test_an_error_may_be_a_sentence() -> None:
    events = decoded(delta(content="Hel"), {"error": "Something broke."})

    assert isinstance(events[-1], StreamError)
    assert events[-1].error.vendor_message == "Something broke."


def test_an_error_may_have_only_the_name_of_its_event() -> None:
    body = chunks(delta(content="Hel"), done=False)
    body += b'event: error\ndata: {"message": "Something broke.", "code": 500}\n\n'
    (_, _, error) = events_of(body, DIALECT)

    assert error.error.vendor_message == "Something broke."


def test_a_finish_reason_of_error_is_an_error() -> None:
    events = decoded(delta(content="x"), delta("error"))

    assert kind_of_error(events) == "ProviderUnavailable"
    assert events[-1].stop_reason_raw == "error"


def test_an_error_is_named_after_the_vendor() -> None:
    decoder = openai_chat.decoder(openai_chat.Quirks(provider="groq"))
    (error,) = decoder.feed(SSEEvent("message", '{"error": {"message": "x"}}'))

    assert isinstance(error, StreamError)
    assert error.error.provider == "groq"


def test_chunks_without_choices_and_comments_are_only_alive() -> None:
    filtered = {"choices": [], "id": "", "model": "", "prompt_filter_results": [{}]}
    body = b": PROCESSING\n\n" + chunks(filtered, delta(content="x"), STOP)

    assert events_of(body, DIALECT) == [
        Started(response_id="chatcmpl-1", model="m"),
        TextDelta(text="x", part=0),
        Finished(stop_reason="stop", stop_reason_raw="stop"),
    ]


def test_a_ping_that_is_no_json_is_no_error() -> None:
    body = b"event: ping\ndata: ping\n\n" + chunks(delta(content="x"), STOP)

    assert isinstance(events_of(body, DIALECT)[-1], Finished)


@pytest.mark.parametrize("bad", ["{", "hello", "[1]", "null", '{"choices": [}'])
def test_what_is_no_json_object_ends_the_stream_and_keeps_what_came(bad: str) -> None:
    events = decoded(delta(content="Hel"), bad, delta(content="lo"))

    assert events[0] == TextDelta(text="Hel", part=0)
    assert kind_of_error(events) == "ProtocolError"
    assert len(events) == 2


def test_fields_of_the_wrong_type_are_left_out() -> None:
    assert decoded(
        {"choices": None},
        {"choices": {"index": 0}},
        {"choices": [None, 3], "id": 7},
        {"choices": [{"index": "0", "delta": {"content": "a"}, "finish_reason": 5}]},
        delta(content=7, reasoning=[1], refusal={}, tool_calls="x"),
        {"choices": [{"index": 0, "delta": "x"}], "usage": [1]},
        STOP,
    ) == [
        TextDelta(text="a", part=0),
        Finished(stop_reason="stop", stop_reason_raw="stop"),
    ]


def test_nothing_follows_the_end() -> None:
    decoder = openai_chat.decoder()
    list(decoder.feed(SSEEvent("message", '{"choices":[{"finish_reason":"stop"}]}')))
    (end,) = decoder.feed(SSEEvent("message", "[DONE]"))

    assert isinstance(end, Finished)
    assert list(decoder.feed(SSEEvent("message", "[DONE]"))) == []
    assert list(decoder.finish()) == []


@settings(max_examples=150, deadline=None)
@given(st.lists(CHUNKS, max_size=6), st.booleans())
def test_no_chunk_of_any_shape_breaks_it(values: list[Any], done: bool) -> None:
    found = events_of(chunks(*values, done=done), DIALECT)

    assert [isinstance(e, TERMINAL) for e in found].count(True) == 1
    assert isinstance(found[-1], TERMINAL)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_break_it(pieces: list[bytes]) -> None:
    for stream in (pieces, [b"data: " + piece + b"\n\n" for piece in pieces]):
        found = list(parse_stream(stream, DIALECT))
        assert [isinstance(e, TERMINAL) for e in found].count(True) == 1
        assert isinstance(found[-1], TERMINAL)
