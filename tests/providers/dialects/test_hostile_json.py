"""JSON that is JSON, and that nothing behind the decoders could follow, store or say."""

from __future__ import annotations

import json
import time

import pytest

from providers.dialects import lenient_json
from providers.dialects.lenient_json import MAX_DEPTH, loads, parse_arguments
from providers.events import Event, ToolCallReady, Usage
from tests.providers.dialects.anything import events_of_values


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_what_is_nested_too_deeply_is_no_json() -> None:
    assert loads(nested(MAX_DEPTH))
    for text in (nested(MAX_DEPTH + 1), nested(100_000)):
        with pytest.raises(ValueError, match="deep"):
            loads(text)
        with pytest.raises(ValueError, match="deep"):
            loads(text.encode())


def test_only_nesting_counts_and_not_how_many_there_are() -> None:
    many = [[{}], {"a[[": '"[{' * 500}] * 500
    assert loads(json.dumps(many)) == many


@pytest.mark.parametrize("text", ['"' + '\\"' * 200_000, '"[' * 200_000, "]" * 200_000])
def test_a_text_that_never_ends_is_looked_at_once(text: str) -> None:
    began = time.monotonic()
    lenient_json.is_too_deep("[" * MAX_DEPTH + text)
    assert time.monotonic() - began < 2


def test_arguments_that_are_too_deep_are_kept_as_they_came() -> None:
    text = f'{{"what": {nested(MAX_DEPTH)}}}'
    assert parse_arguments(text) == ({}, text)


def test_what_is_no_number_is_nothing() -> None:
    text = '{"a": NaN, "b": [1e999, -Infinity], "c": 1.5}'
    assert loads(text) == {"a": None, "b": [None, None], "c": 1.5}


def test_a_chunk_with_a_bottomless_field_says_nothing() -> None:
    deep = json.loads(nested(300))
    chat = {"choices": [], "usage": {"prompt_tokens": 1, "x": deep}}
    assert not kinds(events_of_values([chat], "openai_chat"), Usage)
    item = {"type": "function_call", "call_id": "c", "name": "look", "x": deep}
    done = {"type": "response.output_item.done", "item": item, "output_index": 0}
    assert not kinds(events_of_values([done], "openai_responses"), ToolCallReady)


def kinds(events: list[Event], kind: type) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]
