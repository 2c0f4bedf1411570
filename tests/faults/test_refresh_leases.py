"""Who renews a login when the process that was at it dies, stops, or comes back (S-57)."""

from __future__ import annotations

import signal
import time

import pytest

from sessions_app.tokens import leases
from tests.faults.nursery import Child
from tests.faults.refreshing import Installation, both, note, one

__all__ = ["both", "one"]

# The lease's times in a smaller measure.
STALE_S, BEAT_S, BREATH_S = 2.0, 0.5, 8.0
PACE = {"stale_s": STALE_S, "beat_s": BEAT_S}


def asking(one: Installation, name: str, **fields: float) -> Child:
    """A process that is waiting for the vendor."""
    child = one.nursery.start("ask", provider="openai", name=name, **PACE, **fields)
    assert one.vendor.arrived.wait(10)
    return child


def holder(one: Installation, name: str) -> str:
    return str(one.row(name)["holder"])


def test_a_dead_holder_is_followed_at_once_even_before_its_parent_has_looked(
    both: Installation,
) -> None:
    both.vendor.set(delay_s=20, grace_s=30)
    name, family = both.login()
    first = asking(both, name)
    second = both.nursery.start("ask", provider="openai", name=name)  # STALE_S is 8 s
    wait_for(lambda: holder(both, name) != "")
    both.vendor.set(grace_s=30)
    first.signal(signal.SIGKILL)  # nobody reaps it: a zombie
    killed = time.monotonic()

    found = second.result()

    took_s = time.monotonic() - killed
    note(f"a dead holder was followed after {took_s:.2f} s")
    assert took_s < leases.STALE_S / 2

    assert first.wait() == signal.SIGKILL
    assert found["answers"][0]["access"] == family.access
    assert len(family.requests) == 2
    assert both.row(name)["generation"] == 1


def test_a_holder_that_beats_is_waited_for_however_long_the_vendor_takes(
    both: Installation,
) -> None:
    both.vendor.set(delay_s=3 * STALE_S)
    name, family = both.login()
    first = asking(both, name)
    second = both.nursery.start("ask", provider="openai", name=name, **PACE)
    answers = [child.result()["answers"][0] for child in (first, second)]
    assert [a["access"] for a in answers] == [family.access] * 2
    assert len(family.requests) == 1


def test_a_stopped_holder_is_followed_after_its_lease_and_takes_what_it_finds(
    one: Installation,
) -> None:
    one.vendor.set(delay_s=20, grace_s=60)
    name, family = one.login()
    first = asking(one, name)
    first.signal(signal.SIGSTOP)
    one.vendor.set(grace_s=60)
    try:
        before = one.row(name)["beat"]
        second = one.nursery.do("ask", provider="openai", name=name, **PACE)
    finally:
        first.signal(signal.SIGKILL)
    note(f"a stopped holder was followed after {second['took_s']:.2f} s")
    assert second["took_s"] >= STALE_S
    assert second["answers"][0]["access"] == family.access
    assert len(family.requests) == 2
    row = one.row(name)
    assert (row["generation"], row["holder"]) == (1, "")
    assert row["beat"] == before + 1
    first.wait()


def test_who_comes_back_to_a_lost_answer_does_not_send_the_token_a_second_time(
    one: Installation,
) -> None:
    """A laptop that slept: its answer is lost, and another host has renewed meanwhile."""
    one.vendor.set(delay_s=4, grace_s=60, loses=1)
    name, family = one.login()
    first = asking(one, name)
    first.signal(signal.SIGSTOP)
    one.vendor.set(grace_s=60)
    second = one.nursery.do("ask", provider="openai", name=name, **PACE)
    one.vendor.set(grace_s=0)  # from now on the old token is poison
    time.sleep(4)
    first.signal(signal.SIGCONT)

    found = first.result()

    assert found["answers"][0]["access"] == second["answers"][0]["access"]
    assert (len(family.requests), family.reuse) == (2, 0)
    assert one.row(name)["state"] == "ok"


def test_who_comes_back_with_a_refusal_leaves_the_winners_token_alone(
    one: Installation,
) -> None:
    """S-57: its token was spent by another, so it is told `invalid_grant`."""
    one.vendor.set(delay_s=4, failing=(401, 1))
    name, family = one.login()
    first = asking(one, name)
    first.signal(signal.SIGSTOP)
    one.vendor.set()
    second = one.nursery.do("ask", provider="openai", name=name, **PACE)
    time.sleep(3)
    first.signal(signal.SIGCONT)

    found = first.result()

    assert found["answers"][0]["access"] == second["answers"][0]["access"]
    row = one.row(name)
    assert (row["state"], row["access"]) == ("ok", family.access)
    assert one.ask(name, how="models") == {}


def test_a_login_that_is_over_is_found_out_with_one_request(both: Installation) -> None:
    both.vendor.set(delay_s=0.5)
    name, family = both.login()
    family.is_revoked = True
    at = time.monotonic() + 1
    fields = {"provider": "openai", "name": name, "threads": 10, "at": at}
    children = [both.nursery.start("ask", **fields) for _ in range(4)]
    answers = [a for child in children for a in child.result()["answers"]]

    assert [a["error"] for a in answers] == ["CredentialRejected"] * 40
    assert len(family.requests) == 1
    assert both.row(name)["state"] == "needs_login"
    assert both.ask(name, how="models")["error"] == "CredentialRejected"
    assert len(family.requests) == 1


def test_who_waited_for_a_failure_shares_it(both: Installation) -> None:
    """A vendor in trouble hears the first caller only, who asks twice."""
    both.vendor.set(delay_s=0.5, failing=(503, 100))
    name, family = both.login()
    at = time.monotonic() + 1
    fields = {"provider": "openai", "name": name, "threads": 10, "at": at}
    children = [
        both.nursery.start("ask", **fields, breath_s=BREATH_S) for _ in range(4)
    ]
    answers = [a for child in children for a in child.result()["answers"]]

    assert {a["error"] for a in answers} == {"ProviderUnavailable"}
    assert len(family.requests) == 2
    row = both.row(name)
    assert (row["state"], row["holder"], row["generation"]) == ("ok", "", 0)
    both.vendor.set()
    time.sleep(BREATH_S)  # until then the failure is answer enough
    assert both.ask(name, how="models", breath_s=BREATH_S) == {}


def test_a_login_deleted_in_mid_refresh_stays_deleted(one: Installation) -> None:
    one.vendor.set(delay_s=1.5)
    name, _ = one.login()
    child = asking(one, name)
    one.nursery.do("forget", provider="openai", name=name)
    assert child.result()["answers"][0]["error"] == "CredentialNotFound"
    assert one.row(name) == {}
    assert one.spooled() == []


def test_a_new_login_in_mid_refresh_wins(one: Installation) -> None:
    one.vendor.set(delay_s=1.5)
    name, _ = one.login()
    child = asking(one, name)
    _, again = one.vendor.login()
    one.save("openai", name, again, left_s=3000, is_again=True)
    assert child.result()["answers"][0]["access"] == again.access
    row = one.row(name)
    assert (row["access"], row["generation"], row["state"]) == (again.access, 1, "ok")
    assert one.spooled() == []
    assert one.ask(name, how="models") == {}


@pytest.mark.parametrize("both", ["postgresql"], indirect=True)
def test_a_connection_that_dies_while_the_vendor_is_asked_costs_nothing(
    both: Installation,
) -> None:
    both.vendor.set(delay_s=2)
    name, family = both.login()
    child = asking(both, name)
    assert both.nursery.do("cut_connections") > 0
    found = child.result()
    assert found["answers"][0].get("access") == family.access, found
    assert len(family.requests) == 1


def wait_for(is_so) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)
