"""Fixtures of the refresh tests: an installation with its database, a token server."""

from __future__ import annotations

import itertools
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sessions_app.sealing.key_files import new_key
from tests import prepared
from tests.faults.nursery import Nursery
from tests.faults.token_server import Family, TokenServer, token_server
from tests.sessions_app.credentials.databases import SERVER, _server

# How often each fail point is passed; the whole proof is 100.
RUNS = int(os.environ.get("MAESTRO_PROOF_RUNS", "10"))
IS_FULL = RUNS >= 100


class Installation:
    """A data directory, a database, a token server, and processes to work on them."""

    def __init__(
        self,
        nursery: Nursery,
        vendor: TokenServer,
        data: Path,
        environment: dict[str, str],
    ) -> None:
        self.nursery = nursery
        self.environment = environment
        self.vendor = vendor
        self.data = data
        self._names = itertools.count(1)

    def login(self, provider: str = "openai", **fields: Any) -> tuple[str, Family]:
        """A saved login whose access token has expired. Its name, the vendor's side."""
        name = f"login_{next(self._names)}"
        _, family = self.vendor.login()
        self.save(provider, name, family, **fields)
        return name, family

    def save(self, provider: str, name: str, family: Family, **fields: Any) -> str:
        """Save (or replace) a login of this family."""
        tokens = {"access": family.access, "refresh": family.refresh}
        saved = self.nursery.do(
            "save", provider=provider, name=name, **tokens, **fields
        )
        return str(saved)

    def row(self, name: str, provider: str = "openai") -> dict[str, Any]:
        """The stored row."""
        return dict(self.nursery.do("row", provider=provider, name=name))

    def ask(self, name: str, provider: str = "openai", **fields: Any) -> dict[str, Any]:
        """One process asks for the login; its first answer."""
        found = self.nursery.do("ask", provider=provider, name=name, **fields)
        assert found["left"] == []
        return dict(found["answers"][0])

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    def spooled(self) -> list[Path]:
        """Files in the spool."""
        return sorted(self.spool.iterdir()) if self.spool.is_dir() else []


def environment(data: Path, vendor: TokenServer, database_url: str) -> dict[str, str]:
    """The product's variables, and nothing of the test's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAESTRO_")}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "maestro.settings",
        "MAESTRO_DATA": str(data),
        "MAESTRO_DATABASE_URL": database_url,
        "MAESTRO_SECRET_KEY": "not-a-real-secret-" + secrets.token_hex(24),
        "MAESTRO_ENCRYPTION_KEYS": new_key(),
        "MAESTRO_REROUTE": vendor.reroute,
        "MAESTRO_GEMINI_OAUTH_CLIENT_ID": "test-client",
        "MAESTRO_GEMINI_OAUTH_CLIENT_SECRET": "test-client-secret",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def database_url(kind: str) -> Iterator[str]:
    """ "" for SQLite in the data directory; else a PostgreSQL database of its own."""
    if kind == "sqlite":
        yield ""
        return
    name = f"maestro_refresh_{secrets.token_hex(4)}"
    with _server() as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{SERVER.rstrip('/')}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def installation(kind: str, data: Path) -> Iterator[Installation]:
    """An empty one, with its schema."""
    with ExitStack() as stack:
        vendor = stack.enter_context(token_server())
        url = stack.enter_context(database_url(kind))
        variables = environment(data, vendor, url)
        nursery = Nursery(variables, data)
        stack.callback(nursery.stop)
        if url:
            nursery.do("migrate")
        else:
            prepared.copy_to(data)
        yield Installation(nursery, vendor, data, variables)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation of each kind."""
    with installation(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on SQLite."""
    with installation("sqlite", tmp_path_factory.mktemp("one")) as made:
        yield made


def note(text: str) -> None:
    """A figure, for whoever runs with `-s`."""
    sys.stderr.write(f"\n    {text}\n")
