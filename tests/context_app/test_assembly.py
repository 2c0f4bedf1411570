"""What of a conversation is sent: deterministic, honest, nothing lost that was asked."""

from types import SimpleNamespace

import msgspec

from context_app.assembly import assemble
from providers.types import Origin, ReasoningPart, TextPart


def stored(role, *parts, origin=None):
    return SimpleNamespace(role=role, parts=list(parts), origin=origin)


def text(words, **more):
    return {"type": "text", "text": words, **more}


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


def test_opaque_state_and_origin_travel_unchanged():
    state = {"signature": "abc"}
    origin = {"provider": "anthropic", "model": "m", "session_id": "work"}
    [message] = assemble(
        [
            stored(
                "assistant",
                {"type": "reasoning", "text": "hm", "state": state},
                origin=origin,
            )
        ]
    )
    assert message.parts == [ReasoningPart(text="hm", state=state)]
    assert message.origin == Origin(provider="anthropic", model="m", session_id="work")


def test_an_empty_text_with_state_is_kept_because_the_vendor_wants_it_back():
    [message] = assemble(
        [stored("assistant", text("", state={"thoughtSignature": "x"}))]
    )
    assert message.parts[0].state == {"thoughtSignature": "x"}


def test_a_part_of_a_newer_version_does_not_break_the_rest():
    [message] = assemble([stored("user", {"type": "hologram", "x": 1}, text("hello"))])
    assert message.parts == [TextPart(text="hello")]


def test_a_refusal_goes_back_as_the_words_it_was():
    [message] = assemble([stored("assistant", {"type": "refusal", "text": "I can't."})])
    assert message.parts == [TextPart(text="I can't.")]


def test_the_same_history_makes_the_same_bytes():
    branch = [stored("user", text("one")), stored("assistant", text("two"))]
    assert msgspec.json.encode(assemble(branch)) == msgspec.json.encode(
        assemble(branch)
    )
