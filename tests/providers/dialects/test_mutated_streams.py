"""F3: real streams with bytes lost, doubled and put in, values that are others, cut
anywhere.

Hypothesis changes them, and makes what it finds small. In `tests/security` thousands more
are made by chance alone. `MAESTRO_PROOF_RUNS` asks for 5,000 cases in each dialect.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.streaming import parse_stream
from tests.emulator import EmulatorProcess
from tests.providers.dialects.anything import checked
from tests.providers.emulator import raw

CASES = 5_000 if os.environ.get("MAESTRO_PROOF_RUNS") else 150
TEXT = "One two three four five six seven eight nine ten, and then it was over."
CALL = {"name": "look", "arguments": {"what": "x", "deep": [1, {"y": "é"}]}}

PLACES = st.floats(0, 1, exclude_max=True)  # in a stream of whatever length
ODD = st.sampled_from(
    [
        b"\n\n",
        b"data: ",
        b"data: [DONE]\n\n",
        b"data: null\n\n",
        b"data: []\n\n",
        b'data: "x"\n\n',
        b"data: -1e999\n\n",
        b'data: {"type":1}\n\n',
        b"event: error\n",
        b"id: \0\n",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\\u0000",
        b"\\ud800",
        b'"',
        b"}",
    ]
)
VALUE = re.compile(rb'(?<=:)\s*(?:"(?:[^"\\]|\\.)*"|[-\w.+]+|\{\}|\[\])')
VALUES = st.sampled_from(
    [b"null", b"[]", b"{}", b"[null]", b'{"a":{}}', b'""', b'"x"', b"0", b"-1", b"9e99",
     b"true"]
)  # fmt: skip


class Change(NamedTuple):
    """From a place on: so many bytes go, so many are said twice, these are put in."""

    place: float
    lost: int
    doubled: int
    put_in: bytes


class Other(NamedTuple):
    """At a place, another value for a name."""

    place: float
    value: bytes


CHANGES = st.builds(Other, PLACES, VALUES) | st.builds(
    Change,
    PLACES,
    st.just(0) | st.integers(0, 30),
    st.just(0) | st.integers(0, 200),
    ODD | st.binary(max_size=4),
)


def changed(body: bytes, changes: list[Change | Other]) -> bytes:
    for change in changes:
        if isinstance(change, Other):
            values = [found.span() for found in VALUE.finditer(body)] or [(0, 0)]
            start, end = values[int(change.place * len(values))]
            body = body[:start] + change.value + body[end:]
            continue
        at = int(change.place * len(body))
        rest = body[at + change.lost :]
        body = body[:at] + change.put_in + rest[: change.doubled] + rest
    return body


def cut(body: bytes, places: list[float]) -> list[bytes]:
    ends = sorted(int(place * len(body)) for place in places)
    return [body[a:b] for a, b in pairwise([0, *ends, len(body)])]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dialect", raw.GOOD)
def test_a_changed_stream_ends_once_and_means_the_same_wherever_it_is_cut(
    emulator: EmulatorProcess, dialect: str
) -> None:
    emulator.script(text=TEXT, reasoning="Let me see.")
    emulator.script(text="Let me look.", calls=[CALL])
    bodies = [raw.ask(emulator, dialect).body for _ in range(2)]
    assert all(bodies)

    @settings(max_examples=CASES, deadline=None)
    @given(
        st.sampled_from(bodies),
        st.lists(CHANGES, min_size=1, max_size=5),
        st.lists(PLACES, max_size=6),
    )
    def holds(body: bytes, changes: list[Change | Other], places: list[float]) -> None:
        body = changed(body, changes)
        whole = checked(list(parse_stream([body], dialect)))
        assert list(parse_stream(cut(body, places), dialect)) == whole

    holds()
