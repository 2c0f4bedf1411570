"""Installations for operations: copies of two that are made once, one empty, one filled."""

import shutil
from contextlib import ExitStack

import pytest

from tests.operations.installation import Installation, database_url

KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS, scope="session")
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def empty(kind, tmp_path_factory):
    """Prepared, and never written to by a test."""
    data = tmp_path_factory.mktemp(f"empty-{kind}") / "data"
    data.mkdir()
    with database_url(kind) as url:
        made = Installation(data, url)
        made.manage("prepare")
        yield made


@pytest.fixture(scope="session")
def filled(empty, kind, tmp_path_factory):
    """Prepared with keys of its own, with twenty credentials and hard text."""
    data = tmp_path_factory.mktemp(f"filled-{kind}") / "data"
    shutil.copytree(empty.data / "static", data / "static")
    with database_url(kind) as url:
        made = Installation(data, url)
        made.manage("prepare")
        made.job("fill")
        yield made


@pytest.fixture
def new(kind, empty, tmp_path):
    """Make another installation of this kind; prepared, unless told otherwise."""
    with ExitStack() as stack:

        def make(name, *, prepared=True, like=empty):
            data = tmp_path / name / "data"
            if not prepared:
                data.mkdir(parents=True)
                return Installation(data, stack.enter_context(database_url(kind)))
            shutil.copytree(like.data, data)
            template = like.url.rpartition("/")[2]
            return Installation(data, stack.enter_context(database_url(kind, template)))

        yield make


@pytest.fixture
def installation(new, filled):
    """One that people worked with, for this test alone."""
    return new("one", like=filled)
