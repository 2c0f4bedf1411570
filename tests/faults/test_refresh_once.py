"""R-1: however many ask, the vendor is asked once (S-56).

Four processes of fifty threads want a login that has expired, on SQLite and on PostgreSQL,
while the token endpoint takes its time, and a bystander writes rows.
"""

from __future__ import annotations

import time

import pytest

from tests.faults.refreshing import IS_FULL, Installation, both, note

__all__ = ["both"]

PROCESSES, THREADS = 4, 50
# What is demanded, where the machine is the proof's alone (MAESTRO_PROOF_RUNS). Beside other
# tests it is less than the answer takes: a lock over the request would hold a writer for as
# long as that.
LONGEST_WRITE_S = 0.250

# name → (seconds the endpoint takes, seconds without a beat that end a lease, of a beat)
# The last one is three times the lease, in a smaller measure unless all is asked for.
DELAYS = {
    "0.8 s": (0.8, None, None),
    "5 s": (5.0, None, None),
    "3 leases": (24.0, None, None) if IS_FULL else (6.0, 2.0, 0.5),
}

CASES = [
    (how, delay)
    for delay in DELAYS
    for how in ("refresh", "models")
    if IS_FULL or how == "refresh" or delay == "0.8 s"
]


@pytest.mark.timeout(200)
@pytest.mark.parametrize(("how", "delay"), CASES)
def test_two_hundred_callers_make_one_token_request(
    both: Installation, delay: str, how: str
) -> None:
    delay_s, stale_s, beat_s = DELAYS[delay]
    both.vendor.set(delay_s=delay_s)
    name, family = both.login()
    at = time.monotonic() + 1.0

    bystander = both.nursery.start("write_rows", at=at, until=at + delay_s + 1.0)
    children = [
        both.nursery.start(
            "ask",
            provider="openai",
            name=name,
            how=how,
            threads=THREADS,
            at=at,
            stale_s=stale_s,
            beat_s=beat_s,
        )
        for _ in range(PROCESSES)
    ]
    found = [child.result() for child in children]
    writes = bystander.result()

    answers = [answer for one in found for answer in one["answers"]]
    note(
        f"{how}, {delay}: {len(family.requests)} token request(s), reuse {family.reuse}, "
        f"slowest of {writes['count']} writes {writes['slowest_s'] * 1000:.0f} ms "
        f"(pauses {writes['stall_s'] * 1000:.0f} ms too long), "
        f"all answered after {max(one['took_s'] for one in found):.1f} s"
    )
    assert len(answers) == PROCESSES * THREADS
    assert [a for a in answers if "error" in a] == []
    assert (len(family.requests), family.reuse) == (1, 0)
    tokens = family.seen if how == "models" else [a["access"] for a in answers]
    assert len(tokens) == PROCESSES * THREADS
    assert set(tokens) == {family.access}
    assert len({a.get("expires_at") for a in answers}) == 1
    assert writes["count"] > 10
    longest_s = LONGEST_WRITE_S if IS_FULL else 0.9 * delay_s
    assert writes["slowest_s"] - writes["stall_s"] <= longest_s
    assert [one["left"] for one in found] == [[]] * PROCESSES
    row = both.row(name)
    assert (row["generation"], row["holder"], row["state"]) == (1, "", "ok")
    assert both.spooled() == []


@pytest.mark.parametrize(
    ("provider", "is_rotating"),
    [("gemini", False), ("anthropic", True), ("anthropic", False)],
)
def test_the_other_vendors_are_asked_once_too(
    both: Installation, provider: str, is_rotating: bool
) -> None:
    both.vendor.set(delay_s=0.8, is_rotating=is_rotating)
    name, family = both.login(provider)
    old = family.refresh
    at = time.monotonic() + 0.5
    fields = {"provider": provider, "name": name, "how": "models", "threads": 20}
    children = [both.nursery.start("ask", **fields, at=at) for _ in range(2)]
    answers = [a for child in children for a in child.result()["answers"]]
    assert answers == [{}] * 40
    assert (family.requests, family.reuse) == ([old], 0)
    assert family.seen == [family.access] * 40
    assert both.row(name, provider)["refresh"] == family.refresh
    assert (family.refresh == old) is not is_rotating
