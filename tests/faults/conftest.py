"""Fixtures of the fault tests: vendors' addresses that lead to the emulator, real runs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from providers.http import HttpSettings, configure
from providers.http import settings as http_settings
from sessions_app.runs import reaper
from tests.emulator import EmulatorProcess
from tests.faults.served import Served, serving
from tests.faults.world import World
from tests.recordings import recordings_dir
from tests.sessions_app.factories import make_superuser
from tests.sessions_app.factories_runs import wait_for_runs

# Small enough to cut events, lines and characters; a vendor's packets are not kinder.
PIECE_BYTES = 97


@pytest.fixture(autouse=True)
def _no_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun = threading.Lock()
    has_begun.acquire()
    monkeypatch.setattr(reaper, "_started", has_begun)


@pytest.fixture(autouse=True)
def _one_attempt(settings: Any) -> None:
    """What a refusal means is proven here; that some are asked again, elsewhere."""
    settings.MAESTRO_RETRY_ATTEMPTS = 1


@pytest.fixture(autouse=True)
def _own_http_settings() -> Iterator[None]:
    before = http_settings()
    yield
    configure(before)


@pytest.fixture(scope="session")
def replayer_process() -> Iterator[EmulatorProcess]:
    """An emulator that serves the recordings beside the checkout."""
    folder = recordings_dir()
    if folder is None:
        pytest.skip("no recordings beside the checkout: set MAESTRO_RECORDINGS")
    process = EmulatorProcess(
        "--pace", 0, "--replay", folder, "--replay-piece", PIECE_BYTES
    )
    yield process
    process.stop()


@pytest.fixture
def replayer(replayer_process: EmulatorProcess) -> EmulatorProcess:
    """The same, nothing queued; the vendors' addresses lead to it."""
    replayer_process.reset()
    configure(HttpSettings(reroute=replayer_process.origins()))
    return replayer_process


@pytest.fixture
def vendors(emulator: EmulatorProcess) -> EmulatorProcess:
    """The scripted emulator; the vendors' addresses lead to it."""
    configure(HttpSettings(reroute=emulator.origins()))
    return emulator


@pytest.fixture(scope="module")
def world(emulator_process: EmulatorProcess) -> Iterator[World]:
    """An installation in processes of its own, whose vendor is the emulator."""
    emulator_process.reset()
    one = World(emulator_process)
    yield one
    one.close()


@pytest.fixture
def server() -> Iterator[Served]:
    """A server of this test's own, for answers the emulator has no word for."""
    with serving() as found:
        yield found


@pytest.fixture
def alice(transactional_db: None) -> Iterator[User]:
    """The administrator who asks. Her runs end before the database is emptied."""
    cache.clear()
    yield make_superuser("alice")
    wait_for_runs()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nothing listens, kept from others while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])
