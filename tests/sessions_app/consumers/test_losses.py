"""The channel layer may lose what it likes: the text on the page is the same (S-66)."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import User

from maestro import doorbell
from maestro.doorbell import Doorbell
from providers import http
from sessions_app.consumers import chat
from sessions_app.runs import notices
from sessions_app.runs.log import live, run_log
from tests.emulator import EmulatorProcess
from tests.sessions_app.consumers.page import Page, answer_text
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import Script, ask

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(transactional_db: None) -> User:
    user = make_user("alice")
    make_credential(owner=user, name="work")
    return user


@pytest.fixture
async def runner(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Doorbell]:
    """The doorbell of "another process", which runs the runs; ours only listens.

    Between them is a layer of capacity 10, and our process knows no run's memory.
    """
    layer = InMemoryChannelLayer(capacity=10)
    theirs, ours = Doorbell(lambda: layer), Doorbell(lambda: layer)
    for bell in (theirs, ours):
        bell.attach(asyncio.get_running_loop())
    for name in ("attach", "listen", "unlisten"):
        monkeypatch.setattr(doorbell, name, getattr(ours, name))
    monkeypatch.setattr(doorbell, "ring", theirs.ring)
    monkeypatch.setattr("sessions_app.runs.log.tail.live.find", lambda run_id: None)
    assert run_log.doorbell is notices.doorbell is doorbell
    yield theirs
    for bell in (theirs, ours):
        for task in bell._post._receiving if bell._post else []:
            task.cancel()


async def test_a_burst_of_5000_deltas_through_a_layer_of_10_is_identical(
    alice: User, script: Script, runner: Doorbell
) -> None:
    words = [f"{n} " for n in range(5000)]
    script.gate = threading.Event()
    script.say(*words)
    async with Page(alice) as page:
        accepted = await page.ask(model="m")
        run_id = accepted["run"]["id"]
        script.gate.set()
        answer = await page.until_over(run_id)
        assert page.text[run_id] == answer_text(answer) == "".join(words)


async def test_a_burst_of_5000_deltas_travels_in_few_frames(
    alice: User, emulator: EmulatorProcess
) -> None:
    """R-9: from a real vendor, as fast as it can, to one socket."""
    words = [f"{n} " for n in range(5000)]
    emulator.script(text="".join(words).strip())
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    try:
        async with Page(alice) as page:
            accepted = await page.ask(model="gpt-6.1-terra")
            run_id = accepted["run"]["id"]
            answer = await page.until_over(run_id, timeout_s=60)
    finally:
        http.configure(before)
    assert page.text[run_id] == answer_text(answer) == "".join(words).strip()
    batches = [frame for frame in page.frames if frame["type"] == "batch"]
    assert emulator.streams()[-1]["said"] >= 5000
    assert len(batches) < 500


async def test_a_page_that_is_offline_a_hundred_times_shows_the_text_once(
    alice: User, script: Script
) -> None:
    """F34: gone without a word at random points, back with what it has, over sockets."""
    words = [f"{n} " for n in range(1500)]
    script.say(*words, pace_s=0.005)
    chance = random.Random(34)
    page, silent = Page(alice), []
    await page.__aenter__()
    accepted = await page.ask(model="m")
    run_id = accepted["run"]["id"]
    for number in range(100):
        until = time.monotonic() + chance.random() * 0.05
        while time.monotonic() < until and run_id not in page.answers:
            if await page.nothing(0.005):
                continue
            await page.next()
        kept = page
        page = Page(alice)
        page.text, page.position = kept.text, kept.position
        if number % 2:
            await kept.leave()
        else:
            silent.append(kept)  # the server does not hear that it went
        await page.__aenter__()
        await page.follow(accepted["conversation"]["id"])
    answer = await page.until_over(run_id)
    assert page.text[run_id] == answer_text(answer) == "".join(words)
    for one in (*silent, page):
        await one.leave()


async def test_even_a_layer_that_loses_everything_only_costs_time(
    alice: User,
    script: Script,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doorbell, "ring", lambda group, message: None)
    monkeypatch.setattr(chat, "CHECK_EVERY_S", 0.1)
    words = [f"{n} " for n in range(50)]
    script.say(*words, pace_s=0.02)
    async with Page(alice) as page:
        accepted = await page.ask(model="m")
        answer = await page.until_over(accepted["run"]["id"])
        assert page.text[accepted["run"]["id"]] == answer_text(answer) == "".join(words)


async def test_every_third_message_lost_is_identical(
    alice: User, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, count = doorbell.ring, iter(range(10**9))

    def lossy(group: str, message: dict[str, Any]) -> None:
        if next(count) % 3:
            ring(group, message)

    monkeypatch.setattr(doorbell, "ring", lossy)
    monkeypatch.setattr(chat, "CHECK_EVERY_S", 0.2)
    words = [f"{n} " for n in range(100)]
    script.say(*words, pace_s=0.005)
    async with Page(alice) as page:
        started = await sync_to_async(ask)(alice)
        await page.follow(started.conversation.pk)
        await page.until_over(str(started.run.pk))
        assert page.text[str(started.run.pk)] == "".join(words)
    assert not live.everything()
