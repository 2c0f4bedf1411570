"""A run belongs to nobody's web process: begun in one, it is everything else in another."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.emulator import EmulatorProcess
from tests.faults.refreshing import note
from tests.faults.world import Page, Seen, until
from tests.scale.installation import Door, Installation

# The first of them starts the installation: four processes and two servers.
pytestmark = pytest.mark.timeout(300)

MODEL = "gpt-6.1-terra"


def follow(page: Page, other: Seen) -> Seen:
    """Open the conversation of another page's answer, as a second browser does."""
    seen = page.seen[other.question] = Seen(
        other.question, run_id=other.run_id, conversation_id=other.conversation_id
    )
    page._by_run[other.run_id] = seen
    page.say(
        {
            "type": "follow",
            "conversation_id": other.conversation_id,
            "positions": [{"run_id": other.run_id, "epoch": 0, "seq": 0}],
        }
    )
    return seen


def words(count: int) -> str:
    return " ".join(f"w{at}" for at in range(count))


def test_an_answer_of_one_process_is_followed_live_in_the_other(
    vendor: EmulatorProcess, page_here: Page, page_there: Page, there: Door
) -> None:
    text = words(160)
    vendor.script(text=text, match="follow me")
    asked = page_here.ask("follow me", model=MODEL)
    until(lambda: asked.text, "it begins")
    seen = follow(page_there, asked)
    until(lambda: len(seen.text) > 100, "the other page draws", there.output)
    # Live: not read from the log every now and then.
    gaps, before, moved_at = [], seen.text, time.monotonic()
    while not asked.is_over:
        if seen.text != before:
            gaps.append(time.monotonic() - moved_at)
            before, moved_at = seen.text, time.monotonic()
        time.sleep(0.005)
    until(lambda: seen.final is not None and asked.final is not None, "both end")
    assert seen.text == asked.text == seen.final == asked.final == text
    # A look in the log every quarter of a second would make sixteen steps of it.
    assert len(gaps) > 20, "batches as they come"
    note(f"longest pause of the other page: {max(gaps):.2f} s")


def test_a_person_s_pages_hear_of_a_conversation_begun_elsewhere(
    vendor: EmulatorProcess, page_here: Page, page_there: Page
) -> None:
    heard: list[dict[str, Any]] = []
    take = page_there._take
    page_there._take = lambda frame: (heard.append(frame), take(frame))[1]  # type: ignore[method-assign]
    vendor.script(text="Hello.", match="listed")
    asked = page_here.ask("listed", model=MODEL)
    until(
        lambda: any(
            frame["type"] == "conversation"
            and frame["conversation"]["id"] == asked.conversation_id
            for frame in heard
        ),
        "the list of the other page knows it",
    )
    until(lambda: asked.is_over, "it ends")


def test_it_is_stopped_from_the_other_process(
    vendor: EmulatorProcess, page_here: Page, page_there: Page, there: Door
) -> None:
    vendor.script(text=words(2000), match="stop me")
    asked = page_here.ask("stop me", model=MODEL)
    until(lambda: asked.text, "it begins")
    seen = follow(page_there, asked)
    page_there.say({"type": "stop", "run_id": asked.run_id})
    took = until(lambda: asked.is_over and seen.is_over, "it ends", there.output)
    note(f"stopped from elsewhere after {took:.2f} s")
    until(lambda: seen.final is not None and asked.final is not None, "both are told")
    assert asked.status == seen.status == "stopped"
    assert seen.final == asked.final == there.stored(asked)["text"]
    assert (asked.final or "").startswith("w0 w1")
    until(
        lambda: all(s["how"] != "open" for s in vendor.streams()),
        "the vendor is let go",
    )


def test_a_tool_call_is_approved_in_the_other_process_and_the_answer_goes_on(
    vendor: EmulatorProcess, page_here: Page, page_there: Page, there: Door
) -> None:
    intent = {"purpose": "user_request", "scope": "The plan.", "risk_level": "high"}
    arguments = {"intent": intent, "title": "Plan", "text": "The roof."}
    calls = [{"name": "context_add", "arguments": arguments}]
    vendor.script(calls=calls, match="approve me")
    asked = page_here.ask("approve me", model=MODEL, tools=True)
    until(lambda: asked.status == "waiting", "it waits", there.output)
    seen = follow(page_there, asked)
    vendor.script(text="It is noted.", match="approve me")
    (key,) = asked.intents
    page_there.say({"type": "decide", "intent_id": key, "approve": True})
    until(lambda: asked.final and seen.final, "both pages see the end", there.output)
    assert asked.final == seen.final == "It is noted."
    listed = there.get(f"/api/runs/{asked.run_id}/intents/").json()["intents"]
    assert [found["state"] for found in listed] == ["done"]


def test_a_broken_answer_is_resumed_by_the_other_process(
    installation: Installation,
    vendor: EmulatorProcess,
    page_here: Page,
    page_there: Page,
    there: Door,
) -> None:
    intent = {"purpose": "user_request", "scope": "The plan.", "risk_level": "high"}
    arguments = {"intent": intent, "title": "Plan", "text": "The walls."}
    calls = [{"name": "context_add", "arguments": arguments}]
    vendor.script(calls=calls, match="resume me")
    asked = page_here.ask("resume me", model=MODEL, tools=True)
    until(lambda: asked.status == "waiting", "it waits", there.output)
    vendor.script(pieces=[{"text": "It is "}, {"error": "overloaded"}], match="resume")
    (key,) = asked.intents
    page_here.say({"type": "decide", "intent_id": key, "approve": True})
    until(lambda: asked.status == "failed", "it breaks off", there.output)
    seen = follow(page_there, asked)
    vendor.script(text="It is noted again.", match="resume me")
    page_there.say({"type": "continue", "run_id": asked.run_id})
    whole = "It is noted again."
    until(lambda: seen.final == whole, "the page that asked sees it", there.output)
    until(lambda: asked.final == whole, "so does the other", there.output)
    assert there.stored(asked)["text"] == whole
    rows = installation.sql("SELECT DISTINCT worker FROM sessions_app_run")
    assert rows == [("",)], "nobody says to be at work"


def test_a_second_question_waits_its_turn_across_processes(
    vendor: EmulatorProcess, page_here: Page, page_there: Page, there: Door
) -> None:
    vendor.script(text=words(60), match="first question")
    vendor.script(text="Second.", match="second question")
    first = page_here.ask("first question", model=MODEL)
    second = page_there.ask(
        "second question", model=MODEL, conversation_id=first.conversation_id
    )
    until(lambda: first.final and second.final, "both end", there.output)
    assert (first.final, second.final) == (words(60), "Second.")


def test_both_say_that_they_are_ready_and_count_together(
    installation: Installation, vendor: EmulatorProcess, page_here: Page, here: Door
) -> None:
    """Whichever process a monitor meets, the numbers are those of all of them."""
    for door in installation.doors:
        answer = door.get("/readyz")
        assert answer.status_code == 200, answer.text + door.output()
        assert set(answer.json()["parts"].values()) == {"ok"}
    vendor.script(text="Counted.", match="count me")
    asked = page_here.ask("count me", model=MODEL)
    until(lambda: asked.is_over, "it ends")
    query = "SELECT count(*) FROM sessions_app_run WHERE status = 'done'"
    ((done,),) = installation.sql(query)
    for door in (*installation.doors, *installation.doors):
        until(lambda door=door: runs_done(door) == done, "counted", here.output)
    assert 'maestro_processes{role="web"} 2.0' in metrics(here)
    assert 'maestro_processes{role="worker"} 2.0' in metrics(here)


def metrics(door: Door) -> str:
    """What a monitor reads."""
    answer = door.get("/metrics", headers={"Authorization": "Bearer metrics-token"})
    assert answer.status_code == 200, answer.text
    return answer.text


def runs_done(door: Door) -> float:
    for line in metrics(door).splitlines():
        if line.startswith('maestro_runs_total{provider="openai",status="done"}'):
            return float(line.rpartition(" ")[2])
    return 0.0
