"""docs/frames.md, the frames and what is really sent are one thing."""

from __future__ import annotations

import inspect
import typing
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from django.conf import settings

from providers.events import (
    Event,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
)
from sessions_app import frames, frames_doc
from sessions_app.consumers import actions, chat
from sessions_app.runs.log.batches import Batch, encode, join_deltas, merge


def test_the_page_about_frames_is_up_to_date() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "frames.md").read_text()
    assert page.endswith(frames_doc.generated()), "run: manage.py frames --write"


def test_the_page_names_every_close_code_and_every_frame() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "frames.md").read_text()
    for code in (1008, 1009, 1011, 1013, 4401, 4403):
        assert f"| {code} |" in page
    for frame in typing.get_args(frames.ClientFrame | frames.ServerFrame):
        assert f"### `{frame.__struct_config__.tag}`" in page


def test_every_frame_of_a_client_is_handled() -> None:
    source = inspect.getsource(actions) + inspect.getsource(chat)
    for frame in typing.get_args(frames.ClientFrame):
        assert f"frames.{frame.__name__}" in source, frame


BATCH = [
    TextDelta(text='“ä”\n"quoted"', part=1),
    ToolCallReady(part=2, call_id="c", name="n", arguments={"a": [1, None]}),
]


def test_a_batch_frame_is_what_frames_py_says() -> None:
    batch = Batch(uuid4(), 3, 7, 8, encode(BATCH))
    read = msgspec.json.decode(batch.frame(), type=frames.Batch)
    assert (read.run_id, read.epoch, read.first, read.last) == (batch.run_id, 3, 7, 8)
    assert read.events == msgspec.to_builtins(BATCH)
    assert batch.decoded() == BATCH


@pytest.mark.parametrize(("seq", "left"), [(6, 2), (7, 1), (8, 0), (99, 0)])
def test_a_batch_is_cut_at_a_position(seq: int, left: int) -> None:
    rest = Batch(uuid4(), 1, 7, 8, encode(BATCH)).after(seq)
    assert (len(rest.decoded()) if rest else 0) == left
    if rest:
        assert rest.first == max(7, seq + 1)


def test_batches_in_a_row_become_one_row() -> None:
    run = uuid4()
    whole = merge(
        [Batch(run, 1, 1, 2, encode(BATCH)), Batch(run, 1, 3, 3, encode(BATCH[:1]))]
    )
    assert (whole.first, whole.last) == (1, 3)
    assert whole.decoded() == [*BATCH, BATCH[0]]


def test_pieces_of_one_part_are_joined_and_nothing_else() -> None:
    events: list[Event] = [
        TextDelta(text="a"),
        TextDelta(text="b"),
        TextDelta(text="c", part=1),
        ReasoningDelta(text="d", part=1),
        ToolCallDelta(text="{", part=2, call_id="x"),
        ToolCallDelta(text="}", part=2, call_id="x"),
        Finished(stop_reason="stop"),
    ]
    assert join_deltas(events) == [
        TextDelta(text="ab"),
        TextDelta(text="c", part=1),
        ReasoningDelta(text="d", part=1),
        ToolCallDelta(text="{}", part=2, call_id="x"),
        Finished(stop_reason="stop"),
    ]
    assert join_deltas([]) == []
