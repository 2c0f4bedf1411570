"""The Gemini dialect, decoding: edges made by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.events import (
    Citation,
    Event,
    Finished,
    OpaqueState,
    ReasoningDelta,
    ServerTool,
    Started,
    StreamError,
    TextDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
)
from providers.streaming import parse_stream
from tests.providers.dialects.wires import events_of, folded

DIALECT = "gemini_generate"
STARTED = Started(response_id="R", model="gemini-x")


def chunk(*parts: dict[str, Any], finish: str = "", **fields: Any) -> dict[str, Any]:
    """One chunk; `usage` beside the candidate, the other fields inside of it."""
    usage = fields.pop("usage", None)
    candidate = {"content": {"parts": list(parts), "role": "model"}, **fields}
    if finish:
        candidate["finishReason"] = finish
    around = {"usageMetadata": usage} if usage else {}
    ids = {"responseId": "R", "modelVersion": "gemini-x"}
    return {"candidates": [candidate], **around, **ids}


def wire(*chunks: Any) -> bytes:
    lines = [c if isinstance(c, str) else json.dumps(c) for c in chunks]
    return "".join(f"data: {line}\r\n\r\n" for line in lines).encode()


def decode(*chunks: Any) -> list[Event]:
    return events_of(wire(*chunks), DIALECT)


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"text": words, **fields}


def test_it_tells_a_whole_response_in_order():
    usage = {
        "promptTokenCount": 10,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 20,
    }
    assert decode(
        chunk(text("Hm.", thought=True), usage={"promptTokenCount": 10}),
        chunk(text(" So.", thought=True)),
        chunk(text("Grüß ")),
        chunk(text("dich 👋")),
        chunk({"functionCall": {"id": "c1", "name": "add", "args": {"a": 1}}}),
        chunk(text(""), finish="STOP", usage={**usage, "serviceTier": "standard"}),
    ) == [
        STARTED,
        Usage(input_tokens=10, raw={"promptTokenCount": 10}),
        ReasoningDelta(text="Hm.", part=0),
        ReasoningDelta(text=" So.", part=0),
        TextDelta(text="Grüß ", part=1),
        TextDelta(text="dich 👋", part=1),
        ToolCallStarted(part=2, call_id="c1", name="add"),
        OpaqueState(part=2, kind="tool_call", state={"id": "c1"}),
        ToolCallReady(part=2, call_id="c1", name="add", arguments={"a": 1}),
        Usage(
            input_tokens=10,
            output_tokens=25,
            cached_input_tokens=4,
            reasoning_tokens=20,
            raw=usage,
        ),
        Finished(
            stop_reason="tool_use",
            stop_reason_raw="STOP",
            detail={"serviceTier": "standard"},
        ),
    ]


def test_a_piece_with_a_signature_is_a_part_of_its_own():
    events = decode(
        chunk(text("one ")),
        chunk(text("two", thoughtSignature="S1")),
        chunk(text("three")),
        chunk({"thoughtSignature": "S2"}),
        chunk(text("", thoughtSignature="S3"), finish="STOP"),
    )
    assert events[1:-1] == [
        TextDelta(text="one ", part=0),
        TextDelta(text="two", part=1),
        OpaqueState(part=1, kind="text", state={"thoughtSignature": "S1"}),
        TextDelta(text="three", part=2),
        OpaqueState(
            part=3, kind="text", state={"thoughtSignature": "S2", "is_bare": True}
        ),
        OpaqueState(part=4, kind="text", state={"thoughtSignature": "S3"}),
    ]


def test_calls_without_an_id_get_one_that_is_unique_in_the_conversation():
    call = {"functionCall": {"name": "add"}}
    same = {"functionCall": {"name": "add", "id": "x"}}
    found = folded(wire(chunk(call, call, same, same, finish="STOP")), DIALECT)
    assert [c.call_id for c in found.tool_calls] == ["R_0", "R_1", "x", "R_3"]
    assert [c.arguments for c in found.tool_calls] == [{}, {}, {}, {}]
    assert [p.state for p in found.parts()] == [None, None, {"id": "x"}, {"id": "x"}]


def test_arguments_that_are_no_object_are_kept_as_text():
    call = {"functionCall": {"name": "add", "args": [1]}}
    found = folded(wire(chunk(call, finish="STOP")), DIALECT).tool_calls[0]
    assert (found.arguments, found.arguments_raw) == ({}, "[1]")


def test_a_call_that_will_continue_is_not_ready():
    call = {"functionCall": {"name": "add", "willContinue": True}}
    found = folded(wire(chunk(call, finish="MAX_TOKENS")), DIALECT)
    assert found.tool_calls == []
    assert found.finished.stop_reason == "length"


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("CONTINUATION", "pause"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("SOMETHING_NEW", "other"),
    ],
)
def test_stop_reasons_are_told_in_our_words_and_theirs(raw, meaning):
    end = decode(chunk(text("x"), finish=raw, finishMessage="Because."))[-1]
    assert end == Finished(
        stop_reason=meaning, stop_reason_raw=raw, detail={"finishMessage": "Because."}
    )


def test_a_blocked_prompt_is_an_end_and_says_why():
    blocked = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."}}
    assert decode(blocked) == [
        Finished(
            stop_reason="content_filter",
            detail={"blockReason": "SAFETY", "blockReasonMessage": "No."},
        )
    ]


def test_feedback_beside_an_answer_ends_nothing():
    first = {**chunk(text("fine")), "promptFeedback": {"safetyRatings": []}}
    found = folded(wire(first, chunk(text("."), finish="STOP")), DIALECT)
    assert (found.text, found.error) == ("fine.", None)


def test_a_missing_signature_asks_to_repeat_without_old_state():
    end = decode(chunk(finish="MISSING_THOUGHT_SIGNATURE"))[-1]
    assert isinstance(end, StreamError)
    assert end.error.kind == "StaleState"
    assert end.stop_reason_raw == "MISSING_THOUGHT_SIGNATURE"


def test_a_continuation_leaves_its_token_on_the_last_part():
    found = folded(
        wire(chunk(text("half"), finish="CONTINUATION", continuationToken="TOK")),
        DIALECT,
    )
    assert [(p.text, p.state) for p in found.parts()] == [
        ("half", None),
        ("", {"continuationToken": "TOK"}),
    ]
    assert found.finished.stop_reason == "pause"


def test_code_that_the_vendor_runs_is_shown_and_kept():
    code = {"executableCode": {"language": "PYTHON", "code": "1+1", "id": "e1"}}
    result = {
        "codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no", "id": "e1"}
    }
    events = decode(
        chunk({**code, "thoughtSignature": "S"}), chunk(result, finish="STOP")
    )
    running = ServerTool(
        part=0,
        call_id="e1",
        name="executableCode",
        status="running",
        detail={"language": "PYTHON", "code": "1+1"},
    )
    assert events[1:-1] == [
        running,
        OpaqueState(
            part=0,
            kind="server_tool",
            state={"part": {**code, "thoughtSignature": "S"}},
        ),
        ServerTool(
            part=0,
            call_id="e1",
            name="executableCode",
            status="failed",
            detail={"language": "PYTHON", "code": "1+1"},
        ),
        ServerTool(
            part=1,
            call_id="e1",
            name="codeExecutionResult",
            status="failed",
            detail={"outcome": "OUTCOME_FAILED", "output": "no"},
        ),
        OpaqueState(part=1, kind="server_tool", state={"part": result}),
    ]


def test_sources_are_told_once_with_the_words_they_support():
    segment = {"startIndex": 0, "endIndex": 2, "text": "It"}
    web = {"web": {"uri": "https://example.com/", "title": "E"}}
    grounding = {
        "groundingChunks": [web],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    cited = {"citationSources": [{"uri": "https://example.org/", "license": "mit"}]}
    events = decode(
        chunk(text("It"), groundingMetadata=grounding),
        chunk(
            text(" is."),
            groundingMetadata=grounding,
            citationMetadata=cited,
            finish="STOP",
        ),
    )
    assert [e for e in events if isinstance(e, Citation)] == [
        Citation(
            part=0,
            kind="grounding",
            url="https://example.com/",
            title="E",
            raw={**web, "segments": [segment]},
        ),
        Citation(
            part=0,
            kind="citation",
            url="https://example.org/",
            raw={"uri": "https://example.org/", "license": "mit"},
        ),
    ]


@pytest.mark.parametrize("in_array", [False, True])
def test_an_error_inside_the_stream_ends_it_and_keeps_what_came(in_array):
    error = {"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 1}
    found = folded(
        wire(chunk(text("Once"), usage=usage), [error] if in_array else error), DIALECT
    )
    assert found.text == "Once"
    assert (found.error.kind, found.error.vendor_type) == ("Overloaded", "UNAVAILABLE")
    assert found.error.vendor_message == "Busy."
    assert found.usage.output_tokens == 1


@pytest.mark.parametrize("ending", ["\r\n", "\n\n", ""])
def test_an_error_in_plain_lines_of_json_is_understood_wherever_it_is_cut(ending):
    error = {"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}
    body = wire(chunk(text("Once"))) + (json.dumps(error, indent=2) + ending).encode()
    whole = events_of(body, DIALECT)
    assert [event.error.kind for event in whole[-1:]] == ["Overloaded"]
    assert TextDelta(text="Once", part=0) in whole
    for at in range(len(body)):
        assert list(parse_stream([body[:at], body[at:]], DIALECT)) == whole


def test_plain_lines_that_are_no_error_change_nothing():
    body = wire(chunk(text("Once"))) + b'{"note": 1}\n'
    assert events_of(body, DIALECT)[-1].error.kind == "StreamCut"


@pytest.mark.parametrize("garbage", ["{", "nonsense", "7", "[]", '"text"'])
def test_a_chunk_that_is_no_object_breaks_the_stream_and_keeps_the_text(garbage):
    found = folded(wire(chunk(text("kept")), garbage, chunk(finish="STOP")), DIALECT)
    assert found.text == "kept"
    assert found.error.kind == "ProtocolError"


def test_a_stream_without_a_finish_reason_is_a_cut_and_tells_its_last_usage():
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 9}
    first = chunk(text("a"), usage={"promptTokenCount": 3})
    found = folded(wire(first, chunk(text("b"), usage=usage)), DIALECT)
    assert found.error.kind == "StreamCut"
    assert found.usage.output_tokens == 9


def test_parts_of_an_unknown_kind_are_passed_over():
    found = folded(wire(chunk({"hologram": {}}, text("ok"), finish="STOP")), DIALECT)
    assert found.text == "ok"
