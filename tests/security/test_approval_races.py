"""F27: however many approve, in however many processes, a call runs at most once.

Real processes and threads on SQLite and PostgreSQL, of the product's own settings.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.installed import Installed, installed

PROCESSES, THREADS = 2, 6


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def two(request, tmp_path_factory) -> Iterator[Installed]:
    with installed(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


def flat(groups: list[list[str]]) -> list[str]:
    return [pk for group in groups for pk in group]


def test_twelve_clicks_in_two_processes_are_one_decision(two: Installed) -> None:
    ids = flat(two.do("prepare", runs=8, calls=1))
    found = two.together("decide", PROCESSES, ids=ids, threads=THREADS)
    said = total(one["said"] for one in found)
    assert said == {
        "decided": len(ids),
        "Invalid": len(ids) * (PROCESSES * THREADS - 1),
    }
    woken = [run for one in found for run in one["submitted"]]
    assert len(woken) == len(set(woken)) == len(ids)
    assert two.do("look")["fault"] is None


def test_yes_and_no_at_the_same_moment_are_one_of_them(two: Installed) -> None:
    ids = flat(two.do("prepare", runs=8, calls=1))
    jobs = [
        ("decide", {"ids": ids, "threads": THREADS, "approve": approve})
        for approve in (True, False)
    ]
    said = total(one["said"] for one in two.all(jobs))
    assert said["decided"] == len(ids)
    after = two.do("look")
    assert after["fault"] is None
    assert sum(after["intents"].values()) == len(ids)
    assert set(after["intents"]) <= {"approved", "refused"}


def test_an_approved_call_begins_once_whoever_gets_it(two: Installed) -> None:
    ids = flat(two.do("prepare", runs=8, calls=1, state="approved"))
    said = total(two.together("start", PROCESSES, ids=ids, threads=THREADS))
    assert said == {"True": len(ids), "False": len(ids) * (PROCESSES * THREADS - 1)}
    after = two.do("look")
    assert (after["fault"], after["started"]) == (None, len(ids))


def test_calls_of_one_answer_decided_at_once_wake_it_once(two: Installed) -> None:
    """Each must see that the others are decided: else nobody wakes the run."""
    groups = two.do("prepare", runs=20, calls=4)
    assert two.do("approve_all", groups=groups) == {"decided": 80}
    assert two.do("look")["runs"] == [["queued", *["approved"] * 4]]


def test_stop_and_approve_at_the_same_moment_agree(two: Installed) -> None:
    ids = flat(two.do("prepare", runs=12, calls=1))
    said = total(two.all([("stop", {"ids": ids}), ("approve_all", {"groups": [ids]})]))
    assert set(said) <= {"stopped", "decided", "Invalid"}
    after = two.do("look")
    # A call that was approved before its answer was stopped is never begun.
    assert {tuple(run) for run in after["runs"]} <= {
        ("stopped", "refused"),
        ("stopped", "approved"),
    }
    assert after["fault"] is None


def test_appends_of_several_processes_are_one_chain(two: Installed) -> None:
    two.do("prepare", runs=4, calls=0)
    jobs = [("append", {"count": 15, "threads": 4})] * 3
    *found, faults = two.all([*jobs, ("verify_often", {"times": 25})])
    assert total(found) == {"ok": 12}
    assert faults == []  # nobody is accused while others write
    after = two.do("look")
    assert (after["fault"], after["events"], after["end"]) == (None, 360, 360)
    assert after["intents"] == {"approved": 180}


def total(counts: object) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            found[name] = found.get(name, 0) + count
    return found
