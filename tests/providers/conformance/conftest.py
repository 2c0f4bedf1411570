"""One emulator for all checks of a test session, started by the suite's own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from providers import resolver
from providers.conformance.process import EmulatorProcess
from providers.interface import Provider


@pytest.fixture(scope="session")
def bench() -> Iterator[EmulatorProcess]:
    with EmulatorProcess() as running:
        yield running


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Provider], str]:
    """Installs a provider for one test, and gives its slug."""

    def installed(manifest: Provider) -> str:
        found = {**resolver.providers(), manifest.slug: manifest}
        monkeypatch.setattr(resolver, "_found", found)
        return manifest.slug

    return installed
