"""Garbage, floods and readers that do not read: an answer in words, or a close code."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from django.contrib.auth.models import User

from maestro import doorbell
from providers.events import Finished, TextDelta
from sessions_app.consumers import limits
from sessions_app.consumers import socket as socket_module
from sessions_app.consumers.limits import Allowance, Credit, TokenBucket
from tests.sessions_app.consumers.page import Page, answer_text
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import Script

pytestmark = pytest.mark.django_db(transaction=True)

GARBAGE = [
    "",
    " ",
    "{",
    "null",
    "[]",
    "1e999",
    '"hello"',
    "{}",
    '{"type": null}',
    '{"type": 7}',
    '{"type": "no_such"}',
    '{"type": "batch"}',
    '{"type": "stop"}',
    '{"type": "stop", "run_id": "not-a-uuid"}',
    '{"type": "stop", "run_id": 7}',
    '{"type": "send"}',
    '{"type": "send", "client_message_id": 1, "text": "x"}',
    '{"type": "send", "client_message_id": "a", "text": {"x": 1}}',
    '{"type": "follow", "conversation_id": ["x"]}',
    '{"type": "ack", "run_id": null, "epoch": -1, "seq": "x"}',
    "[" * 5000,
    '{"type": "ping", "type": "stop"}',
    "\x00\x01\x02",
    "\ud7ff\U0010ffff",
]


@pytest.fixture
def alice(transactional_db: None) -> User:
    user = make_user("alice")
    make_credential(owner=user, name="work")
    return user


@pytest.mark.parametrize("text", GARBAGE[1:])
async def test_garbage_is_named_and_the_socket_lives(alice: User, text: str) -> None:
    async with Page(alice) as page:
        await page.socket.send_to(text_data=text)
        refused = await page.next()
        assert (refused["type"], refused["code"]) == ("error", "bad_frame")
        assert "Traceback" not in refused["message"]
        await page.say(type="ping")
        assert (await page.next())["type"] == "pong"


async def test_an_unknown_field_is_named(alice: User) -> None:
    async with Page(alice) as page:
        await page.say(type="ping", colour="blue")
        assert "`colour`" in (await page.next())["message"]


async def test_binary_is_refused_in_words(alice: User) -> None:
    async with Page(alice) as page:
        await page.socket.send_to(bytes_data=b"\xff\xfe")
        assert "binary" in (await page.next())["message"]


async def test_mutated_frames_never_break_the_socket(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MESSAGES_BURST", 1e9)
    chance = random.Random(11)
    valid = json.dumps(
        {"type": "follow", "conversation_id": "0" * 32, "positions": [{"run_id": 1}]}
    )
    async with Page(alice) as page:
        for _ in range(10_000):
            letters = list(valid)
            for _ in range(chance.randint(1, 6)):
                at = chance.randrange(len(letters))
                letters[at] = chance.choice('{}[]":,0a\\\u2028\x07')
            await page.socket.send_to(text_data="".join(letters))
            assert (await page.next())["type"] == "error"
        await page.say(type="ping")
        assert (await page.next())["type"] == "pong"


async def test_a_frame_that_is_too_large_closes_the_socket(alice: User) -> None:
    async with Page(alice) as page:
        await page.say(type="send", client_message_id="a", text="x" * 1_000_001)
        with pytest.raises(ConnectionError):
            await page.next()
        assert page.closed == 1009


async def test_a_flood_closes_the_socket(alice: User) -> None:
    async with Page(alice) as page:
        for _ in range(200):
            await page.say(type="ping")
        with pytest.raises(ConnectionError):
            while True:
                await page.next()
        assert page.closed == 1008


def test_the_rate_is_twenty_a_second_and_sixty_at_once() -> None:
    now = [0.0]
    allowance = Allowance(clock=lambda: now[0])
    assert sum(allowance.take(10) for _ in range(100)) == 60
    now[0] = 1.0
    assert sum(allowance.take(10) for _ in range(100)) == 20


def test_bytes_are_limited_too() -> None:
    now = [0.0]
    bucket = TokenBucket(256 * 1024, 2_000_000, clock=lambda: now[0])
    assert bucket.take(1_000_000) and bucket.take(1_000_000)
    assert not bucket.take(1_000_000)
    now[0] = 4.0
    assert bucket.take(1_000_000)


def test_pages_of_one_person_share_an_allowance() -> None:
    first, second = limits.allowance_of_person(7), limits.allowance_of_person(7)
    assert first is second
    assert limits.allowance_of_person(8) is not first


def test_credit_is_used_up_and_comes_back_with_acks() -> None:
    credit = Credit(limit=100)
    credit.spend("a", 1, 5, 60)
    assert not credit.is_used_up
    credit.spend("b", 1, 9, 60)
    assert credit.is_used_up
    assert not credit.regain("a", 1, 4)
    assert credit.regain("b", 1, 9) is False  # 60 left, more than half
    assert credit.regain("a", 1, 5) is True
    assert not credit.is_used_up


def big_script(script: Script, count: int) -> str:
    texts = [f"{n:04}".ljust(50_000, ".") for n in range(count)]
    script.batches = [
        *([TextDelta(text=text)] for text in texts),
        [Finished(stop_reason="stop")],
    ]
    return "".join(texts)


async def test_a_page_that_does_not_read_is_sent_a_megabyte_and_no_more(
    alice: User, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "CREDIT_PATIENCE_S", 1.0)
    big_script(script, 60)
    received = 0
    async with Page(alice, acks=False) as page:
        await page.ask(model="m")
        with pytest.raises(ConnectionError):
            while True:
                frame = await page.next()
                received += len(json.dumps(frame))
        assert page.closed == 1013
    assert received < 1.3 * 1024 * 1024


async def test_a_page_that_acknowledges_late_gets_everything_from_the_log(
    alice: User, script: Script
) -> None:
    whole = big_script(script, 60)
    async with Page(alice, acks=False) as page:
        accepted = await page.ask(model="m")
        run_id = accepted["run"]["id"]
        while run_id not in page.answers:
            if await page.nothing(0.1):
                epoch, seq = page.position.get(run_id, (0, 0))
                await page.say(type="ack", run_id=run_id, epoch=epoch, seq=seq)
            else:
                await page.next()
        assert page.text[run_id] == answer_text(page.answers[run_id]) == whole


async def test_sockets_that_come_and_go_leave_nothing_behind(alice: User) -> None:
    async with Page(alice):  # the first one opens the way to other processes
        pass
    await asyncio.sleep(0.1)
    tasks = len(asyncio.all_tasks())
    for _ in range(30):
        async with Page(alice):
            pass
    await asyncio.sleep(0.1)
    assert not doorbell._doorbell._listeners
    assert len(asyncio.all_tasks()) <= tasks + 1
