"""The Responses dialect: opaque state, hosted tools and sources."""

from __future__ import annotations

from typing import Any

from providers.events import (
    Citation,
    Finished,
    OpaqueState,
    ReasoningDelta,
    ServerTool,
    TextDelta,
)
from providers.types import ReasoningPart
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


def added(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def decoded(*events: dict[str, Any]) -> list[Any]:
    return events_of(typed(*events), DIALECT)


def test_encrypted_reasoning_is_taken_from_the_finished_item_only() -> None:
    begun = {"type": "reasoning", "id": "rs_1", "encrypted_content": "HALF"}
    ended = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "OK",
    }
    resealed = {**ended, "encrypted_content": "OTHER"}
    terminal = {"status": "completed", "output": [resealed]}
    events = decoded(
        added(begun),
        done(ended),
        {"type": "response.completed", "response": terminal},
    )

    assert events[:-1] == [OpaqueState(part=0, kind="reasoning", state={"item": ended})]


def test_a_summary_in_several_pieces_keeps_its_state_with_the_first() -> None:
    summary = [{"type": "summary_text", "text": t} for t in ("One", "Two")]
    item = {"type": "reasoning", "summary": summary, "encrypted_content": "E"}

    def piece(at: int, delta: str) -> dict[str, Any]:
        kind = "response.reasoning_summary_text.delta"
        return {"type": kind, "output_index": 0, "summary_index": at, "delta": delta}

    found = folded(
        typed(piece(0, "One"), piece(1, "Two"), done(item), COMPLETED), DIALECT
    )
    assert found.parts() == [
        ReasoningPart(text="One", state={"item": item}),
        ReasoningPart(text="Two"),
    ]
    assert found.reasoning == "OneTwo"


def test_raw_reasoning_of_open_models_is_reasoning() -> None:
    kind = "response.reasoning_text.delta"
    events = decoded({"type": kind, "content_index": 0, "delta": "Hm"}, COMPLETED)

    assert events[0] == ReasoningDelta(text="Hm", part=0)


def test_reasoning_that_was_not_encrypted_is_not_kept_for_later() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": []}

    assert decoded(done(item), COMPLETED) == [
        Finished(stop_reason="stop", stop_reason_raw="completed")
    ]


def test_the_phase_of_a_message_is_state_of_its_text() -> None:
    item = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "phase": "commentary",
        "content": [{"type": "output_text", "text": "Let me look."}],
    }
    events = decoded(text("Let me look."), done(item), COMPLETED)

    state = {"id": "msg_1", "status": "completed", "phase": "commentary"}
    assert events[:-1] == [
        TextDelta(text="Let me look.", part=0),
        OpaqueState(part=0, kind="text", state=state),
    ]


def test_a_hosted_tool_shows_what_it_does_and_goes_back_whole() -> None:
    begun = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    ended = {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    }

    assert decoded(
        added(begun),
        {"type": "response.web_search_call.searching", "output_index": 0},
        done(ended),
        COMPLETED,
    )[:-1] == [
        ServerTool(part=0, call_id="ws_1", name="web_search_call", status="running"),
        ServerTool(
            part=0,
            call_id="ws_1",
            name="web_search_call",
            status="completed",
            detail={"action": {"type": "search", "query": "q"}},
        ),
        OpaqueState(part=0, kind="server_tool", state={"item": ended}),
    ]


def test_a_hosted_tool_that_failed_says_so() -> None:
    item = {"type": "mcp_call", "id": "m", "status": "failed", "error": "refused"}
    (tool, _, _) = decoded(done(item), COMPLETED)

    assert tool.status == "failed"
    assert tool.detail == {"error": "refused"}


def test_an_annotation_is_a_citation_once() -> None:
    note = {"type": "file_citation", "file_id": "f", "filename": "a.pdf", "index": 1}
    kind = "response.output_text.annotation.added"
    content = [{"type": "output_text", "text": "x", "annotations": [note]}]
    events = decoded(
        text("x"),
        {"type": kind, "output_index": 0, "content_index": 0, "annotation": note},
        done({"type": "message", "content": content}),
        COMPLETED,
    )

    assert [e for e in events if isinstance(e, Citation)] == [
        Citation(part=0, kind="file_citation", title="a.pdf", raw=note)
    ]
