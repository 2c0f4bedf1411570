"""The Anthropic Messages dialect, decoding: edges made by hand."""

from __future__ import annotations

import pytest

from providers.events import (
    Finished,
    OpaqueState,
    ReasoningDelta,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
)
from tests.providers.dialects.anthropic_wire import (
    DIALECT,
    FIVE_IN,
    START,
    STARTED,
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
from tests.providers.dialects.wires import events_of, folded, typed


def test_it_tells_a_whole_response_in_order():
    assert decode(
        START,
        block(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm."),
        delta(0, "signature_delta", signature="SIG"),
        closed(0),
        {"type": "ping"},
        block(1, type="text", text=""),
        text(1, "Grüß dich 👋"),
        closed(1),
        call_block(2),
        piece(2, ""),
        piece(2, '{"a": '),
        piece(2, "1}"),
        closed(2),
        ending("tool_use", output_tokens=7),
        STOP,
    ) == [
        STARTED,
        FIVE_IN,
        ReasoningDelta(text="Hm.", part=0),
        OpaqueState(part=0, kind="reasoning", state={"signature": "SIG"}),
        TextDelta(text="Grüß dich 👋", part=1),
        ToolCallStarted(part=2, call_id="toolu_1", name="add"),
        ToolCallDelta(part=2, call_id="toolu_1", text='{"a": '),
        ToolCallDelta(part=2, call_id="toolu_1", text="1}"),
        ToolCallReady(part=2, call_id="toolu_1", name="add", arguments={"a": 1}),
        Usage(
            input_tokens=5,
            output_tokens=7,
            raw={"input_tokens": 5, "output_tokens": 7},
        ),
        Finished(stop_reason="tool_use", stop_reason_raw="tool_use"),
    ]


def test_input_counts_cached_and_written_tokens_and_totals_replace_totals():
    start = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "output_tokens": 1,
        "service_tier": "standard",
    }
    events = decode(
        {"type": "message_start", "message": {"usage": start}},
        ending(
            "end_turn",
            output_tokens=50,
            cache_read_input_tokens=200,
            cache_creation_input_tokens=None,
            output_tokens_details={"thinking_tokens": 30},
        ),
        STOP,
    )
    assert [e for e in events if isinstance(e, Usage)][-1] == Usage(
        input_tokens=1210,
        output_tokens=50,
        cached_input_tokens=200,
        cache_write_tokens=1000,
        reasoning_tokens=30,
        raw={
            "input_tokens": 10,
            "cache_read_input_tokens": 200,
            "cache_creation_input_tokens": 1000,
            "output_tokens": 50,
            "service_tier": "standard",
            "output_tokens_details": {"thinking_tokens": 30},
        },
    )


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_use"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "context_full"),
        ("something_new", "other"),
        (None, "other"),
    ],
)
def test_stop_reasons_are_told_in_our_words_and_theirs(raw, meaning):
    assert decode(START, ending(raw), STOP)[-1] == Finished(
        stop_reason=meaning, stop_reason_raw=raw
    )


def test_a_refusal_and_a_stop_sequence_say_more():
    details = {"type": "refusal", "category": "cyber", "explanation": "No."}
    stop = {"stop_reason": "refusal", "stop_sequence": None, "stop_details": details}
    end = decode(START, {"type": "message_delta", "delta": stop}, STOP)[-1]
    assert end.detail == {"stop_details": details}

    stop = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    end = decode(START, {"type": "message_delta", "delta": stop}, STOP)[-1]
    assert end.detail == {"stop_sequence": "END"}


def test_an_error_inside_the_stream_ends_it_and_keeps_what_came():
    error = {"type": "overloaded_error", "message": "Overloaded"}
    events = decode(
        START,
        text(0, "Once"),
        {"type": "error", "error": error, "request_id": "req_9"},
        text(0, "never"),
    )
    assert events[2] == TextDelta(text="Once", part=0)
    assert isinstance(events[3], StreamError)
    assert len(events) == 4
    info = events[3].error
    assert (info.kind, info.vendor_type) == ("Overloaded", "overloaded_error")
    assert (info.vendor_message, info.request_id) == ("Overloaded", "req_9")


@pytest.mark.parametrize("garbage", ["{", "nonsense", "7", "[]", '"text"'])
def test_an_event_that_is_no_object_breaks_the_stream_and_keeps_the_text(garbage):
    body = typed(START, text(0, "kept")) + f"data: {garbage}\n\n".encode()
    found = folded(body + typed(STOP), DIALECT)
    assert found.text == "kept"
    assert found.error.kind == "ProtocolError"


def test_a_stop_reason_without_the_last_event_is_a_cut():
    events = decode(START, text(0, "all"), ending("end_turn"))
    assert events[-1].error.kind == "StreamCut"
    assert events[-1].stop_reason_raw == "end_turn"


def test_unknown_events_blocks_and_deltas_are_passed_over():
    assert decode(
        START,
        {"type": "from_the_future", "x": 1},
        block(0, type="hologram"),
        delta(0, "hologram_delta", light=1),
        closed(0),
        block(1, type="text", text=""),
        text(1, "still here"),
        ending("end_turn"),
        STOP,
    ) == [
        STARTED,
        FIVE_IN,
        TextDelta(text="still here", part=1),
        Finished(stop_reason="stop", stop_reason_raw="end_turn"),
    ]


def test_the_event_name_helps_where_the_data_has_no_type():
    body = typed(START) + b"event: message_stop\ndata: {}\n\n"
    assert isinstance(events_of(body, DIALECT)[-1], Finished)
