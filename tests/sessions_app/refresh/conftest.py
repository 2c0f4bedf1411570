"""A saved login, and a vendor that is a function."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers import refresh
from providers.types import Credential, Secret
from sessions_app import processes
from sessions_app.models import SavedAuthentication
from sessions_app.sealing.key_files import new_key
from sessions_app.tokens.store import DjangoCredentialStore


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Any) -> Path:
    """An own place for spooled tokens, an own key."""
    settings.DATA_DIR = tmp_path
    settings.MAESTRO_ENCRYPTION_KEYS = [new_key()]
    return tmp_path


@pytest.fixture
def store(db: None) -> DjangoCredentialStore:
    """The store the product uses."""
    return DjangoCredentialStore()


@pytest.fixture
def login(store: DjangoCredentialStore) -> Credential:
    """A login whose access token has expired."""
    store.create(
        Credential(
            provider="openai",
            auth_type="oauth",
            name="codex",
            secrets={
                "access_token": Secret("at-test-0"),
                "refresh_token": Secret("rt-test-0"),
            },
            metadata={"kind": "codex", "mode": "chatgpt"},
            expires_at=(datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        )
    )
    return store.get("openai", "oauth", "codex")


class Vendor:
    """What a vendor is asked, and says: an error, or the next token."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says: list[BaseException] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, current: Credential) -> Credential:
        self.asked.append(current.secret("refresh_token"))
        self.meanwhile()
        if self.says:
            raise self.says.pop(0)
        return successor(current, len(self.asked))


def successor(current: Credential, number: int) -> Credential:
    """The next tokens."""
    return msgspec.structs.replace(
        current,
        secrets={
            "access_token": Secret(f"at-test-{number}"),
            "refresh_token": Secret(f"rt-test-{number}"),
        },
        expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    )


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def renew(store: DjangoCredentialStore, vendor: Vendor) -> Callable[..., Credential]:
    """Renew what is stored, or what was seen earlier."""

    def renew(seen: Credential | None = None) -> Credential:
        found = seen or store.get("openai", "oauth", "codex")
        return refresh.renew(store, found, vendor)

    return renew


@pytest.fixture
def row(login: Credential) -> Callable[[], SavedAuthentication]:
    """The row as it is now."""
    return lambda: SavedAuthentication.objects.get(provider="openai", name="codex")


def dead_identity() -> str:
    """The identity of a process that is gone."""
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    worker = processes._identity(ended.pid)
    ended.communicate(b"\n")
    return worker
