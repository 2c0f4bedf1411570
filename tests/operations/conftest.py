"""Installations for operations: one that is filled, and empty ones on demand."""

from contextlib import ExitStack

import pytest

from tests.operations.installation import Installation, database_url

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def new(kind, tmp_path):
    """Make another installation of this kind; prepared, unless told otherwise."""
    with ExitStack() as stack:

        def make(name, *, prepared=True):
            found = Installation(
                tmp_path / name / "data", stack.enter_context(database_url(kind))
            )
            found.data.mkdir(parents=True)
            if prepared:
                found.manage("prepare")
            return found

        yield make


@pytest.fixture
def installation(new):
    """Prepared, with twenty credentials and hard text."""
    found = new("one")
    found.job("fill")
    return found
