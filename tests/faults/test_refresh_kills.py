"""R-2: a process that dies in the middle of a refresh leaves a login that still works.

Fail points kill the process with SIGKILL (`providers/fail_points.py`). Where no answer of
the vendor is lost, nobody has to log in again. Where one is lost, a vendor with a grace
period gives it once more; without one the login is over, and that is found out with one
request. `MAESTRO_PROOF_RUNS=100` is the whole proof.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.fail_points import REFRESH
from tests.faults.nursery import ROOT
from tests.faults.refreshing import RUNS, Installation, note, one
from tests.faults.token_server import Family

__all__ = ["one"]

RECOVERED_S = 10.0
KEPT = ("refresh.before_send", "refresh.spooled", "refresh.stored")
LOST = ("refresh.sent", "refresh.received")
# Requests of both processes together.
REQUESTS = dict(zip(REFRESH, (1, 2, 2, 1, 1), strict=True))


@pytest.fixture(autouse=True)
def _bystander(one: Installation) -> Iterator[None]:
    """Another login of the same vendor is not touched, whatever happens."""
    one.vendor.set()
    name, family = one.login(left_s=3000)
    before = one.row(name)
    yield
    after = one.row(name)
    for row in (before, after):
        del row["left_s"], row["due_s"]
    assert after == before
    assert family.requests == []


def die(one: Installation, name: str, point: str, provider: str = "openai") -> None:
    child = one.nursery.start("ask", fail_point=point, provider=provider, name=name)
    assert child.wait() == signal.SIGKILL


def recover(one: Installation, name: str, provider: str = "openai") -> float:
    """A new process uses the login; how long that took, in seconds."""
    began = time.monotonic()
    answer = one.ask(name, provider=provider, how="models")
    took_s = time.monotonic() - began
    assert answer == {}
    assert took_s <= RECOVERED_S
    return took_s


def is_well(one: Installation, name: str, family: Family, provider: str) -> None:
    row = one.row(name, provider)
    assert (row["state"], row["generation"], row["holder"]) == ("ok", 1, "")
    assert (row["access"], row["refresh"]) == (family.access, family.refresh)
    assert set(family.seen) == {family.access}
    assert family.reuse == 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", KEPT)
def test_who_dies_before_asking_or_after_keeping_the_answer_loses_nothing(
    one: Installation, point: str
) -> None:
    took = []
    for _ in range(RUNS):
        name, family = one.login()
        die(one, name, point)
        if point != "refresh.before_send":
            assert_sealed(one.spooled(), family)
        took.append(recover(one, name))
        assert len(family.requests) == REQUESTS[point]
        is_well(one, name, family, "openai")
        one.nursery.do("recover")
        assert one.spooled() == []
        assert len(family.requests) == REQUESTS[point]
    note(f"{point}: {len(took)}/{RUNS} recovered, the slowest in {max(took):.2f} s")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", LOST)
def test_a_lost_answer_is_had_again_where_the_vendor_has_a_grace_period(
    one: Installation, point: str
) -> None:
    one.vendor.set(grace_s=10.0)
    took = []
    for _ in range(RUNS):
        name, family = one.login()
        die(one, name, point)
        assert one.spooled() == []
        took.append(recover(one, name))
        assert len(family.requests) == REQUESTS[point]
        is_well(one, name, family, "openai")
    note(f"{point}, grace: {len(took)}/{RUNS}, the slowest in {max(took):.2f} s")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", LOST)
def test_a_lost_answer_without_grace_is_asked_for_once_more_and_never_again(
    one: Installation, point: str
) -> None:
    for _ in range(RUNS):
        name, family = one.login()
        old = family.refresh
        die(one, name, point)

        for how in ("models", "models", "refresh"):
            assert one.ask(name, how=how)["error"] == "CredentialRejected"
        one.nursery.do("sweep_once")

        assert family.requests == [old, old]
        row = one.row(name)
        assert (row["state"], row["generation"], row["holder"]) == (
            "needs_login",
            0,
            "",
        )
        assert "Log in again" in row["cause"]
        assert row["refresh"] == old  # nothing is ever deleted (S-57)
    note(f"{point}, no grace: {RUNS}/{RUNS} need a login after one retry")


@pytest.mark.parametrize("provider", ["gemini", "anthropic"])
@pytest.mark.parametrize("point", REFRESH)
def test_where_refresh_tokens_do_not_rotate_nothing_is_lost_anywhere(
    one: Installation, provider: str, point: str
) -> None:
    one.vendor.set(is_rotating=False)
    name, family = one.login(provider)
    die(one, name, point, provider)
    recover(one, name, provider)
    assert len(family.requests) == REQUESTS[point]
    is_well(one, name, family, provider)
    one.nursery.do("recover")
    assert one.spooled() == []


@pytest.mark.parametrize("point", ["refresh.spooled"])
def test_tokens_left_behind_are_stored_at_the_next_sweep_without_anybody_asking(
    one: Installation, point: str
) -> None:
    name, family = one.login()
    die(one, name, point)
    assert one.nursery.do("sweep_once")["recovered"] == 1
    is_well_unused(one, name, family)
    assert len(family.requests) == 1
    assert one.spooled() == []


@pytest.mark.parametrize("point", REFRESH)
def test_the_variable_of_the_environment_kills_a_process_of_its_own(
    one: Installation, point: str
) -> None:
    one.vendor.set(grace_s=10.0)
    name, family = one.login()
    code = (
        "import sys, django; django.setup(); "
        "from providers import provider; "
        "provider.refresh_tokens('openai', sys.argv[1])"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, name],
        cwd=ROOT,
        env={**one.environment, "MAESTRO_FAIL_POINT": point},
        stderr=subprocess.DEVNULL,
    )
    assert died.returncode == -signal.SIGKILL
    recover(one, name)
    is_well(one, name, family, "openai")
    one.nursery.do("recover")


def test_neither_spool_nor_database_nor_log_has_ever_held_a_token(
    one: Installation,
) -> None:
    name, family = one.login()
    die(one, name, "refresh.spooled")
    assert_sealed(one.spooled(), family)
    recover(one, name)
    files = [p for p in one.data.rglob("*") if p.is_file()]
    assert {"log.txt", "maestro.sqlite3"} <= {p.name for p in files}
    for path in files:
        content = path.read_bytes()
        assert b"at-test-" not in content, path
        assert b"rt-test-" not in content, path


def assert_sealed(files: list[Path], family: Family) -> None:
    """One file, for its owner only, in which no token can be read."""
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    assert files[0].stat().st_uid == os.getuid()
    content = files[0].read_bytes()
    for token in (family.access, family.refresh):
        assert token.encode() not in content
    assert b"test-" not in content and content.startswith(b"m1:")


def is_well_unused(one: Installation, name: str, family: Family) -> None:
    row = one.row(name)
    assert (row["state"], row["generation"], row["holder"]) == ("ok", 1, "")
    assert (row["access"], row["refresh"]) == (family.access, family.refresh)
