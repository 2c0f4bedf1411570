"""Headers of a login that may chat."""

from __future__ import annotations

import pytest

from tests.emulator import EmulatorProcess
from tests.providers.emulator.logins import USER_AGENT, log_in


@pytest.fixture
def codex(emulator: EmulatorProcess) -> dict[str, str]:
    token = log_in(emulator, "openai")["access_token"]
    return {
        "authorization": f"Bearer {token}",
        "chatgpt-account-id": "acc-0001",
        **USER_AGENT,
    }


@pytest.fixture
def siwc(emulator: EmulatorProcess) -> dict[str, str]:
    return {"authorization": f"Bearer {log_in(emulator, 'siwc')['access_token']}"}
