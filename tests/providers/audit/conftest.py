"""Sessions of every vendor at the emulator, to audit with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers import provider
from providers.audit import AuditReport
from providers.http import HttpSettings, configure, optional_fields, pool, settings
from providers.store import MemoryStore
from tests.emulator import EmulatorProcess

# provider → (a model of the emulator's, path of its API there)
VENDORS = {
    "gemini": ("gemini-3.8-flash", "gemini"),
    "anthropic": ("claude-sonnet-5-5", "anthropic"),
    "openai": ("gpt-6.1-terra", "openai/v1"),
    "custom": ("maestro-demo", "compatible/v1"),
}

Audit = Callable[..., AuditReport]


@pytest.fixture(autouse=True)
def _fresh_wire() -> Iterator[None]:
    before = settings()
    configure(HttpSettings(connect_timeout_s=2.0, read_timeout_s=10.0))
    optional_fields.forget()
    yield
    pool.close_idle()
    configure(before)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A store of the test's own."""
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    return own


@pytest.fixture
def audit(emulator: EmulatorProcess, store: MemoryStore) -> Audit:
    """`provider.audit_code` with the emulated vendor and its model filled in."""

    def ask(source: Any, vendor: str = "gemini", **options: Any) -> AuditReport:
        model, path = VENDORS[vendor]
        if not store.find(vendor, "work"):
            provider.create_session(
                vendor,
                "api_key",
                name="work",
                api_key="demo",
                base_url=f"{emulator.base}/{path}",
            )
        return provider.audit_code(
            vendor, "work", source, **{"model": model, **options}
        )

    return ask
