"""R-16: SIGTERM in the middle of everything: told, stored or handed over, and gone in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.emulator import EmulatorProcess
from tests.faults.refreshing import note
from tests.faults.world import Page, World, a_page, until

WITHIN_S = 10.0
STREAMS = 20
MODEL = "gpt-6.1-terra"


@pytest.fixture(scope="module")
def vendor() -> Iterator[EmulatorProcess]:
    process = EmulatorProcess("--pace", 30)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def world(vendor: EmulatorProcess, workspace: Path) -> Iterator[World]:
    found = World(
        vendor,
        MAESTRO_WORKSPACE=str(workspace),
        MAESTRO_SHELL_WITHOUT_SANDBOX="true",
        MAESTRO_LOGIN_LISTENER="false",
    )
    yield found
    found.close()


@pytest.fixture
def page(world: World) -> Iterator[Page]:
    world.vendor.reset()
    with a_page(world) as found:
        yield found


def stop(world: World) -> float:
    """SIGTERM; how long it took until nothing was left, in seconds."""
    family = [p.pid for p in world.family()]
    started = time.monotonic()
    assert world.stop() == 0, world.output()
    until(lambda: not any(map(psutil.pid_exists, family)), "all are gone")
    took = time.monotonic() - started
    assert took < WITHIN_S
    return took


def test_twenty_streams_are_stored_and_say_so_after_the_restart(
    world: World, page: Page
) -> None:
    text = " ".join(f"w{at}" for at in range(900))
    for number in range(STREAMS):
        world.vendor.script(text=text, match=f"stream {number}.")
    asked = [page.ask(f"stream {n}.", model=MODEL) for n in range(STREAMS)]
    until(lambda: all(s.text for s in asked), "all begin", world.output)
    seen = [len(s.text.split()) for s in asked]
    note(f"R-16: 20 streams, stopped in {stop(world):.1f} s")
    until(lambda: page.closes, "the page is told")
    assert page.closes[-1] in (1001, 1012), page.closes
    world.start()
    until(lambda: all(s.final is not None for s in asked), "all told", world.output)
    for before, one in zip(seen, asked, strict=True):
        run = world.run(one)
        assert run["status"] == "interrupted"
        assert text.startswith(run["text"])
        assert len(run["text"].split()) >= before - 1
        assert world.calls(one.question) == 1


def test_a_flooder_is_told_why_it_was_closed(world: World, page: Page) -> None:
    """S-62, by a real client: the code must be on the wire, not only in the consumer."""
    with suppress(ConnectionClosed):
        for _ in range(500):
            page.say({"type": "ping"})
    until(lambda: page.closes, "it is closed")
    assert page.closes[0] == 1008


def test_what_rests_or_waits_goes_on_after_the_restart(
    world: World, page: Page
) -> None:
    """A run between two attempts, one whose vendor is silent, one in the queue, one that
    waits for a person: nothing of them was shown, so nothing is lost or repeated."""
    world.vendor.fault("status", status=503, retry_after_s=30, times=1)
    resting = page.ask("resting one", model=MODEL)
    until(lambda: resting.status == "retrying", "it rests", world.output)
    world.vendor.fault("stall_headers", delay_s=60)
    world.vendor.script(text="Never.", match="silent")
    silent = page.ask("silent one", model=MODEL)
    queued = page.ask("queued one", model=MODEL, conversation_id=silent.conversation_id)
    intent = {"purpose": "user_request", "scope": "The plan.", "risk_level": "high"}
    world.vendor.script(
        calls=[
            {
                "name": "context_add",
                "arguments": {"intent": intent, "title": "Plan", "text": "The roof."},
            }
        ],
        match="waiting",
    )
    waiting = page.ask("waiting one", model=MODEL, tools=True)
    until(lambda: waiting.status == "waiting", "it waits", world.output)
    stop(world)
    for one in ("resting", "silent", "queued", "waiting"):
        world.vendor.script(text=f"Answer to {one}.", match=one)
    world.start()
    for one in (resting, silent, queued):
        until(lambda one=one: one.final, one.question, world.output)
        run = world.run(one)
        assert run["status"] == "done", run
        assert run["text"] == f"Answer to {one.question.split()[0]}."
    assert world.run(waiting)["status"] == "waiting"
    (key,) = waiting.intents
    page.say({"type": "decide", "intent_id": key, "approve": True})
    until(lambda: waiting.final, "it goes on", world.output)
    assert world.run(waiting)["text"] == "Answer to waiting."
    state = world.get(f"/api/runs/{waiting.run_id}/intents/")["intents"][0]["state"]
    assert state == "done"


def test_a_renewal_that_is_under_way_is_finished_first(
    world: World, page: Page
) -> None:
    """Broken off, it would spend the refresh token and lose its successor."""
    wanted = {"provider": "openai", "name": "login", "method": "browser"}
    begun = world.post("/api/logins/", wanted).json()["login"]
    came = world.vendor.authorize(begun["authorize_url"])
    done = world.post(f"/api/logins/{begun['id']}/answer/", {"answer": came}).json()
    credential_id = done["login"]["credential_id"]
    models = world.get(f"/api/credentials/{credential_id}/models/")["models"]
    fields = {"model": models[0]["id"], "credential_id": credential_id}
    world.vendor.oauth("expire")
    world.vendor.fault("slow", path="/oauth/token", delay_s=3)
    one = page.ask("one by login", **fields)
    asked = len(world.vendor.oauth()["token_requests"])
    until(
        lambda: len(world.vendor.oauth()["token_requests"]) > asked,
        "the renewal begins",
        world.output,
    )
    stop(world)
    world.start()
    until(lambda: one.is_over, "it is answered", world.output)
    run = world.run(one)
    assert one.status == "done", (run["status"], run["cause"], run["error"])
    grants = [r["grant"] for r in world.vendor.oauth()["token_requests"]]
    assert grants == ["authorization_code", "refresh_token"]
    # The vendor forgets its logins between two tests: nobody else may ask with this one.
    world.delete(f"/api/credentials/{credential_id}/")


def test_a_tool_that_was_killed_is_never_run_again(
    world: World, page: Page, workspace: Path
) -> None:
    """F27: between its start and its result nobody knows; that is said, and kept."""
    intent = {"purpose": "user_request", "scope": "The mark.", "risk_level": "high"}
    arguments = {"intent": intent, "command": "echo ran >> mark; sleep 60"}
    world.vendor.script(
        calls=[{"name": "shell", "arguments": arguments}], match="command one"
    )
    one = page.ask("command one", model=MODEL, tools=True)
    until(lambda: one.status == "waiting", "it asks", world.output)
    (key,) = one.intents
    page.say({"type": "decide", "intent_id": key, "approve": True})
    mark = workspace / "mark"
    until(mark.exists, "the command runs", world.output)
    world.kill("web")
    world.until_healthy()
    until(lambda: one.final is not None, "it is interrupted", world.output)
    world.vendor.script(text="Nobody knows.", match="command one")
    page.say({"type": "continue", "run_id": one.run_id})
    until(lambda: world.run(one)["status"] == "done", "it ends", world.output)
    found = world.get(f"/api/runs/{one.run_id}/intents/")["intents"][0]
    assert found["state"] == "unknown"
    assert mark.read_text() == "ran\n"
    assert "Whether it took effect is not known" in str(world.vendor.requests()[-1])
