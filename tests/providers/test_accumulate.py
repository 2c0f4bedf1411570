"""Events fold into the message they describe, in the order of its parts."""

from __future__ import annotations

from providers.accumulate import Accumulator
from providers.events import (
    Citation,
    ErrorInfo,
    Event,
    Finished,
    OpaqueState,
    ReasoningDelta,
    RefusalDelta,
    ServerTool,
    Started,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
)
from providers.types import (
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCallPart,
)


def folded(*events: Event) -> Accumulator:
    found = Accumulator()
    for event in events:
        found.add(event)
    return found


def test_an_answer_becomes_parts_in_their_order() -> None:
    found = folded(
        Started(response_id="r1", model="m1"),
        ReasoningDelta(text="Let ", part=0),
        ReasoningDelta(text="me see", part=0),
        OpaqueState(part=0, kind="reasoning", state={"signature": "s"}),
        TextDelta(text="One ", part=1),
        TextDelta(text="two", part=1),
        ToolCallStarted(part=2, call_id="c1", name="add"),
        ToolCallDelta(part=2, call_id="c1", text='{"a":1}'),
        OpaqueState(part=2, kind="tool_call", state={"id": "fc"}),
        ToolCallReady(part=2, call_id="c1", name="add", arguments={"a": 1}),
        Usage(input_tokens=3, output_tokens=4),
        Finished(stop_reason="tool_use", stop_reason_raw="tool_calls"),
    )

    assert found.parts() == [
        ReasoningPart(text="Let me see", state={"signature": "s"}),
        TextPart(text="One two"),
        ToolCallPart(call_id="c1", name="add", arguments={"a": 1}, state={"id": "fc"}),
    ]
    assert (found.response_id, found.model) == ("r1", "m1")
    assert (found.text, found.reasoning) == ("One two", "Let me see")
    assert found.events == 12
    assert found.usage == Usage(input_tokens=3, output_tokens=4)
    assert found.finished is not None
    assert found.stop_reason_raw == "tool_calls"
    assert found.error is None


def test_the_parts_are_ordered_by_number_and_the_text_by_arrival() -> None:
    found = folded(TextDelta(text="b", part=1), TextDelta(text="a", part=0))

    assert found.parts() == [TextPart(text="a"), TextPart(text="b")]
    assert found.text == "ba"


def test_an_unfinished_call_is_no_part_and_no_call() -> None:
    found = folded(
        ToolCallStarted(part=0, call_id="c1", name="add"),
        ToolCallDelta(part=0, call_id="c1", text='{"a":'),
        StreamError(error=ErrorInfo(kind="StreamCut", message="cut")),
    )

    assert found.parts() == []
    assert found.tool_calls == []
    assert found.error == ErrorInfo(kind="StreamCut", message="cut")
    assert found.finished is None


def test_later_state_of_a_part_replaces_keys_and_keeps_the_others() -> None:
    found = folded(
        OpaqueState(part=0, kind="reasoning", state={"a": 1, "b": 1}),
        OpaqueState(part=0, kind="reasoning", state={"b": 2}),
    )

    assert found.parts() == [ReasoningPart(state={"a": 1, "b": 2})]


def test_a_part_may_exist_for_its_state_alone() -> None:
    found = folded(OpaqueState(part=0, kind="text", state={"signature": "x"}))

    assert found.parts() == [TextPart(text="", state={"signature": "x"})]


def test_what_stayed_empty_is_left_out() -> None:
    assert folded(TextDelta(text=""), ReasoningDelta(text="", part=1)).parts() == []


def test_a_refusal_is_kept_apart_from_the_answer() -> None:
    found = folded(RefusalDelta(text="I can"), RefusalDelta(text="not."))

    assert found.parts() == [RefusalPart(text="I cannot.")]
    assert (found.text, found.refusal) == ("", "I cannot.")


def test_a_source_belongs_to_the_text_it_supports() -> None:
    citation = Citation(part=1, kind="url", url="https://a.example/", raw={"n": 1})
    found = folded(TextDelta(text="a", part=0), TextDelta(text="b", part=1), citation)

    kept = {"kind": "url", "url": "https://a.example/", "raw": {"n": 1}}
    assert found.parts() == [TextPart(text="a"), TextPart(text="b", citations=[kept])]
    assert found.citations == [citation]


def test_a_vendors_tool_keeps_its_last_status_and_all_detail() -> None:
    found = folded(
        ServerTool(
            part=0, call_id="w", name="search", status="running", detail={"q": 1}
        ),
        ServerTool(part=0, call_id="w", name="search", status="completed"),
        OpaqueState(part=0, kind="server_tool", state={"item": {"id": "w"}}),
    )

    assert found.parts() == [
        ServerToolPart(
            call_id="w",
            name="search",
            status="completed",
            detail={"q": 1},
            state={"item": {"id": "w"}},
        )
    ]


def test_the_parts_can_be_asked_for_in_between() -> None:
    found = folded(TextDelta(text="a"))
    assert found.parts() == [TextPart(text="a")]

    found.add(TextDelta(text="b"))
    assert found.parts() == [TextPart(text="ab")]


def test_arguments_that_are_no_object_are_kept_as_they_came() -> None:
    ready = ToolCallReady(
        part=0, call_id="c", name="f", arguments={}, arguments_raw="[1]"
    )
    (part,) = folded(ready).parts()

    assert part == ToolCallPart(
        call_id="c", name="f", arguments={}, arguments_raw="[1]"
    )
