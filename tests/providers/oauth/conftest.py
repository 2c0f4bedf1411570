"""A vendor's login servers on this machine, and a store of the test's own."""

from collections.abc import Iterator

import pytest

from providers import options
from providers.store import MemoryStore
from tests.providers.oauth.login_server import LoginServer


@pytest.fixture
def server() -> Iterator[LoginServer]:
    with LoginServer() as running:
        yield running


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    monkeypatch.setattr(options, "_options", {})
    return own
