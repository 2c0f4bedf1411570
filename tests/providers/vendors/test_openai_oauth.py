"""OpenAI's login by browser: the mode of every plan, the key of an organisation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers import provider
from providers.errors import ConfigurationError, CredentialRejected
from providers.oauth import pkce
from providers.openai.oauth import KEY_LATER, NO_ORGANISATION
from providers.store import MemoryStore
from tests.providers.oauth.login_server import LoginServer, query_of
from tests.providers.oauth.openai_logins import (
    CALLBACK,
    CLIENT,
    NO_SUCH,
    TOKEN,
    answer,
    begin,
    id_token,
    logged_in,
    saved,
    tokens,
)


@pytest.fixture
def server() -> Iterator[LoginServer]:
    with LoginServer() as running:
        yield running


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    return own


def test_the_authorize_address_is_the_one_of_this_client(server: LoginServer) -> None:
    login = begin()

    path, _, _ = login.authorize_url.partition("?")
    assert path.endswith("/openai-auth/oauth/authorize")  # rerouted for the person, too
    assert query_of(login.authorize_url) == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": CALLBACK,
        "scope": "openid profile email offline_access",
        "code_challenge": pkce.challenge(login.secret),
        "code_challenge_method": "S256",
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "state": login.state,
        "originator": "maestro",
    }
    assert login.secret not in login.authorize_url
    assert server.asked == []


def test_every_login_has_its_own_verifier_and_state() -> None:
    first, second = begin(), begin()

    assert len({first.secret, second.secret, first.state, second.state}) == 4


def test_a_state_of_the_callers_is_used() -> None:
    assert begin(state="of-the-caller").state == "of-the-caller"


def test_the_ports_of_the_callback_are_the_vendors() -> None:
    method = provider.login_method("openai")

    assert (method.key, method.host, method.path) == (
        "browser",
        "localhost",
        "/auth/callback",
    )
    assert method.ports == (1455, 1457)


def test_a_login_needs_its_redirect_address_and_a_known_mode() -> None:
    with pytest.raises(ConfigurationError, match="redirect"):
        provider.begin_login("openai", name="work")
    with pytest.raises(ConfigurationError, match="auto, chatgpt, api_key"):
        begin(mode="free-for-all")


def test_a_consumer_plan_is_used_in_chatgpt_mode(server: LoginServer) -> None:
    server.says(TOKEN, tokens("plus"))
    login = begin()

    assert provider.finish_login(login, answer(login)) == "work"

    assert [a.form for a in server.to(TOKEN)] == [
        {
            "grant_type": "authorization_code",
            "code": "the-code",
            "redirect_uri": CALLBACK,
            "client_id": CLIENT,
            "code_verifier": login.secret,
        }
    ]
    found = saved()
    assert found.metadata["kind"] == "codex"
    assert found.metadata["mode"] == "chatgpt"
    assert found.metadata["mode_choice"] == "auto"
    assert found.metadata["plan"] == "Plus"
    assert found.metadata["account_id"] == "acc-1"
    assert found.metadata["email"] == "ada@example.com"
    assert "warning" not in found.metadata
    assert found.problem == ""
    assert set(found.secrets) == {"access_token", "refresh_token"}  # no ID token


def test_a_team_of_an_organisation_gets_a_key_and_a_warning(
    server: LoginServer,
) -> None:
    given = tokens(
        "enterprise", id_token=id_token("enterprise", organization_id="org-1")
    )
    server.says(TOKEN, given)
    server.says(TOKEN, {"access_token": "sk-test-minted"})
    login = begin()

    found = provider.complete_login(login, answer(login))

    assert server.to(TOKEN)[1].form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "client_id": CLIENT,
        "requested_token": "openai-api-key",
        "subject_token": given["id_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    }
    assert found.secret("api_key") == "sk-test-minted"
    assert found.metadata["mode"] == "api_key"
    assert "billed per token" in found.metadata["warning"]
    assert found.metadata["organization"] == "org-1"
    assert "id_token" not in found.secrets
    assert found.problem == ""


@pytest.mark.parametrize("plan", [None, "platinum"])
def test_an_unknown_plan_gets_a_key(server: LoginServer, plan: str | None) -> None:
    assert logged_in(server, plan).metadata["mode"] == "api_key"


def test_the_person_may_choose_chatgpt_at_login(server: LoginServer) -> None:
    found = logged_in(server, "business", mode="chatgpt")

    assert found.metadata["mode"] == "chatgpt"
    assert "api_key" not in found.secrets
    assert server.to(TOKEN) == []


def test_the_person_may_choose_a_key_at_login(server: LoginServer) -> None:
    found = logged_in(server, "plus", mode="api_key")

    assert found.metadata["mode"] == "api_key"
    assert found.secret("api_key") == "sk-test-minted-1"
    assert found.metadata["warning"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_an_account_without_an_organisation_is_told_and_loses_nothing(
    server: LoginServer, status: int
) -> None:
    server.says(TOKEN, tokens("business"))
    server.says(TOKEN, NO_SUCH, status)
    login = begin()

    provider.finish_login(login, answer(login))

    found = saved()
    assert found.problem == NO_ORGANISATION
    assert "ChatGPT mode" in found.problem
    assert found.secret("refresh_token") == "rt-1"
    with pytest.raises(CredentialRejected, match="ChatGPT mode"):
        provider.list_models("openai", "oauth", "work")


def test_such_an_account_works_after_switching_to_chatgpt(server: LoginServer) -> None:
    server.says(TOKEN, tokens("business"))
    server.says(TOKEN, NO_SUCH, 400)
    server.says(TOKEN, tokens("business", 2))
    models = "GET https://chatgpt.com/backend-api/codex/models"
    server.says(models, {"models": [{"slug": "gpt-5.6-sol", "visibility": "list"}]})
    login = begin()
    provider.finish_login(login, answer(login))

    assert provider.choose_mode("openai", "work", "chatgpt") == "chatgpt"

    assert saved().problem == ""
    assert [m.id for m in provider.list_models("openai", None, "work")] == [
        "gpt-5.6-sol"
    ]
    assert server.to(models)[0].headers["authorization"] == "Bearer at-2"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_key_that_cannot_be_made_just_now_is_made_at_the_next_refresh(
    server: LoginServer, status: int
) -> None:
    server.says(TOKEN, tokens("business"))
    server.says(TOKEN, {"error": "busy"}, status)
    server.says(TOKEN, tokens("business", 2))
    server.says(TOKEN, {"access_token": "sk-test-late"})
    login = begin()
    provider.finish_login(login, answer(login))
    assert saved().problem == KEY_LATER

    provider.refresh_tokens("openai", "work")

    assert saved().problem == ""
    assert saved().secret("api_key") == "sk-test-late"
