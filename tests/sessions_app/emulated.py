"""The emulator behind every vendor's address, for tests that ask through the real wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers import http
from tests.emulator import EmulatorProcess
from tests.sessions_app.factories_runs import wait_for_runs


@pytest.fixture
def vendors(
    transactional_db: None, emulator: EmulatorProcess
) -> Iterator[EmulatorProcess]:
    """All of them. Runs end before the next test has the addresses back."""
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    wait_for_runs()
    http.configure(before)
