"""Evidence is looked for in the source; claims without it fall."""

from __future__ import annotations

import pytest

from providers.audit.claims import joined, prove
from providers.audit.locate import Squeezed, locate
from providers.audit.split import Excerpt
from tests.providers.audit.making import (
    make_claim,
    make_file,
    make_finding,
    removed,
    whole,
)

TEXT = "import os\n\ndef f(x):\n    if x:\n        return eval(\n            x)\n    y = 1\n"


def place(evidence: str, near: int = 1, text: str = TEXT) -> tuple[int, int] | None:
    found = locate(evidence, [Squeezed(whole(make_file(text)))], near)
    return (found.start_line, found.end_line) if found else None


@pytest.mark.parametrize(
    ("evidence", "lines"),
    [
        ("y = 1", (7, 7)),
        ("eval(x)", (5, 6)),
        ("return   eval(\n x)", (5, 6)),
        ("    3| def f(x):\n    4|     if x:", (3, 4)),
        ("```python\ny = 1\n```", (7, 7)),
        ("def f(x):\n\n\n    if x:", (3, 4)),
    ],
)
def test_code_is_found_however_it_was_wrapped(
    evidence: str, lines: tuple[int, int]
) -> None:
    assert place(evidence) == lines


@pytest.mark.parametrize(
    "evidence", ["", "   ", "})", "y", "y = 2", "Import os", "def f(x): y = 1", "\0"]
)
def test_what_does_not_stand_there_is_not_found(evidence: str) -> None:
    assert place(evidence) is None


def test_of_twins_the_one_nearest_to_the_claimed_line_is_meant() -> None:
    text = "x = eval(a)\n" * 9

    assert place("eval(a)", near=6, text=text) == (6, 6)


def test_lines_that_a_diff_does_not_show_together_are_not_together() -> None:
    file = make_file("a = 1\nb = 2\nc = 3\n")
    lines = [file.lines[0], removed("gone = 0"), file.lines[2]]
    shown = [Squeezed(Excerpt(file, 0, lines))]

    assert locate("a = 1\nc = 3", shown, 1) is None
    assert locate("gone = 0", shown, 1) is None
    assert locate("c = 3", shown, 1) is not None


def test_a_claim_about_another_file_is_put_where_its_code_is() -> None:
    piece = (whole(make_file("x = 1", "a.py")), whole(make_file("y = 2", "b.py")))

    ((finding,), rejected) = prove([make_claim(file="a.py", evidence="y = 2")], piece)

    assert (finding.file, finding.relocated, rejected) == ("b.py", True, [])


def test_code_that_stands_in_several_other_files_is_put_in_none() -> None:
    piece = tuple(whole(make_file("y = 2", f"{n}.py")) for n in "ab")

    findings, (claim,) = prove([make_claim(file="c.py", evidence="y = 2")], piece)

    assert findings == [] and "not in the request" in claim.why


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"evidence": "import antigravity"}, "does not stand"),
        ({"evidence": ""}, "quotes no code"),
        ({"file": "../../etc/passwd", "evidence": "root:x:0"}, "not in the request"),
    ],
)
def test_a_claim_that_falls_says_why(claim: dict[str, str], why: str) -> None:
    findings, (rejected,) = prove([make_claim(**claim)], (whole(make_file(TEXT)),))

    assert findings == [] and why in rejected.why
    assert ".." not in rejected.file


def test_one_rule_in_overlapping_lines_is_one_finding_the_worst() -> None:
    mild = make_finding(severity="low", start_line=3, end_line=6)
    bad = make_finding(severity="high", start_line=5, end_line=9)
    other = make_finding(rule="race_condition", start_line=5, end_line=5)
    away = make_finding(start_line=10, end_line=10)

    assert joined([mild, bad, other, away, bad]) == [bad, other, away]
