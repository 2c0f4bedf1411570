"""docs/acceptance.md points at code that exists and at tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = (ROOT / "docs" / "acceptance.md").read_text()
ROWS = re.findall(
    r"^\| ([A-Z]+[A-Z0-9-]+) \| (.+?) \| (.+?) \| (.+?) \|$", TABLE, re.MULTILINE
)

# What has to have a row.
WANTED = [
    *("AC-G1", "AC-G2", "AC-ST1", "AC-ST2", "AC-REQ1", "AC-REQ2", "AC-REQ3", "AC-G3"),
    *("AC-NS1", "AC-DM1", "AC-NS3", "S-15", "S-20", "S-21", "S-22", "S-25"),
    *("S-30", "S-31", "S-32", "S-50", "S-51", "S-52", "R-4", "R-8"),
    *("AC-NS2", "AC-OA1", "AC-OA2", "AC-OA3", "AC-G4", "AC-G5", "S-14", "S-26"),
    *("S-53", "S-54", "S-55", "S-56", "S-57", "R-1", "R-2", "R-14", "R-17"),
    *("AC-LP1", "AC-LP2", "AC-TI1", "AC-UI1", "AC-UI2", "R-3", "R-16"),
    *("AC-E2E1", "AC-E2E2", "AC-E2E3", "AC-G6"),
    *("S-40", "S-41", "S-42", "S-68", "S-69", "S-71"),
    *(f"S-{number:02}" for number in range(1, 14)),
    *(f"F{number}" for number in range(1, 11)),
    *("S-43", "S-44", "S-45", "S-46", "S-70", "S-72", "R-5", "R-9", "R-10"),
    *("F16", "F17", "F26", "F27", "F32", "F33", "F34"),
    *("S-60", "S-61", "S-62", "S-63", "S-64", "S-65", "S-66", "S-67"),
]


def test_every_wanted_id_has_exactly_one_row():
    ids = [row[0] for row in ROWS]
    assert len(ids) == len(set(ids))
    assert not set(WANTED) - set(ids)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_code_and_the_tests_of_a_row_exist(row):
    _, promise, code, tests = row
    assert promise.strip()
    paths = re.findall(r"`([^`]+)`", code)
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path
    named = re.findall(r"`([^`]+)`", tests)
    assert named
    for name in named:
        path, _, function = name.partition("::")
        text = (ROOT / path).read_text()
        assert not function or re.search(rf"def {function}\(", text), name
