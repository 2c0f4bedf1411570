"""Google's login with the team's own client: offline, with consent, for a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers import options, provider
from providers.errors import (
    ConfigurationError,
    CredentialRejected,
    ProviderUnavailable,
)
from providers.gemini.config import SLUG
from providers.oauth import pkce
from providers.oauth.login import Login
from providers.options import VendorOptions
from providers.store import MemoryStore
from providers.types import Credential, Secret
from tests.providers.oauth.login_server import LoginServer, query_of, unsigned

GOOGLE = "https://oauth2.googleapis.com"
TOKEN = f"POST {GOOGLE}/token"
MODELS = "GET https://generativelanguage.googleapis.com/v1beta/models"
CALLBACK = "http://127.0.0.1:40124/oauth2callback"
CLIENT = "123-test.apps.googleusercontent.com"
SECRET = "fake-client-secret"
TOKENS = {
    "access_token": "ya29.test1",
    "refresh_token": "1//test1",
    "expires_in": 3599,
    "scope": "openid email",
    "token_type": "Bearer",
    "id_token": unsigned({"email": "ada@example.com"}),
}


@pytest.fixture
def server() -> Iterator[LoginServer]:
    with LoginServer() as running:
        yield running


def configured(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    fields: dict[str, Any] = {
        "client_id": CLIENT,
        "client_secret": Secret(SECRET),
        "project": "project-1",
    }
    own = VendorOptions(**{**fields, **more})
    monkeypatch.setattr(options, "_options", {SLUG: own})


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    configured(monkeypatch)
    return own


def begin(**more: Any) -> Login:
    return provider.begin_login("gemini", name="work", redirect_uri=CALLBACK, **more)


def answer(login: Login) -> str:
    return f"{CALLBACK}?state={login.state}&code=4/0test&scope=openid"


def saved(server: LoginServer, store: MemoryStore) -> Credential:
    server.says(TOKEN, TOKENS)
    login = begin()
    provider.finish_login(login, answer(login))
    server.forget(TOKEN)
    server.asked.clear()
    return store.get("gemini", "oauth", "work")


@pytest.mark.parametrize(
    "missing",
    [{"client_id": ""}, {"client_secret": None}, {"client_secret": Secret("")}],
)
def test_without_a_client_of_the_team_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, missing: dict[str, Any]
) -> None:
    configured(monkeypatch, **missing)

    assert "MAESTRO_GEMINI_OAUTH_CLIENT_ID" in provider.login_method("gemini").refusal
    with pytest.raises(ConfigurationError, match="MAESTRO_GEMINI_OAUTH_CLIENT_SECRET"):
        begin()


def test_a_client_that_is_taken_away_refuses_and_keeps_the_login(
    server: LoginServer, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(server, store)
    login = begin()
    configured(monkeypatch, client_id="")

    with pytest.raises(ConfigurationError, match="CLIENT_ID"):
        provider.complete_login(login, answer(login))
    with pytest.raises(ConfigurationError, match="CLIENT_ID"):
        provider.refresh_tokens("gemini", "work")

    assert server.asked == []
    assert store.get("gemini", "oauth", "work").secret("refresh_token") == "1//test1"


def test_consent_is_asked_for_again_and_access_while_nobody_is_there() -> None:
    login = begin()

    assert login.authorize_url.startswith(
        "https://accounts.google.com/o/oauth2/v2/auth?"
    )
    assert query_of(login.authorize_url) == {
        "client_id": CLIENT,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "https://www.googleapis.com/auth/cloud-platform "
        "https://www.googleapis.com/auth/generative-language.retriever openid email",
        "state": login.state,
        "code_challenge": pkce.challenge(login.secret),
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
    }
    assert SECRET not in login.authorize_url


def test_scopes_may_be_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, scopes=("openid", "https://example.com/one"))

    scope = query_of(begin().authorize_url)["scope"]

    assert scope == "openid https://example.com/one"


def test_the_servers_own_callback_is_offered_where_it_is_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not provider.login_method("gemini").takes_own_callback

    configured(monkeypatch, callback_url="https://m.example/oauth/callback/gemini/")

    assert provider.login_method("gemini").takes_own_callback


def test_a_code_is_traded_with_the_clients_secret_in_the_body(
    server: LoginServer, store: MemoryStore
) -> None:
    server.says(TOKEN, TOKENS)
    login = begin()

    provider.finish_login(login, answer(login))

    asked = server.to(TOKEN)[0]
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": "4/0test",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "redirect_uri": CALLBACK,
        "code_verifier": login.secret,
    }
    assert "authorization" not in asked.headers
    found = store.get("gemini", "oauth", "work")
    assert found.metadata["email"] == "ada@example.com"
    assert found.metadata["project"] == "project-1"
    assert set(found.secrets) == {"access_token", "refresh_token"}


def test_a_login_again_names_the_account(
    server: LoginServer, store: MemoryStore
) -> None:
    login = begin(again=saved(server, store))

    assert query_of(login.authorize_url)["login_hint"] == "ada@example.com"


def test_a_login_without_a_refresh_token_is_refused_with_advice(
    server: LoginServer, store: MemoryStore
) -> None:
    server.says(TOKEN, {**TOKENS, "refresh_token": None})
    login = begin()

    with pytest.raises(CredentialRejected, match=r"myaccount\.google\.com"):
        provider.finish_login(login, answer(login))

    assert store.find("gemini", "work") == []


@pytest.mark.parametrize("id_token", [None, "garbage", unsigned({"email": 5})])
def test_an_account_that_is_not_named_is_good_enough(
    server: LoginServer, id_token: str | None
) -> None:
    server.says(TOKEN, {**TOKENS, "id_token": id_token})
    login = begin()

    found = provider.complete_login(login, answer(login))

    assert "email" not in found.metadata


def test_requests_name_the_project_that_pays(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)
    server.says(MODELS, {"models": []})

    assert provider.list_models("gemini", "oauth", "work") == []

    headers = server.to(MODELS)[0].headers
    assert headers["authorization"] == "Bearer ya29.test1"
    assert headers["x-goog-user-project"] == "project-1"
    assert "x-goog-api-key" not in headers
    assert server.to(MODELS)[0].query.get("key") is None


def test_the_project_of_the_login_counts_before_that_of_today(
    server: LoginServer, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(server, store)
    configured(monkeypatch, project="project-2")
    server.says(MODELS, {"models": []})

    provider.list_models("gemini", "oauth", "work")

    assert server.to(MODELS)[0].headers["x-goog-user-project"] == "project-1"


def test_without_a_project_none_is_named(
    server: LoginServer, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(monkeypatch, project="")
    saved(server, store)
    server.says(MODELS, {"models": []})

    provider.list_models("gemini", "oauth", "work")

    assert "x-goog-user-project" not in server.to(MODELS)[0].headers


def test_a_refresh_names_client_and_secret_and_keeps_its_token(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)
    server.says(TOKEN, {"access_token": "ya29.test2", "expires_in": 3599})

    provider.refresh_tokens("gemini", "work")

    assert server.to(TOKEN)[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "1//test1",
        "client_id": CLIENT,
        "client_secret": SECRET,
    }
    found = store.get("gemini", "oauth", "work")
    assert found.secret("access_token") == "ya29.test2"
    assert found.secret("refresh_token") == "1//test1"
    assert found.metadata["email"] == "ada@example.com"


def test_a_dead_login_is_explained_with_the_seven_days_of_test_clients(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)
    said = "Token has been expired or revoked."
    server.says(TOKEN, {"error": "invalid_grant", "error_description": said}, 400)

    with pytest.raises(CredentialRejected, match="seven days") as told:
        provider.refresh_tokens("gemini", "work")

    assert "Testing" in told.value.message
    assert told.value.vendor_code == "invalid_grant"
    assert told.value.vendor_message == said
    assert store.get("gemini", "oauth", "work").secret("refresh_token") == "1//test1"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": "invalid_client"}, ConfigurationError),
        (500, {"error": "internal_failure"}, ProviderUnavailable),
        (503, b"<html>", ProviderUnavailable),
    ],
)
def test_a_refresh_that_fails_otherwise_ends_nothing(
    server: LoginServer,
    store: MemoryStore,
    status: int,
    body: Any,
    kind: type[Exception],
) -> None:
    saved(server, store)
    server.says(TOKEN, body, status)

    with pytest.raises(kind) as told:
        provider.refresh_tokens("gemini", "work")

    assert "seven days" not in str(told.value)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    ("status", "body"), [(200, {}), (200, b""), (400, {"error": "invalid_token"})]
)
def test_a_login_is_taken_back_even_one_that_was_dead(
    server: LoginServer, store: MemoryStore, status: int, body: Any
) -> None:
    saved(server, store)
    revoke = f"POST {GOOGLE}/revoke"
    server.says(revoke, body, status)

    assert provider.revoke_session("gemini", "work") is True

    assert server.to(revoke)[0].form == {"token": "1//test1"}


def test_an_imported_login_is_renewed_with_the_client_that_made_it(
    server: LoginServer, store: MemoryStore
) -> None:
    store.create(
        Credential(
            provider="gemini",
            auth_type="oauth",
            name="work",
            secrets={
                "access_token": Secret("at"),
                "refresh_token": Secret("rt"),
                "client_secret": Secret("fake-other-secret"),
            },
            metadata={"client_id": "other.apps.googleusercontent.com"},
        )
    )
    server.says(TOKEN, TOKENS)

    provider.refresh_tokens("gemini", "work")

    sent = server.to(TOKEN)[0].form
    assert sent["client_id"] == "other.apps.googleusercontent.com"
    assert sent["client_secret"] == "fake-other-secret"


def test_there_is_no_device_login() -> None:
    with pytest.raises(ConfigurationError, match="no device login"):
        provider.poll_login(begin())
