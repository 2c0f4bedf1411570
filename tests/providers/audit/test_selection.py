"""Which files of a directory are audited when nobody names them."""

from __future__ import annotations

import pytest

from providers.audit.selection import MAX_FILE_BYTES, why_not


@pytest.mark.parametrize(
    "path", ["a.py", "src/web/cart.js", "db/report.sql", "Dockerfile", "ci/deploy.yml"]
)
def test_code_and_what_runs_it_is_audited(path: str) -> None:
    assert why_not(path, 100) == ""


@pytest.mark.parametrize(
    ("path", "size", "why"),
    [
        ("node_modules/dep/index.js", 100, "other people's"),
        ("web/vendor/jquery.js", 100, "other people's"),
        ("static/app.min.js", 100, "made by a program"),
        ("api/orders_pb2.py", 100, "made by a program"),
        ("README.md", 100, "no language"),
        ("package-lock.json", 100, "no language"),
        ("photo.png", 100, "no language"),
        ("dump.sql", MAX_FILE_BYTES + 1, "more than"),
        ("__init__.py", 0, "empty"),
    ],
)
def test_what_is_left_out_is_told_why(path: str, size: int, why: str) -> None:
    assert why in why_not(path, size)


def test_a_file_that_is_called_like_such_a_directory_is_code() -> None:
    assert why_not("build", 100) == "it is in no language that is audited"
    assert why_not("vendor.py", 100) == ""
