"""What a vendor might send some day: JSON of any shape, for property tests."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from providers.events import TERMINAL, Event
from providers.streaming import parse_stream

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside),
    max_leaves=8,
)
BYTES = st.lists(st.binary(max_size=60) | st.just(b"data: {}\n\n"), max_size=10)


def events_of_values(values: list[Any], dialect: str) -> list[Event]:
    """The events of JSON values, one SSE event each; checks that the grammar holds."""
    body = "".join(f"data: {json.dumps(value)}\n\n" for value in values).encode()
    return checked(list(parse_stream([body], dialect)))


def checked(events: list[Event]) -> list[Event]:
    """The same events, once it is sure that exactly one ends them and all can be kept."""
    assert [isinstance(e, TERMINAL) for e in events].index(True) == len(events) - 1
    msgspec.json.encode(events)
    return events
