"""One socket's view of a run that another process answers: the log, then the live batches."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from sessions_app.consumers import reader as module
from sessions_app.consumers.limits import Credit
from sessions_app.consumers.reader import RunReader
from sessions_app.runs.log import tail
from sessions_app.runs.log.batches import Batch

RUN = uuid4()


class Out:
    """A socket that writes down what it was given."""

    def __init__(self) -> None:
        self.credit = Credit()
        self.sent: list[str] = []

    def put(self, text: str) -> None:
        self.sent.append(text)

    def spawn(self, work: Any) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work)

    def credit_is_used_up(self) -> None: ...


def batch(first: int, last: int) -> Batch:
    return Batch(RUN, 1, first, last, "[" + ",".join(["{}"] * (last - first + 1)) + "]")


def rung(first: int, last: int) -> dict[str, Any]:
    frame = batch(first, last).frame()
    return {"epoch": 1, "first": first, "last": last, "frame": frame}


class Log:
    """The stored log: what each look finds."""

    def __init__(self, *looks: list[Batch]) -> None:
        self.looks = list(looks)
        self.count = 0

    async def __call__(self, call: Any, run_id: Any, position: Any) -> tail.Tail:
        await asyncio.sleep(0.01)
        self.count += 1
        return tail.Tail(list(self.looks.pop(0)) if self.looks else [], is_whole=True)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    found = Log()
    monkeypatch.setattr(module, "in_db", found)
    monkeypatch.setattr(module, "RETRY_S", 0.02)
    return found


async def settled(one: RunReader) -> None:
    async with asyncio.timeout(5):
        while one._looking is not None:
            await asyncio.sleep(0.005)


async def test_batches_that_are_rung_while_it_looks_follow_what_the_log_had(
    log: Log,
) -> None:
    log.looks = [[], [batch(1, 2)]]
    out = Out()
    one = RunReader(RUN, uuid4(), out, (0, 0), lambda _: None)
    one.on_batch(rung(3, 4))  # the first it hears of: a gap
    one.on_batch(rung(5, 5))
    await settled(one)
    assert out.sent == [batch(1, 2).frame(), batch(3, 4).frame(), batch(5, 5).frame()]
    one.on_batch(rung(6, 9))
    assert out.sent[-1] == batch(6, 9).frame(), "and from then on it is live"
    assert log.count == 2


async def test_what_the_log_had_already_is_not_sent_again(log: Log) -> None:
    log.looks = [[batch(1, 4)]]
    out = Out()
    one = RunReader(RUN, uuid4(), out, (0, 0), lambda _: None)
    one.on_batch(rung(3, 4))
    one.on_batch(rung(5, 6))
    await settled(one)
    assert out.sent == [batch(1, 4).frame(), batch(5, 6).frame()]


async def test_a_gap_among_the_kept_ones_is_looked_up_too(log: Log) -> None:
    log.looks = [[batch(1, 2)], [batch(3, 6)]]
    out = Out()
    one = RunReader(RUN, uuid4(), out, (0, 0), lambda _: None)
    one.on_batch(rung(2, 2))
    one.on_batch(rung(5, 6))  # 3 and 4 were lost on the way
    await settled(one)
    assert out.sent == [batch(1, 2).frame(), batch(3, 6).frame()]
    assert one.position == (1, 6)
