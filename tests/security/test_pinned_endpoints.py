"""S-46: where a login goes is written in the code; nothing that is answered moves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from providers import options, provider
from providers.options import VendorOptions
from providers.store import MemoryStore
from providers.types import Credential, Secret
from tests.providers.oauth.login_server import LoginServer

EVIL = "https://evil.example"
# What discovery documents and registrations of OAuth name, and what we name such things.
MOVING = {
    name: f"{EVIL}/{name}"
    for name in (
        "token_url", "token_endpoint", "authorize_url", "authorization_endpoint", "issuer",
        "iss", "revocation_endpoint", "registration_endpoint", "jwks_uri", "base_url",
        "resource_server", "api_base", "redirect_uri",
    )
}  # fmt: skip
KINDS = {
    ("openai", "codex"): "https://auth.openai.com/oauth/token",
    ("openai", "siwc"): "https://auth.openai.com/api/accounts/oauth/token",
    ("anthropic", "console"): "https://platform.claude.com/v1/oauth/token",
    ("gemini", "google"): "https://oauth2.googleapis.com/token",
}
HOSTS = {"auth.openai.com", "platform.claude.com", "accounts.google.com"}


@pytest.fixture(autouse=True)
def _team_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    team = VendorOptions(
        client_id="team.apps.googleusercontent.test",
        client_secret=Secret("s"),
        project="p",
    )
    options.configure({"gemini": team}, installation=lambda: "here")
    yield
    options.configure({})


@pytest.mark.parametrize(("slug", "kind"), KINDS)
def test_an_answer_that_names_other_addresses_moves_nothing(
    slug: str, kind: str
) -> None:
    metadata = {"kind": kind, "mode": "chatgpt", "lifetime_s": "3600"}
    provider.sessions.store().create(
        Credential(
            provider=slug,
            auth_type="oauth",
            name="work",
            secrets={"access_token": Secret("at-1"), "refresh_token": Secret("rt-1")},
            metadata=metadata,
            expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        )
    )
    with LoginServer() as server:
        answer = {"access_token": "at", "refresh_token": "rt", "expires_in": 3600}
        server.says(f"POST {KINDS[slug, kind]}", {**answer, **MOVING})
        for _ in range(2):
            provider.refresh_tokens(slug, "work", auth_type="oauth")
        assert [asked.line for asked in server.asked] == [
            f"POST {KINDS[slug, kind]}"
        ] * 2
    stored = provider.sessions.store().get(slug, "oauth", "work")
    assert EVIL not in str(stored.metadata) and not stored.base_url


@pytest.mark.parametrize("slug", ["openai", "anthropic", "gemini"])
def test_a_person_is_sent_to_the_vendors_own_page(slug: str) -> None:
    tried = 0
    for method in provider.login_methods(slug):
        if method.refusal or method.answer == "device":
            continue
        login = provider.begin_login(
            slug,
            name="work",
            method=method.key,
            redirect_uri="http://localhost:1455/auth/callback",
        )
        parts = urlsplit(login.authorize_url)
        assert (parts.scheme, parts.hostname in HOSTS) == ("https", True), method.key
        tried += 1
    assert tried
