"""docs/acceptance.md points at code that exists and at tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = (ROOT / "docs" / "acceptance.md").read_text()
ROWS = re.findall(
    r"^\| ([A-Z]+[A-Z0-9-]+) \| (.+?) \| (.+?) \| (.+?) \|$", TABLE, re.MULTILINE
)

# What has to have a row: promises of the product, then security, reliability, faults and
# standards. Numbers of S that are left out were never given.
PROMISES = """
G1 G2 G3 G4 G5 G6 ST1 ST2 REQ1 REQ2 REQ3 NS1 NS2 NS3 DM1 OA1 OA2 OA3 LP1 LP2 TI1
UI1 UI2 UI3 GM1 E2E1 E2E2 E2E3
"""
SECURITY = ((1, 15), (20, 34), (40, 46), (50, 57), (60, 72))
WANTED = [
    *(f"AC-{name}" for name in PROMISES.split()),
    *(f"S-{n:02}" for first, last in SECURITY for n in range(first, last + 1)),
    *(f"R-{number}" for number in range(1, 19)),
    *(f"F{number}" for number in range(1, 43)),
    *(f"LLM{number:02}" for number in range(1, 11) if number != 4),
    *(f"ASVS-V{chapter}" for chapter in (3, 4, 6, 7, 8, 10, 11, 13, 15, 16)),
    *(f"PROOF-{number}" for number in range(1, 13)),
    "SSO",
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
