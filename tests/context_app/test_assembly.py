"""What of a conversation is sent: deterministic, honest, nothing lost that was asked."""

from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from context_app.assembly import assemble
from context_app.assembly.messages import paired
from providers.types import (
    Message,
    Origin,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)


def stored(role, *parts, origin=None):
    return SimpleNamespace(role=role, parts=list(parts), origin=origin)


def text(words, **more):
    return {"type": "text", "text": words, **more}


def thought(words="hm", **more):
    return {"type": "reasoning", "text": words, **more}


def call(call_id):
    return {"type": "tool_call", "call_id": call_id, "name": "clock", "arguments": {}}


def result(call_id):
    return {"type": "tool_result", "call_id": call_id, "name": "clock", "text": "noon"}


def kinds(messages):
    """(role, the tag of every part) of every message."""
    return [
        (m.role, [part.__struct_config__.tag for part in m.parts]) for m in messages
    ]


def test_questions_and_answers_go_in_their_order():
    branch = [stored("user", text("one")), stored("assistant", text("two"))]
    assert [(m.role, m.parts) for m in assemble(branch)] == [
        ("user", [TextPart(text="one")]),
        ("assistant", [TextPart(text="two")]),
    ]


def test_an_answer_that_said_nothing_is_left_out_and_its_question_stays():
    branch = [
        stored("user", text("one")),
        stored("assistant"),
        stored("user", text("again")),
    ]
    assert [m.role for m in assemble(branch)] == ["user", "user"]


def test_what_a_stopped_answer_had_said_is_sent():
    branch = [stored("user", text("one")), stored("assistant", text("half a sen"))]
    assert assemble(branch)[1].parts == [TextPart(text="half a sen")]


def test_opaque_state_and_origin_travel_unchanged():
    state = {"signature": "abc"}
    origin = {"provider": "anthropic", "model": "m", "session_id": "work"}
    branch = [stored("assistant", thought(state=state), origin=origin)]
    [message] = assemble(branch)
    assert message.parts == [ReasoningPart(text="hm", state=state)]
    assert message.origin == Origin(provider="anthropic", model="m", session_id="work")


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_an_empty_part_with_state_is_kept_because_the_vendor_wants_it_back(kind):
    part = {"type": kind, "text": "", "state": {"thoughtSignature": "x"}}
    [message] = assemble([stored("assistant", part)])
    assert message.parts[0].state == {"thoughtSignature": "x"}


def test_blank_parts_are_left_out():
    branch = [stored("assistant", text(" \n"), thought(""), text("so"))]
    assert assemble(branch)[0].parts == [TextPart(text="so")]


def test_a_part_of_a_newer_version_does_not_break_the_rest():
    [message] = assemble([stored("user", {"type": "hologram", "x": 1}, text("hello"))])
    assert message.parts == [TextPart(text="hello")]


@pytest.mark.parametrize("parts", [None, "text", {"a": 1}, [None], [[1]], [{}]])
def test_parts_that_are_no_parts_are_left_out(parts):
    branch = [SimpleNamespace(role="assistant", parts=parts, origin=None)]
    assert assemble(branch) == []


def test_an_origin_that_cannot_be_read_is_none():
    [message] = assemble([stored("assistant", text("x"), origin={"who": 1})])
    assert message.origin is None


def test_a_refusal_stays_a_refusal():
    [message] = assemble([stored("assistant", {"type": "refusal", "text": "I can't."})])
    assert message.parts == [RefusalPart(text="I can't.")]


def test_a_call_with_its_result_is_sent_with_it():
    branch = [
        stored("user", text("what time is it?")),
        stored("assistant", thought(), call("a"), call("b")),
        stored("tool", result("a")),
        stored("tool", result("b")),
        stored("assistant", text("noon")),
    ]
    assert kinds(assemble(branch)) == [
        ("user", ["text"]),
        ("assistant", ["reasoning", "tool_call", "tool_call"]),
        ("tool", ["tool_result"]),
        ("tool", ["tool_result"]),
        ("assistant", ["text"]),
    ]


def test_a_call_that_nobody_answered_is_left_out_with_the_reasoning_that_led_to_it():
    branch = [
        stored("assistant", text("let me see"), thought(), thought(), call("a")),
        stored("user", text("never mind")),
    ]
    assert kinds(assemble(branch)) == [("assistant", ["text"]), ("user", ["text"])]


def test_reasoning_that_led_to_something_else_stays():
    branch = [stored("assistant", thought("1"), call("a"), thought("2"), text("so"))]
    assert assemble(branch)[0].parts == [ReasoningPart(text="2"), TextPart(text="so")]


def test_of_two_calls_the_answered_one_keeps_its_reasoning():
    branch = [
        stored("assistant", thought(), call("a"), call("b")),
        stored("tool", result("b")),
    ]
    [answer, tool] = assemble(branch)
    assert [type(part) for part in answer.parts] == [ReasoningPart, ToolCallPart]
    assert tool.parts[0].call_id == "b"


def test_a_result_that_nobody_asked_for_is_left_out():
    branch = [stored("user", text("hi")), stored("tool", result("a"))]
    assert kinds(assemble(branch)) == [("user", ["text"])]


def test_an_id_that_is_used_again_later_does_not_count_as_answered_before():
    branch = [
        stored("assistant", text("first"), call("call_0")),
        stored("user", text("again")),
        stored("assistant", call("call_0")),
        stored("tool", result("call_0")),
    ]
    assert kinds(assemble(branch)) == [
        ("assistant", ["text"]),
        ("user", ["text"]),
        ("assistant", ["tool_call"]),
        ("tool", ["tool_result"]),
    ]


PARTS = st.one_of(
    st.sampled_from([text("a"), text(""), thought(), thought("", state={"s": 1})]),
    st.sampled_from([call("0"), call("1"), result("0"), result("1")]),
    st.sampled_from([{"type": "refusal", "text": "no"}, {"type": "new"}]),
)
MESSAGES = st.builds(
    lambda role, parts: stored(role, *parts),
    st.sampled_from(["user", "assistant", "tool"]),
    st.lists(PARTS, max_size=4),
)


@given(st.lists(MESSAGES, max_size=8))
def test_no_half_of_a_pair_is_ever_sent_and_the_transcript_is_not_touched(branch):
    before = msgspec.json.encode([m.parts for m in branch])
    sent = assemble(branch)
    asked, answered = set(), set()
    for message in sent:
        assert message.parts
        if message.role != "tool":
            assert asked == answered
            asked, answered = set(), set()
        for part in message.parts:
            if isinstance(part, ToolCallPart):
                if message.role == "assistant":
                    asked.add(part.call_id)
            elif isinstance(part, ToolResultPart):
                answered.add(part.call_id)
    assert asked == answered
    assert msgspec.json.encode([m.parts for m in branch]) == before
    assert assemble(branch) == sent


class Counted(list):
    """A list that knows how many of its messages were looked at."""

    looked_at = 0

    def __getitem__(self, at):
        found = super().__getitem__(at)
        self.looked_at += len(found) if isinstance(at, slice) else 1
        return found


def test_a_long_conversation_is_gone_through_once_and_not_its_square():
    said = [
        Message(role=role, parts=[TextPart(text="x")])
        for _ in range(200)
        for role in ("user", "assistant")
    ]
    messages = Counted(said)
    assert paired(messages) == said
    assert messages.looked_at <= 2 * len(said)
