"""Logins against the emulator, as a signed-in person does them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.test import Client

from providers import http, options
from providers.openai import codex
from providers.options import VendorOptions
from providers.types import Secret
from sessions_app.installation import host_id
from tests.emulator import EmulatorProcess
from tests.sessions_app.factories import make_user, sign_in


@pytest.fixture
def vendor(emulator: EmulatorProcess, settings: Any) -> Iterator[EmulatorProcess]:
    """Every vendor's origin leads to the emulator; nobody listens on a port."""
    settings.MAESTRO_LOGIN_LISTENER = "false"
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    options.configure(
        {
            "gemini": VendorOptions(
                client_id="team.apps.googleusercontent.test",
                client_secret=Secret("GOCSPX-test-secret"),
                project="team-project",
            )
        },
        installation=host_id,
    )
    yield emulator
    http.configure(before)
    options.configure({})


@pytest.fixture
def listening(
    vendor: EmulatorProcess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> EmulatorProcess:
    """The same, with a loopback listener on a port of its own."""
    settings.MAESTRO_LOGIN_LISTENER = "true"
    vendor.oauth_config(any_port=True)
    free = msgspec.structs.replace(codex.BROWSER, ports=(0,))
    monkeypatch.setattr(codex, "BROWSER", free)
    return vendor


class Person:
    """Somebody's browser."""

    def __init__(self, name: str, **fields: Any) -> None:
        self.user = make_user(name, **fields)
        self.client = Client()
        sign_in(self.client, self.user)

    def call(self, method: str, path: str, /, **body: Any) -> Any:
        return getattr(self.client, method)(
            path, body or None, content_type="application/json"
        )

    def begin(self, provider: str = "openai", **fields: Any) -> dict[str, Any]:
        fields.setdefault("name", "work")
        answer = self.call("post", "/api/logins/", provider=provider, **fields)
        assert answer.status_code == 201, answer.content
        return answer.json()["login"]

    def paste(self, login: dict[str, Any], text: str) -> Any:
        return self.call("post", f"/api/logins/{login['id']}/answer/", answer=text)

    def look(self, login: dict[str, Any]) -> dict[str, Any]:
        answer = self.call("get", f"/api/logins/{login['id']}/")
        assert answer.status_code == 200, answer.content
        return answer.json()["login"]

    def credentials(self) -> list[dict[str, Any]]:
        return self.call("get", "/api/credentials/").json()["credentials"]


@pytest.fixture
def alice(db: None) -> Person:
    return Person("alice")


@pytest.fixture
def bob(db: None) -> Person:
    return Person("bob")
