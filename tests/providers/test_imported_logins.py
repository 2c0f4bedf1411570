"""Logins that were imported from a file go on as logins made here do."""

from __future__ import annotations

import pytest

from providers import options, provider
from providers.store import MemoryStore
from tests.providers.import_files import (
    adc,
    codex,
    cpa_codex,
    profile_config,
    profile_tokens,
    read_one,
)
from tests.providers.oauth.login_server import LoginServer

FRESH = {"access_token": "at-test-fresh", "expires_in": 3600, "token_type": "Bearer"}


@pytest.fixture
def server():
    with LoginServer() as running:
        yield running


@pytest.fixture(autouse=True)
def store(monkeypatch):
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    monkeypatch.setattr(options, "_options", {})
    return own


def test_default_credentials_fetch_their_first_token_with_their_own_client(
    server, store
):
    store.create(read_one(adc()).credential)
    server.says("POST https://oauth2.googleapis.com/token", FRESH)
    models = "GET https://generativelanguage.googleapis.com/v1beta/models"
    server.says(models, {"models": []})

    provider.list_models("gemini", "oauth", "imported")

    [token, asked] = server.asked
    assert token.form["client_id"] == "client-test.apps.googleusercontent.com"
    assert token.form["client_secret"] == "GOCSPX-test-secret"
    assert token.form["refresh_token"] == "1//test-adc-refresh"
    assert asked.headers["authorization"] == "Bearer at-test-fresh"
    assert asked.headers["x-goog-user-project"] == "project-test"


@pytest.mark.parametrize("document", [codex(), cpa_codex()])
def test_a_chatgpt_login_is_renewed_and_keeps_its_account_and_mode(
    server, store, document
):
    store.create(read_one(document).credential)
    server.says(
        "POST https://auth.openai.com/oauth/token",
        FRESH | {"refresh_token": "rt-test-rotated"},
    )

    provider.refresh_tokens("openai", "imported")

    found = store.get("openai", "oauth", "imported")
    assert found.secret("refresh_token") == "rt-test-rotated"
    assert found.metadata["mode"] == "chatgpt"
    assert found.metadata["account_id"] == "acc-test"
    assert found.metadata["email"] == "alice@example.com"
    assert len(server.asked) == 1  # no key is minted for it


def test_a_profile_is_renewed_at_its_own_address_and_names_its_workspace(server, store):
    config = profile_config(base_url="https://api.anthropic.com")
    store.create(read_one(config, "p.json", profile_tokens()).credential)
    server.says("POST https://api.anthropic.com/v1/oauth/token", FRESH)
    server.says("GET https://api.anthropic.com/v1/models", {"data": []})

    provider.refresh_tokens("anthropic", "imported")
    provider.list_models("anthropic", "oauth", "imported")

    [token, asked] = server.asked
    assert token.json["client_id"] == "client-test"
    assert token.json["refresh_token"] == "rt-test-profile-refresh"
    assert asked.headers["authorization"] == "Bearer at-test-fresh"
    assert asked.headers["anthropic-workspace-id"] == "wrkspc-test"
