"""Asking through the socket: streaming, reloading, second pages, stopping."""

from __future__ import annotations

import asyncio
import random
import threading
import time
import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from providers.errors import ContextTooLong
from sessions_app.models import Message, Run
from sessions_app.runs.log import live, run_log
from tests.sessions_app.consumers.page import Page, answer_text
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import Script, ask, make_run, wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(transactional_db: None) -> User:
    user = make_user("alice")
    make_credential(owner=user, name="work")
    return user


@pytest.fixture
def bob(transactional_db: None) -> User:
    user = make_user("bob")
    make_credential(owner=user, name="bobs")
    return user


async def test_a_question_streams_its_answer(alice: User, script: Script) -> None:
    script.say("one ", "two ", "three", pace_s=0.05)
    async with Page(alice) as page:
        accepted = await page.ask(model="m", client_message_id="q1")
        run_id = accepted["run"]["id"]
        answer = await page.until_over(run_id)
        assert accepted["client_message_id"] == "q1"
        assert accepted["question"]["parts"] == [{"type": "text", "text": "Why?"}]
        assert page.text[run_id] == answer_text(answer) == "one two three"
        assert page.runs[run_id]["status"] == "done"
        kinds = [
            frame["type"] for frame in page.frames if frame["type"] != "conversation"
        ]
        assert kinds[1] == "accepted"
        assert kinds[-2:] == ["run", "message"]


async def test_a_refused_request_says_why_and_keeps_the_question(
    alice: User, script: Script
) -> None:
    script.refuse = ContextTooLong("The conversation is too long for this model.")
    async with Page(alice) as page:
        accepted = await page.ask(model="m")
        await page.until_over(accepted["run"]["id"])
        run = page.runs[accepted["run"]["id"]]
        assert run["status"] == "failed"
        assert run["error"]["kind"] == "ContextTooLong"
    assert await Message.objects.filter(role="user", text="Why?").acount() == 1


async def test_closing_the_tab_does_not_change_the_result(
    alice: User, script: Script
) -> None:
    words = [f"{n} " for n in range(60)]
    script.say(*words, pace_s=0.01)
    async with Page(alice) as page:
        accepted = await page.ask(model="m")
        await page.until("batch")
    await sync_to_async(wait_for_runs)()
    run = await Run.objects.select_related("answer").aget(pk=accepted["run"]["id"])
    assert run.status == "done"
    assert run.answer.text == "".join(words)
    async with Page(alice) as again:
        run_id = str(run.pk)
        await again.follow(
            run.conversation_id,
            positions=[{"run_id": run_id, "epoch": 0, "seq": 0}],
        )
        await again.until_over(run_id)
        assert again.text[run_id] == "".join(words)


async def test_reloading_at_random_points_gives_the_text_once_and_in_order(
    alice: User, script: Script
) -> None:
    words = [f"{n} " for n in range(150)]
    script.say(*words, pace_s=0.01)
    chance = random.Random(7)
    page = Page(alice)
    async with page:
        accepted = await page.ask(model="m")
    run_id = accepted["run"]["id"]
    for _ in range(12):
        kept = page
        page = Page(alice)
        page.text, page.position = kept.text, kept.position
        async with page:
            await page.follow(accepted["conversation"]["id"])
            until = time.monotonic() + chance.random() * 0.15
            while time.monotonic() < until and run_id not in page.answers:
                await page.next()
    async with page:
        await page.follow(
            accepted["conversation"]["id"],
            positions=[
                {"run_id": run_id, "epoch": e, "seq": s}
                for e, s in [page.position.get(run_id, (0, 0))]
            ],
        )
        answer = await page.until_over(run_id)
    assert page.text[run_id] == answer_text(answer) == "".join(words)


async def test_a_second_page_sees_the_same_as_the_first(
    alice: User, script: Script
) -> None:
    script.gate = threading.Event()
    script.say("hello ", "world", pace_s=0.05)
    async with Page(alice) as first, Page(alice) as second:
        accepted = await first.ask(model="m")
        conversation_id = accepted["conversation"]["id"]
        await second.follow(conversation_id)
        await second.until("run")
        script.gate.set()
        run_id = accepted["run"]["id"]
        await asyncio.gather(first.until_over(run_id), second.until_over(run_id))
        assert first.text[run_id] == second.text[run_id] == "hello world"
        # A question asked on one page appears on the other, with its answer.
        other = await first.ask(model="m", conversation_id=conversation_id)
        seen = await second.until("accepted")
        assert seen["question"]["id"] == other["question"]["id"]
        await second.until_over(other["run"]["id"])
        assert second.text[other["run"]["id"]] == "hello world"


async def test_a_question_asked_elsewhere_shows_in_the_list(
    alice: User, script: Script
) -> None:
    script.say("ok")
    async with Page(alice) as page:
        await sync_to_async(ask)(alice, text="Asked by a command")
        news = await page.until("conversation")
        assert news["conversation"]["title"] == "Asked by a command"


async def test_resending_creates_one_turn(alice: User, script: Script) -> None:
    script.say("ok")
    async with Page(alice) as page:
        first = await page.ask(model="m", client_message_id="same")
        await page.until_over(first["run"]["id"])
    async with Page(alice) as page:
        second = await page.ask(model="m", client_message_id="same")
        assert second["again"] is True
        assert second["run"]["id"] == first["run"]["id"]
        await page.until_over(first["run"]["id"])
        assert page.text[first["run"]["id"]] == "ok"
    assert len(script.requests) == 1


async def test_stop_ends_what_is_visible_within_half_a_second(
    alice: User, script: Script
) -> None:
    script.say(*["word "] * 1000, pace_s=0.01)
    async with Page(alice) as page:
        accepted = await page.ask(model="m")
        while not page.text:
            await page.next()
        await page.say(type="stop", run_id=accepted["run"]["id"])
        asked_at = last_at = time.monotonic()
        while accepted["run"]["id"] not in page.answers:
            if (await page.next())["type"] == "batch":
                last_at = time.monotonic()
        assert last_at - asked_at < 0.5
        assert script.closed_at is not None and script.closed_at - asked_at < 1
        assert page.runs[accepted["run"]["id"]]["status"] == "stopped"
        shown = page.text[accepted["run"]["id"]]
        assert answer_text(page.answers[accepted["run"]["id"]]) == shown


async def test_regenerate_and_edit_answer_on_the_socket(
    alice: User, script: Script
) -> None:
    script.say("ok")
    async with Page(alice) as page:
        first = await page.ask(model="m")
        await page.until_over(first["run"]["id"])
        await page.say(
            type="regenerate",
            client_message_id="r",
            message_id=first["answer"]["id"],
            reasoning_effort="low",
        )
        other = await page.until("accepted")
        await page.until_over(other["run"]["id"])
        assert other["answer"]["parent_id"] == first["question"]["id"]
        efforts = [one["run"]["reasoning_effort"] for one in (first, other)]
        assert efforts == ["", "low"]
        await page.say(
            type="edit",
            client_message_id="e",
            message_id=first["question"]["id"],
            text="And why?",
        )
        edited = await page.until("accepted")
        await page.until_over(edited["run"]["id"])
        assert edited["question"]["parts"][0]["text"] == "And why?"
    assert script.requests[1]["reasoning"].effort == "low"


async def test_a_reader_that_had_seen_more_than_was_stored_is_told_where_to_cut(
    alice: User,
) -> None:
    run = await sync_to_async(make_run)(
        alice, status="interrupted", epoch=1, seq=2, cause="The server stopped."
    )
    async with Page(alice) as page:
        await page.follow(
            run.conversation_id,
            positions=[{"run_id": run.pk, "epoch": 1, "seq": 9}],
        )
        rewind = await page.until("rewind")
        assert (rewind["epoch"], rewind["seq"]) == (1, 0)
        await page.until_over(str(run.pk))


async def test_following_again_begins_again_where_the_client_says(
    alice: User, script: Script
) -> None:
    script.say_and_hang("one ", "two ", "three")
    async with Page(alice) as page:
        accepted = await page.ask(model="m")
        run_id = accepted["run"]["id"]
        while page.text.get(run_id) != "one two three":
            await page.next()
        page.text[run_id], page.position[run_id] = "one ", (1, 1)
        await page.follow(accepted["conversation"]["id"])
        while page.text[run_id] != "one two three":
            await page.next()
        # Without a position for it, it goes on: nothing is sent twice.
        await page.follow(accepted["conversation"]["id"], positions=[])
        await page.say(type="stop", run_id=run_id)
        answer = await page.until_over(run_id)
        assert page.text[run_id] == answer_text(answer) == "one two three"


async def test_a_burst_arrives_whole_even_when_memory_is_short(
    alice: User, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "MEMORY_CHARS", 500)
    words = [f"{n} " for n in range(5000)]
    script.say(*words)
    async with Page(alice) as page, Page(alice) as late:
        accepted = await page.ask(model="m")
        await late.follow(accepted["conversation"]["id"])
        run_id = accepted["run"]["id"]
        answer = await page.until_over(run_id)
        assert page.text[run_id] == answer_text(answer) == "".join(words)
    assert not live.everything()


def foreign_frames(run: Run, credential_id: Any) -> list[dict[str, Any]]:
    """One frame of each type that names something, all of it somebody else's."""
    common = {"client_message_id": uuid.uuid4().hex, "model": "m"}
    return [
        {"type": "follow", "conversation_id": run.conversation_id},
        {
            "type": "send",
            "text": "x",
            "conversation_id": run.conversation_id,
            **common,
        },
        {"type": "send", "text": "x", "credential_id": credential_id, **common},
        {"type": "regenerate", "message_id": run.answer_id, **common},
        {"type": "edit", "message_id": run.question_id, "text": "x", **common},
        {"type": "stop", "run_id": run.pk},
    ]


async def test_bob_gets_nothing_of_alices_by_any_frame(
    alice: User, bob: User, script: Script
) -> None:
    script.say_and_hang("Alice's secret")
    started = await sync_to_async(ask)(alice)
    async with Page(bob) as page:
        for frame in foreign_frames(started.run, started.run.credential_id):
            await page.say(**frame)
            refused = await page.until("error")
            assert refused["code"] == "not_found", frame
        # Saying nothing about them is all that these two ever do.
        await page.say(type="ack", run_id=started.run.pk, epoch=1, seq=1)
        await page.say(type="unfollow", conversation_id=started.conversation.pk)
        # Positions of a foreign run inside an own conversation give nothing either.
        own = await sync_to_async(make_run)(bob, status="done")
        await page.follow(
            own.conversation_id,
            positions=[{"run_id": started.run.pk, "epoch": 0, "seq": 0}],
        )
        assert await page.nothing(0.3)
        assert "secret" not in repr(page.frames)
    live.everything()[0].stop("test")
    await sync_to_async(wait_for_runs)()
    assert await Run.objects.filter(conversation__owner=bob).acount() == 1


async def test_what_is_refused_says_what_to_do(alice: User, script: Script) -> None:
    async with Page(alice) as page:
        await page.say(type="send", client_message_id="a", text="  ", model="m")
        refused = await page.until("error")
        assert refused["code"] == "refused"
        assert refused["client_message_id"] == "a"
        assert "Type a question" in refused["message"]
        await page.say(type="send", client_message_id="b", text="x" * 400_001)
        refused = await page.until("error")
        assert refused["code"] == "too_large"
        assert "Shorten it" in refused["message"]
    assert not await Message.objects.aexists()
