"""Every recorded stream of every dialect means what the vendor's own SDK made of it.

Whole, cut at random places, and byte by byte: what the network does to a stream must not
show. And once more through `manage.py inspect_stream --json`, which is what people see.
"""

from __future__ import annotations

import json
import random
from hashlib import sha256
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from providers.accumulate import Accumulator
from providers.dialects.lenient_json import array, obj
from providers.events import TERMINAL, Event
from providers.streaming import parse_stream
from tests.recordings import Recording, streams

every_stream = pytest.mark.parametrize("recording", streams())


def streams_with(fact: str) -> list[Any]:
    """The recordings whose expectation has a word on `fact`."""
    return [
        found
        for found in streams()
        if found.values[0] is None or fact in found.values[0].expected
    ]


def whole_streams() -> list[Any]:
    """The recordings that end cleanly."""
    return [
        found
        for found in streams()
        if found.values[0] is None
        or (
            found.values[0].expected["error"] is None
            and "truncated" not in found.values[0].facts["tags"]
        )
    ]


def accumulated(events: list[Event]) -> Accumulator:
    """The events of one response, folded."""
    folded = Accumulator()
    for event in events:
        folded.add(event)
    return folded


def decoded(recording: Recording) -> list[Event]:
    """The events of a recording that arrived in one piece."""
    return list(parse_stream([recording.body], recording.dialect))


def cut_at_random(body: bytes, seed: int) -> list[bytes]:
    """The body in pieces, cut in the same places for the same seed."""
    dice = random.Random(seed)
    places = sorted(dice.sample(range(len(body)), min(40, len(body) - 1)))
    return [body[a:b] for a, b in zip([0, *places], [*places, None], strict=True)]


def expected_calls(expected: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(call["name"], call["arguments"]) for call in expected["tool_calls"]]


@every_stream
def test_it_says_what_the_vendor_said(recording: Recording) -> None:
    expected = recording.expected
    found = accumulated(decoded(recording))

    assert found.text == expected["text"]
    assert found.reasoning == expected["reasoning"]
    assert found.refusal == expected.get("refusal", "")
    assert [(c.name, c.arguments) for c in found.tool_calls] == expected_calls(expected)
    for call, wanted in zip(found.tool_calls, expected["tool_calls"], strict=True):
        assert call.call_id == wanted["id"] if wanted["id"] else call.call_id


@every_stream
def test_it_ends_as_the_vendor_ended_it(recording: Recording) -> None:
    expected = recording.expected
    events = decoded(recording)
    found = accumulated(events)

    assert [isinstance(event, TERMINAL) for event in events].count(True) == 1
    assert isinstance(events[-1], TERMINAL)
    accepted = expected.get("stop_reason_any_of", [expected["stop_reason"]])
    if "prompt_block" in expected:  # the stop is told by the block, see the dialect
        assert found.finished is not None
    else:
        assert found.stop_reason_raw in accepted
    if expected["error"] is not None:
        assert found.error is not None
        assert expected["error"]["message"] in (found.error.vendor_message or "")
        words = {found.error.vendor_type, found.error.vendor_code}
        assert words & {expected["error"]["type"], str(expected["error"]["code"])}
    elif recording.facts["tags"] == ["truncated"]:
        assert found.error is not None
        assert found.error.kind == "StreamCut"
    else:
        assert found.error is None


@every_stream
def test_it_counts_tokens_as_the_vendor_did(recording: Recording) -> None:
    expected = recording.expected
    usage = accumulated(decoded(recording)).usage

    if expected["usage"] is None:
        assert usage is None
        return
    assert usage is not None
    if "usage_raw" in expected:
        assert usage.raw == expected["usage_raw"]
    if recording.dialect.startswith("openai") and "xai" not in recording.name:
        for name, value in expected["usage"].items():
            assert getattr(usage, name) == value, name


@pytest.mark.parametrize("recording", streams_with("citations"))
def test_it_gives_the_vendors_sources(recording: Recording) -> None:
    found = accumulated(decoded(recording)).citations

    wanted = recording.expected["citations"]
    assert [c.url for c in found] == [c["url"] for c in wanted]
    for citation, facts in zip(found, wanted, strict=True):
        if "title" in facts:
            assert citation.title == facts["title"]
        if "cited_text" in facts:
            assert citation.cited_text == facts["cited_text"]


@pytest.mark.parametrize("recording", streams_with("reasoning_signatures"))
def test_it_keeps_what_must_be_sent_back_unchanged(recording: Recording) -> None:
    parts = accumulated(decoded(recording)).parts()
    states = json.dumps([getattr(part, "state", None) for part in parts])

    kept = {(len(text), digest(text)) for text in strings_in(json.loads(states))}
    for signature in recording.expected["reasoning_signatures"]:
        assert (signature["len"], signature["sha256"]) in kept


@every_stream
def test_it_means_the_same_wherever_the_network_cuts_it(recording: Recording) -> None:
    whole = decoded(recording)
    for seed in range(5):
        pieces = cut_at_random(recording.body, seed)
        assert list(parse_stream(pieces, recording.dialect)) == whole


@every_stream
def test_it_means_the_same_byte_by_byte(recording: Recording) -> None:
    body = recording.body
    pieces = (body[at : at + 1] for at in range(len(body)))

    assert list(parse_stream(pieces, recording.dialect)) == decoded(recording)


@pytest.mark.parametrize("recording", whole_streams())
def test_a_stream_that_stops_early_is_never_a_clean_end(recording: Recording) -> None:
    body = recording.body
    whole = accumulated(decoded(recording))
    early = accumulated(list(parse_stream([body[: len(body) // 2]], recording.dialect)))

    assert early.error is not None
    assert early.error.kind == "StreamCut"
    assert whole.text.startswith(early.text)


@every_stream
def test_inspect_stream_shows_it(recording: Recording) -> None:
    out = StringIO()
    expected = recording.expected
    code = 0
    try:
        call_command(
            "inspect_stream",
            str(recording.path),
            dialect=recording.dialect,
            json=True,
            stdout=out,
        )
    except SystemExit as exc:
        code = int(exc.code or 0)
    shown = json.loads(out.getvalue())

    assert shown["text"] == expected["text"]
    assert shown["reasoning"] == expected["reasoning"]
    assert [(c["name"], c["arguments"]) for c in shown["tool_calls"]] == (
        expected_calls(expected)
    )
    if expected["usage"] is not None and "usage_raw" in expected:
        assert shown["usage_raw"] == expected["usage_raw"]
    if expected["error"] is not None:
        assert code == 3
        assert expected["error"]["message"] in shown["error"]["message"]
        if expected["error"]["type"] is not None:
            assert shown["error"]["type"] == expected["error"]["type"]
    elif recording.facts["tags"] == ["truncated"]:
        assert code == 3
        assert shown["error"]["type"] == "stream_cut"
    else:
        assert code == 0
        assert shown["error"] is None


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def strings_in(value: Any) -> list[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        return [value]
    inside = array(value) or list(obj(value).values())
    return [text for item in inside for text in strings_in(item)]
