"""R-3: the web process or the worker dies in mid-answer, and nothing that was said is lost.

Real processes, real `kill -9`, at random points while four answers stream. What the vendor
had sent 500 ms before the kill is in the database; the answers say "interrupted" soon
after the restart, and the vendor was asked once for each. `MAESTRO_PROOF_RUNS=20` is the
whole proof; beside other tests there are two rounds of each.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from tests.emulator import EmulatorProcess
from tests.faults.refreshing import note
from tests.faults.world import Page, Seen, World, a_page, until

ROUNDS = int(os.environ.get("MAESTRO_PROOF_RUNS", "2"))
PACE = 40  # words a second
WORDS = 600
AT_ONCE = 4
RECOVERED_S = 15.0
LOST_AT_MOST_S = 0.5
# The supervisor gives up on a child that keeps dying as soon as it has started.
STEADY_S = 10.5
POSTGRES = "postgres://postgres@127.0.0.1:5432"


@pytest.fixture(scope="module")
def vendor() -> Iterator[EmulatorProcess]:
    process = EmulatorProcess("--pace", PACE)
    yield process
    process.stop()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, vendor: EmulatorProcess) -> Iterator[World]:
    name = "maestro_kills"
    if request.param == "sqlite":
        found = World(vendor)
        yield found
        found.close()
        return
    try:
        link = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True)
    except psycopg.OperationalError:
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL on 127.0.0.1:5432")
        pytest.skip("no PostgreSQL on 127.0.0.1:5432")
    with link:
        link.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        link.execute(f"CREATE DATABASE {name}")
        found = World(
            vendor,
            f"{POSTGRES}/{name}",
            MAESTRO_REDIS_URL="redis://127.0.0.1:6379/0",
        )
        yield found
        found.close()
        link.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def page(world: World) -> Iterator[Page]:
    with a_page(world) as found:
        yield found


def begin(world: World, page: Page, name: str) -> list[Seen]:
    """Four answers on their way."""
    world.vendor.reset()
    asked = []
    for number in range(AT_ONCE):
        question = f"{name} question {number}"
        world.vendor.script(text=text_for(question), match=question)
        asked.append(page.ask(question, model="gpt-6.1-terra"))
    until(lambda: all(s.text for s in asked), "all begin", world.output)
    return asked


def text_for(question: str) -> str:
    return " ".join(f"{question[-1]}w{at}" for at in range(WORDS))


def said_now(world: World, asked: list[Seen]) -> int:
    """Words that the vendor has surely sent of each answer by now."""
    open_now = [s for s in world.vendor.streams() if s["how"] == "open"]
    assert len(open_now) == len(asked)
    return min(stream["said"] for stream in open_now)


def check_kept(world: World, seen: Seen, at_least: int) -> None:
    run = world.run(seen)
    whole = text_for(seen.question)
    assert run["status"] == "interrupted"
    assert whole.startswith(run["text"])
    # The words that were sent, and half a word or two of slack: words travel in pieces.
    kept = len(run["text"].split())
    assert kept >= at_least - 2, (kept, at_least)
    assert world.calls(seen.question) == 1


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_web_process_loses_nothing_that_is_half_a_second_old(
    world: World, page: Page, number: int
) -> None:
    dice = random.Random(number)
    steady(world, "web")
    asked = begin(world, page, f"web {number} {dice.random()}")
    time.sleep(dice.uniform(0.1, 4.0))
    sent = said_now(world, asked)
    time.sleep(LOST_AT_MOST_S)
    pid = world.pid_of("web")
    os.kill(pid, 9)
    killed_at = time.monotonic()
    until(lambda: not psutil.pid_exists(pid) or is_dead(pid), "it is dead")
    world.until_healthy()
    up_at = time.monotonic()
    until(lambda: all(s.final is not None for s in asked), "all are told", world.output)
    assert time.monotonic() - up_at < RECOVERED_S
    for seen in asked:
        check_kept(world, seen, sent)
        assert seen.status == "interrupted"
        assert seen.final == world.run(seen)["text"]
    kept = min(len((seen.final or "").split()) for seen in asked)
    note(
        f"R-3: told {time.monotonic() - killed_at:.1f} s after the kill; {kept} words kept "
        f"of {sent} sent half a second before"
    )


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_worker_is_not_noticed_by_any_answer(
    world: World, page: Page, number: int
) -> None:
    dice = random.Random(100 + number)
    steady(world, "worker")
    asked = begin(world, page, f"worker {number} {dice.random()}")
    before = family_of(world.pid_of("worker"))
    time.sleep(dice.uniform(0.1, 3.0))
    world.kill("worker")
    gone = until(lambda: not any(map(alive, before)), "the worker's family is gone")
    assert gone < 10
    until(lambda: all(s.final is not None for s in asked), "all end", world.output)
    for seen in asked:
        run = world.run(seen)
        assert (run["status"], run["text"]) == ("done", text_for(seen.question))
        assert world.calls(seen.question) == 1


def test_an_interrupted_answer_can_be_stopped_and_asked_again(
    world: World, page: Page
) -> None:
    """Cancelling needs nobody who works on it."""
    steady(world, "web")
    asked = begin(world, page, f"again {time.time()}")
    world.kill("web")
    world.until_healthy()
    page.say({"type": "stop", "run_id": asked[0].run_id})
    took = until(lambda: asked[0].is_over, "it ends", world.output, within_s=20)
    note(f"R-3: stopped {took:.2f} s after the click, by nobody who worked on it")
    until(lambda: all(s.final is not None for s in asked), "all", world.output)
    world.vendor.script(text="Whole this time.")
    answer = world.run(asked[1])
    key = f"again-{time.time()}"
    frame = {"type": "regenerate", "client_message_id": key}
    page.say({**frame, "message_id": answer["answer_id"]})
    until(
        lambda: any(
            message["parts"] and "Whole this time." in message["parts"][0]["text"]
            for message in world.get(
                f"/api/conversations/{asked[1].conversation_id}/messages/"
            )["messages"]
        ),
        "the new answer",
        world.output,
    )


def test_no_run_is_left_that_says_it_is_running(world: World) -> None:
    code = (
        "from sessions_app.models import Run; "
        "print('left', Run.objects.filter(status__in=Run.ACTIVE).count())"
    )
    assert "left 0" in world.manage("shell", "-c", code)


@pytest.mark.parametrize("name", ["supervisor", "web", "worker"])
def test_whoever_is_killed_leaves_no_orphan_and_no_second_of_its_kind(
    world: World, name: str
) -> None:
    """S-71: everything below the killed process ends within ten seconds."""
    if name == "supervisor":
        family = [p.pid for p in world.family()]
        os.kill(world.process.pid, 9)
        world.process.wait(5)
        until(lambda: not any(map(alive, family)), "all end", within_s=10)
        world.start()
        return
    steady(world, name)
    pid = world.pid_of(name)
    family = family_of(pid)
    os.kill(pid, 9)
    until(lambda: not any(map(alive, family)), f"{name}'s family ends", within_s=10)
    world.until_healthy()
    until(lambda: len(psutil.Process(world.process.pid).children()) == 2, "two again")


def steady(world: World, name: str) -> None:
    """Wait until a kill counts as the first, not as one of many."""
    age = time.time() - psutil.Process(world.pid_of(name)).create_time()
    time.sleep(max(0.0, STEADY_S - age))


def family_of(pid: int) -> list[int]:
    top = psutil.Process(pid)
    return [pid, *(child.pid for child in top.children(recursive=True))]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and not is_dead(pid)


def is_dead(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
