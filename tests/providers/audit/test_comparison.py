"""Fingerprints, and two audits beside each other."""

from __future__ import annotations

from typing import Any

import pytest

from providers.audit.compare import compare
from providers.audit.fingerprint import base_fingerprint, with_fingerprints
from providers.audit.report import Comparison, Finding, NotRead, Omitted
from providers.audit.source import read_source
from tests.providers.audit.making import make_finding, make_report


def test_white_space_is_no_part_of_a_fingerprint() -> None:
    one = base_fingerprint("r", "f", "if x:\n    y( 1 )")

    assert one == base_fingerprint("r", "f", "if x: y(1)")


@pytest.mark.parametrize(
    "other", [("r2", "f", "x"), ("r", "g", "x"), ("r", "f", "y"), ("r", "", "fx")]
)
def test_rule_symbol_and_code_are(other: tuple[str, str, str]) -> None:
    assert base_fingerprint("r", "f", "x") != base_fingerprint(*other)


def test_the_form_of_a_fingerprint_does_not_change_by_accident() -> None:
    """Stored reports are compared by it; a change needs another FINGERPRINT_VERSION."""
    assert base_fingerprint("sql_injection", "f", "q(x)") == "e44e8409cdc80895"


def test_twins_are_told_apart_by_their_order() -> None:
    here, there = make_finding(start_line=9), make_finding(start_line=2)

    marked = with_fingerprints([here, there])

    assert [f.start_line for f in marked] == [2, 9]
    assert marked[1].fingerprint == f"{marked[0].fingerprint}-2"


def beside(
    now: list[Finding],
    before: list[Finding],
    files: dict[str, str],
    **more: Any,
) -> tuple[list[Finding], Comparison]:
    """`now` compared with `before`, over files."""
    previous = make_report(*with_fingerprints(before), omitted=more.pop("omitted", []))
    given: dict[str, Any] = {"not_read": [], "floor": "info", **more}
    source = read_source(files, paths=given.pop("paths", ()))
    return compare(with_fingerprints(now), previous, source=source, **given)


OLD = make_finding(evidence="danger(everything)", symbol="f")


def test_code_that_is_gone_is_fixed() -> None:
    _, comparison = beside([], [OLD], {"a.py": "def f():\n    safe()\n"})

    assert [f.evidence for f in comparison.fixed] == ["danger(everything)"]
    assert comparison.unconfirmed == []


def test_code_that_still_stands_is_not_fixed_though_nobody_named_it() -> None:
    code = "def f():\n    danger( everything )\n"
    _, comparison = beside([], [OLD], {"b.py": code})

    assert comparison.fixed == [] and len(comparison.unconfirmed) == 1


def test_short_code_in_another_function_is_not_the_same_code() -> None:
    files = {"a.py": "def g():\n    danger(everything)\n"}
    _, comparison = beside([], [OLD], files)

    assert len(comparison.fixed) == 1


def test_a_file_that_is_gone_is_fixed_but_one_left_out_is_not_known() -> None:
    files = {"b.py": "x = 1"}
    _, gone = beside([], [OLD], files)
    _, left_out = beside([], [OLD], {**files, "a.py": "x"}, paths=["b.py"])

    assert len(gone.fixed) == 1
    assert len(left_out.unconfirmed) == 1 and left_out.fixed == []


def test_what_was_not_read_or_not_asked_for_is_not_known() -> None:
    files = {"a.py": "x = 1"}
    _, unread = beside([], [OLD], files, not_read=[NotRead(file="a.py", why="error")])
    _, milder = beside([], [OLD], files, floor="high")

    assert unread.fixed == milder.fixed == []
    assert len(unread.unconfirmed) == len(milder.unconfirmed) == 1


def test_more_of_the_same_code_is_the_same_finding_with_its_fingerprint() -> None:
    more = make_finding(evidence="x = 1\ndanger(everything)", symbol="f", file="b.py")
    (finding,), comparison = beside([more], [OLD], {"b.py": "x"})

    assert finding.state == "unchanged"
    assert finding.fingerprint == with_fingerprints([OLD])[0].fingerprint
    assert (comparison.new, comparison.unchanged, comparison.fixed) == (0, 1, [])


@pytest.mark.parametrize(
    "other", [{"rule": "race_condition"}, {"symbol": "g"}, {"evidence": "else()"}]
)
def test_another_rule_function_or_code_is_new(other: dict[str, str]) -> None:
    fields = {"evidence": "x = 1\ndanger(everything)", "symbol": "f", **other}
    (finding,), comparison = beside([make_finding(**fields)], [OLD], {"a.py": "x"})

    assert (finding.state, comparison.new) == ("new", 1)


def test_one_of_two_twins_that_is_corrected_is_fixed() -> None:
    twins = [make_finding(start_line=n, evidence="bad(x)", symbol="f") for n in (2, 3)]
    files = {"a.py": "def f():\n    bad(x)\n    good(x)\n"}
    found, comparison = beside(twins[:1], twins, files)

    assert [f.state for f in found] == ["unchanged"]
    assert len(comparison.fixed) == 1 and comparison.unconfirmed == []


def test_a_third_twin_is_new() -> None:
    twins = [make_finding(start_line=n, evidence="bad(x)") for n in (1, 2, 3)]
    found, comparison = beside(twins, twins[:2], {"a.py": "bad(x)\n" * 3})

    assert sorted(f.state for f in found) == ["new", "unchanged", "unchanged"]
    assert comparison.new == 1


def test_what_was_beyond_the_limit_before_is_unchanged() -> None:
    (finding,) = with_fingerprints([OLD])
    hidden = Omitted(
        rule=OLD.rule,
        severity="medium",
        confidence="high",
        fingerprint=finding.fingerprint,
    )
    (found,), _ = beside([OLD], [], {"a.py": "x"}, omitted=[hidden])

    assert found.state == "unchanged"


def test_a_diff_claims_nothing_of_code_that_it_does_not_show() -> None:
    previous = make_report(*with_fingerprints([OLD]))
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-danger(everything)\n+x = 1\n"
    _, comparison = compare(
        [], previous, source=read_source(diff), not_read=[], floor="info"
    )

    assert comparison.fixed == [] and len(comparison.unconfirmed) == 1
