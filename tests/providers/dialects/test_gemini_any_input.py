"""The Gemini dialect, decoding: recorded state, and whatever may come."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.streaming import parse_stream
from tests.providers.dialects.anything import BYTES, JSON, checked, events_of_values
from tests.providers.dialects.wires import folded
from tests.recordings import Recording, streams

DIALECT = "gemini_generate"


def signatures(state: dict[str, Any]) -> list[str]:
    """The signatures in one part's state: its own, or that of the vendor's tool."""
    found = [state, state.get("part", {})]
    return [s["thoughtSignature"] for s in found if "thoughtSignature" in s]


@pytest.mark.parametrize("recording", streams(DIALECT))
def test_it_keeps_every_signature_once_and_in_order(recording: Recording) -> None:
    wanted = recording.expected.get("reasoning_signatures", [])
    parts = folded(recording.body, DIALECT).parts()
    found = [
        (len(signature), sha256(signature.encode()).hexdigest())
        for part in parts
        for signature in signatures(part.state or {})
    ]
    assert found == [(s["len"], s["sha256"]) for s in wanted]


@pytest.mark.parametrize("recording", streams(DIALECT))
def test_the_vendors_own_tools_are_those_that_were_recorded(
    recording: Recording,
) -> None:
    wanted = recording.expected.get("server_tools", [])
    tools = [
        part
        for part in folded(recording.body, DIALECT).parts()
        if part.__struct_config__.tag == "server_tool"
    ]
    assert [{"type": t.name, **t.detail} for t in tools] == wanted
    assert {t.status for t in tools} <= {"completed"}


OUTER = st.sampled_from(
    [
        "candidates",
        "usageMetadata",
        "promptFeedback",
        "error",
        "responseId",
        "modelVersion",
    ]
)
CANDIDATE = st.sampled_from(
    [
        "content",
        "finishReason",
        "groundingMetadata",
        "citationMetadata",
        "continuationToken",
        "finishMessage",
    ]
)
PART = st.sampled_from(
    [
        "text",
        "thought",
        "thoughtSignature",
        "functionCall",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
        "inlineData",
    ]
)
WORDS = st.sampled_from(["STOP", "CONTINUATION", "MISSING_THOUGHT_SIGNATURE", "text"])
CALL = st.dictionaries(st.sampled_from(["id", "name", "args", "outcome"]), JSON)
PARTS = st.lists(st.dictionaries(PART, JSON | CALL) | JSON)
CANDIDATES = st.lists(
    st.dictionaries(
        CANDIDATE,
        JSON | WORDS | st.dictionaries(st.just("parts"), PARTS),
        max_size=3,
    ),
    max_size=1,
)
CHUNKS = st.dictionaries(OUTER, JSON) | st.builds(
    lambda candidates, rest: {**rest, "candidates": candidates},
    CANDIDATES,
    st.dictionaries(OUTER, JSON, max_size=2),
)


@given(st.lists(CHUNKS | JSON, max_size=6))
def test_it_never_raises_whatever_the_vendor_sends(values: list[Any]) -> None:
    events_of_values(values, DIALECT)


@given(BYTES)
def test_any_bytes_end_with_exactly_one_terminal_event(pieces: list[bytes]) -> None:
    checked(list(parse_stream(pieces, DIALECT)))
