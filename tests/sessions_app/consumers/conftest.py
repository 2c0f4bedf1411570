"""Fixtures of the consumer tests: a scripted vendor, the emulator as every vendor, and no
reaper in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sessions_app.runs import reaper, step
from tests.sessions_app.emulated import vendors
from tests.sessions_app.factories_runs import Script, wait_for_runs

__all__ = ["vendors"]


@pytest.fixture(autouse=True)
def _no_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun = threading.Lock()
    has_begun.acquire()
    monkeypatch.setattr(reaper, "_started", has_begun)


@pytest.fixture
def script(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """The vendor. It is done before the database is emptied."""
    found = Script()
    monkeypatch.setattr(step.provider, "stream_chat", found.stream_chat)
    yield found
    wait_for_runs()
