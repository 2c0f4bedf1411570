"""The Chat Completions dialect: the documented way and the liberties taken."""

from __future__ import annotations

from typing import Any

import pytest

from providers.events import (
    Citation,
    Finished,
    OpaqueState,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    Usage,
)
from providers.types import ReasoningPart, TextPart
from tests.providers.dialects.wires import chunks, delta, events_of, folded

DIALECT = "openai_chat"


STOP = delta("stop")


def decoded(*values: Any, done: bool = True) -> list[Any]:
    """The events, without the one that names the response."""
    events = events_of(chunks(*values, done=done), DIALECT)
    return [event for event in events if not isinstance(event, Started)]


def test_a_plain_answer() -> None:
    raw = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }

    assert events_of(
        chunks(
            delta(role="assistant", content=""),
            delta(content="Hel"),
            delta(content="lo"),
            STOP,
            {"id": "chatcmpl-1", "choices": [], "usage": raw},
        ),
        DIALECT,
    ) == [
        Started(response_id="chatcmpl-1", model="m"),
        TextDelta(text="Hel", part=0),
        TextDelta(text="lo", part=0),
        Usage(
            input_tokens=10,
            output_tokens=5,
            cached_input_tokens=4,
            cache_write_tokens=2,
            reasoning_tokens=3,
            raw=raw,
        ),
        Finished(stop_reason="stop", stop_reason_raw="stop"),
    ]


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_has_two_names(field: str) -> None:
    assert decoded(delta(**{field: "Hm"}), delta(content="Yes"), STOP) == [
        ReasoningDelta(text="Hm", part=0),
        TextDelta(text="Yes", part=1),
        Finished(stop_reason="stop", stop_reason_raw="stop"),
    ]


def test_reasoning_under_both_names_is_told_once() -> None:
    found = folded(chunks(delta(reasoning="Hm", reasoning_content="Hm"), STOP), DIALECT)

    assert found.reasoning == "Hm"


def test_a_part_ends_where_another_kind_begins() -> None:
    found = folded(
        chunks(
            delta(reasoning="a"),
            delta(content="b"),
            delta(reasoning="c"),
            delta(content="d", role="assistant"),
            STOP,
        ),
        DIALECT,
    )

    assert found.parts() == [
        ReasoningPart(text="a"),
        TextPart(text="b"),
        ReasoningPart(text="c"),
        TextPart(text="d"),
    ]


def test_content_may_be_null_and_the_role_missing() -> None:
    assert decoded(delta(content=None), delta(content="a"), STOP)[0].text == "a"


def test_content_may_be_a_list_with_thinking_in_it() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    content = [thinking, {"type": "text", "text": "Ye"}, {"type": "reference"}]

    assert decoded(delta(content=content), delta(content="s", finish="stop"))[:3] == [
        ReasoningDelta(text="Hm", part=0),
        TextDelta(text="Ye", part=1),
        TextDelta(text="s", part=1),
    ]


def test_a_refusal_is_its_own_kind() -> None:
    assert decoded(delta(content=None, refusal=""), delta(refusal="No."), STOP) == [
        RefusalDelta(text="No.", part=0),
        Finished(stop_reason="refusal", stop_reason_raw="stop"),
    ]


def test_reasoning_details_are_put_together_as_they_must_go_back() -> None:
    def details(*items: Any, **more: Any) -> dict[str, Any]:
        return delta(reasoning_details=list(items), **more)

    said = {"type": "reasoning.text", "index": 0, "format": "f"}
    sealed = {"type": "reasoning.encrypted", "index": 1, "data": "XX"}
    events = decoded(
        details({**said, "text": "Let "}, reasoning="Let "),
        details({**said, "text": "me"}, reasoning="me"),
        delta(content="Yes"),
        details({**said, "signature": "SIG"}),
        details(sealed),
        details(sealed),
        STOP,
    )

    assert [e for e in events if isinstance(e, OpaqueState)] == [
        OpaqueState(
            part=0,
            kind="reasoning",
            state={
                "reasoning_details": [
                    {**said, "text": "Let me", "signature": "SIG"},
                    sealed,
                    sealed,
                ]
            },
        )
    ]
    assert [e.part for e in events if isinstance(e, TextDelta)] == [1]


def test_reasoning_that_only_the_details_tell_is_told() -> None:
    item = {"type": "reasoning.summary", "summary": "Short", "index": 0}

    assert decoded(delta(reasoning_details=[item]), STOP)[0] == ReasoningDelta(
        text="Short", part=0
    )


def test_sources_that_every_chunk_repeats_are_given_once() -> None:
    urls = ["https://a.example/", "https://b.example/"]
    found = [{"url": urls[1], "title": "B"}]
    extra = {"citations": urls, "search_results": found}
    events = decoded({**delta(content="x"), **extra}, {**STOP, **extra})

    assert [e for e in events if isinstance(e, Citation)] == [
        Citation(part=0, kind="search_result", url=urls[0], raw={"url": urls[0]}),
        Citation(part=0, kind="search_result", url=urls[1], title="B", raw=found[0]),
    ]


def test_annotations_of_a_delta_are_sources() -> None:
    source = {"url": "https://a.example/", "title": "A", "content": "words"}
    note = {"type": "url_citation", "url_citation": source}
    events = decoded(delta(content="x"), delta(annotations=[note]), STOP)

    assert events[1] == Citation(
        part=0,
        kind="url_citation",
        url="https://a.example/",
        title="A",
        cited_text="words",
        raw=note,
    )


def test_usage_may_stand_in_the_last_content_chunk() -> None:
    raw = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    events = decoded({**delta(content="x", finish="stop"), "usage": raw})

    assert events[1] == Usage(input_tokens=1, output_tokens=2, raw=raw)


def test_a_count_that_no_response_can_have_is_none() -> None:
    raw = {"prompt_tokens": -5, "completion_tokens": 10**12}
    events = decoded({**delta(content="x", finish="stop"), "usage": raw})

    assert events[1] == Usage(raw=raw)


def test_reasoning_counted_beside_the_completion_is_added_to_it() -> None:
    raw = {
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 20,
        "completion_tokens_details": {"reasoning_tokens": 8},
    }
    (_, usage, _) = decoded(delta(content="x"), STOP, {"choices": [], "usage": raw})

    assert (usage.output_tokens, usage.reasoning_tokens) == (10, 8)
    assert usage.raw == raw


def test_cached_tokens_have_another_name_at_deepseek() -> None:
    raw = {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 5}
    (_, usage, _) = decoded(delta(content="x"), STOP, {"choices": [], "usage": raw})

    assert usage.cached_input_tokens == 5


def test_null_usage_in_every_chunk_is_none() -> None:
    events = decoded({**delta(content="x"), "usage": None}, STOP)

    assert not [e for e in events if isinstance(e, Usage)]


def test_another_choice_is_not_mixed_in() -> None:
    other = {"index": 1, "delta": {"content": "B"}, "finish_reason": "stop"}
    both = delta(content="A")
    both["choices"].append(other)

    assert decoded(both, STOP)[:1] == [TextDelta(text="A", part=0)]


def test_a_whole_message_counts_where_nothing_was_streamed() -> None:
    message = {"role": "assistant", "content": "All at once"}
    chunk = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    assert decoded(chunk)[0] == TextDelta(text="All at once", part=0)
    assert len(decoded(delta(content="All"), chunk)) == 2


def test_the_end_is_told_once_and_the_reason_may_be_repeated() -> None:
    assert decoded(delta(content="x"), STOP, STOP) == [
        TextDelta(text="x", part=0),
        Finished(stop_reason="stop", stop_reason_raw="stop"),
    ]


@pytest.mark.parametrize(
    ("reason", "stop_reason"),
    [
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_use"),
        ("eos_of_tomorrow", "other"),
    ],
)
def test_the_reason_is_kept_beside_our_word_for_it(
    reason: str, stop_reason: str
) -> None:
    assert decoded(delta(content="x"), delta(reason))[-1] == Finished(
        stop_reason=stop_reason, stop_reason_raw=reason
    )
