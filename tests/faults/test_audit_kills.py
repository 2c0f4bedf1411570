"""The web process dies in mid-audit: what was judged is there, and it can be done again.

Real processes and a real `kill -9`, on SQLite as a person runs it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.context_app.audits.conftest import HANGS
from tests.emulator import EmulatorProcess
from tests.faults.refreshing import note
from tests.faults.test_run_kills import STEADY_S, is_dead
from tests.faults.world import World, until

ENDED_S = 15.0
PADDING = "value = 1\n" * 8_000  # of which no two files fit into one piece
FILES = {
    "a.py": f"def first(x):\n    return eval(x)\n{PADDING}",
    "b.py": f"def second(y):\n    return eval(y)\n{PADDING}",
    "c.py": f"def third(z):\n    return eval(z)\n{PADDING}",
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    vendor = EmulatorProcess("--pace", 0)
    found = World(vendor, MAESTRO_RETRY_ATTEMPTS="1")
    yield found
    found.close()
    vendor.stop()


def shown(world: World, key: str) -> dict[str, Any]:
    found: dict[str, Any] = world.get(f"/api/audits/{key}/")
    return found


def begin(world: World) -> str:
    answer = world.post("/api/audits/", {"files": FILES, "name": "shop"})
    assert answer.ok, answer.text
    return str(answer.json()["audit"]["id"])


def kill_web(world: World) -> None:
    pid = world.pid_of("web")
    os.kill(pid, 9)
    until(lambda: not psutil.pid_exists(pid) or is_dead(pid), "it is dead")
    world.until_healthy()


def state(world: World, key: str) -> str:
    return str(shown(world, key)["audit"]["state"])


def test_what_was_judged_before_the_kill_is_kept_and_the_rest_is_named(
    world: World,
) -> None:
    world.vendor.reset()
    world.vendor.script(pieces=HANGS, match="def second")
    key = begin(world)
    until(lambda: "def second" in asked(world), "the second part is asked about")
    until(lambda: shown(world, key)["audit"]["summary"], "the first is kept")
    assert state(world, key) == "running"
    kill_web(world)
    took = until(lambda: state(world, key) != "running", "it is told", world.output)
    note(f"an audit whose web process was killed is interrupted after {took:.1f} s")
    assert took < ENDED_S

    found = shown(world, key)
    assert found["audit"]["state"] == "interrupted"
    assert "audit it again" in found["audit"]["cause"]
    assert [f["file"] for f in found["report"]["findings"]] == ["a.py"]
    assert {part["file"] for part in found["report"]["not_read"]} == {"b.py", "c.py"}
    assert found["audit"]["score"] is None

    listed = world.get("/api/audits/")["audits"]
    assert [one["state"] for one in listed if one["id"] == key] == ["interrupted"]
    assert again(world, key) == ["a.py", "b.py", "c.py"]


def test_killed_before_anything_was_judged_it_says_so_and_is_begun_again(
    world: World,
) -> None:
    time.sleep(STEADY_S)  # a kill that counts as the first
    world.vendor.reset()
    world.vendor.script(pieces=HANGS, match="def first")
    key = begin(world)
    until(lambda: "def first" in asked(world), "the first part is asked about")
    kill_web(world)
    until(lambda: state(world, key) != "running", "it is told", world.output)
    found = shown(world, key)
    assert (found["audit"]["state"], found["report"]) == ("interrupted", None)
    assert "before anything was judged" in found["audit"]["cause"]
    assert again(world, key) == ["a.py", "b.py", "c.py"]


def asked(world: World) -> str:
    """Everything that the vendor was asked."""
    return " ".join(str(one["body"]) for one in world.vendor.requests())


def again(world: World, key: str) -> list[str]:
    """The same audit once more; the files in which it then found something."""
    world.vendor.reset()
    answer = world.post(f"/api/audits/{key}/again/", {})
    assert answer.ok, answer.text
    next_key = str(answer.json()["audit"]["id"])
    until(lambda: state(world, next_key) == "done", "it is done", world.output)
    return sorted(f["file"] for f in shown(world, next_key)["report"]["findings"])
