"""R-14: clocks that are wrong or jump neither cause refreshes nor prevent them.

A child's wall clock is moved as the system's would be; its monotonic clock runs on. The
vendor's own clock is years off all the time (see its `Date` header).
"""

from __future__ import annotations

import time

import pytest

from tests.faults.refreshing import Installation, one

__all__ = ["one"]

MINUTES = 60.0


@pytest.fixture(autouse=True)
def _as_usual(one: Installation) -> None:
    one.vendor.set()


def test_a_clock_that_jumps_ten_minutes_to_and_fro_renews_nothing_that_is_fresh(
    one: Installation,
) -> None:
    name, family = one.login(left_s=3600)
    jumps = [10 * MINUTES, -10 * MINUTES, 10 * MINUTES, 0]
    assert one.nursery.do("use_at", name=name, jumps_s=jumps) == [""] * 4
    assert family.requests == []


def test_a_token_that_seems_over_by_a_jump_is_renewed_once_in_its_life(
    one: Installation,
) -> None:
    one.vendor.set(life_s=300)
    name, family = one.login(left_s=300, life_s=300)
    jumps = [10 * MINUTES, -10 * MINUTES, 0, 10 * MINUTES, -10 * MINUTES]
    assert one.nursery.do("use_at", name=name, jumps_s=jumps) == [""] * 5
    assert len(family.requests) == 1


def test_processes_whose_clocks_disagree_do_not_renew_in_turns(
    one: Installation,
) -> None:
    one.vendor.set(life_s=300)
    name, family = one.login(left_s=300, life_s=300)
    for _ in range(3):
        for jump_s in (10 * MINUTES, -10 * MINUTES, 0, 5 * MINUTES):
            assert one.nursery.do("use_at", name=name, jumps_s=[jump_s]) == [""]
    assert len(family.requests) == 1


@pytest.mark.parametrize("jump_s", [10 * MINUTES, -10 * MINUTES])
def test_a_jump_while_the_vendor_is_asked_gives_nobody_the_lease(
    one: Installation, jump_s: float
) -> None:
    """Two processes wait for one request; both clocks jump in the middle of it."""
    one.vendor.set(delay_s=3)
    name, family = one.login()
    fields = {"name": name, "after_s": 1.0, "jump_s": jump_s}
    children = [one.nursery.start("ask_while_the_clock_jumps", **fields) for _ in "ab"]
    found = [child.result() for child in children]
    assert [one["access"] for one in found] == [family.access] * 2
    assert (len(family.requests), family.reuse) == (1, 0)


@pytest.mark.parametrize("jump_s", [0.0, 10 * MINUTES, -10 * MINUTES])
def test_the_end_of_a_token_is_its_receipt_plus_its_life_whatever_the_vendors_clock_says(
    one: Installation, jump_s: float
) -> None:
    one.vendor.set(life_s=1800)
    name, family = one.login(left_s=-11 * MINUTES)
    began = time.monotonic()
    assert one.nursery.do("use_at", name=name, jumps_s=[jump_s]) == [""]
    took_s = time.monotonic() - began
    left_s = one.row(name)["left_s"] - jump_s
    assert 1800 - took_s - 5 <= left_s <= 1800
    assert len(family.requests) == 1


def test_a_token_the_vendor_ended_early_is_renewed_once_and_used(
    one: Installation,
) -> None:
    name, family = one.login(left_s=3000)
    old, family.access = family.access, "at-test-nobody-has-this"
    assert one.ask(name, how="models") == {}
    assert len(family.requests) == 1
    assert family.seen == [old, family.access]


def test_a_token_refused_after_its_renewal_is_an_error_and_not_a_loop(
    one: Installation,
) -> None:
    one.vendor.set(refuses_access=True)
    name, family = one.login(left_s=3000)
    assert one.ask(name, how="models")["error"] in (
        "CredentialRejected",
        "CredentialExpired",
    )
    assert len(family.requests) == 1
    assert family.seen == family.issued[:2]


def test_many_callers_who_are_refused_at_once_force_one_renewal(
    one: Installation,
) -> None:
    one.vendor.set(delay_s=0.5)
    name, family = one.login(left_s=3000)
    family.access = "at-test-nobody-has-this"
    at = time.monotonic() + 1
    fields = {"provider": "openai", "name": name, "how": "models", "threads": 10}
    children = [one.nursery.start("ask", **fields, at=at) for _ in range(3)]
    answers = [a for child in children for a in child.result()["answers"]]
    assert answers == [{}] * 30
    assert (len(family.requests), family.reuse) == (1, 0)
