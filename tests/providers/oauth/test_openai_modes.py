"""OpenAI's two modes as time goes by: switched, renewed, refused, ended."""

from __future__ import annotations

from typing import Any

import pytest

from providers import provider
from providers.errors import ConfigurationError, CredentialRejected
from providers.openai.oauth import KEY_NEEDS_LOGIN, NO_ORGANISATION
from providers.store import MemoryStore
from tests.providers.oauth.login_server import LoginServer, unsigned
from tests.providers.oauth.openai_logins import (
    AUTH,
    CLIENT,
    NO_SUCH,
    TOKEN,
    answer,
    begin,
    logged_in,
    saved,
    tokens,
)


def test_the_mode_can_be_switched_there_and_back(server: LoginServer) -> None:
    logged_in(server, "plus")
    server.says(TOKEN, tokens("plus", 2))
    server.says(TOKEN, {"access_token": "sk-test-minted"})
    server.says(TOKEN, tokens("plus", 3))
    server.says(TOKEN, tokens("plus", 4))

    assert provider.choose_mode("openai", "work", "api_key") == "api_key"
    assert saved().secret("api_key") == "sk-test-minted"
    assert saved().metadata["warning"]

    assert provider.choose_mode("openai", "work", "chatgpt") == "chatgpt"
    assert "api_key" not in saved().secrets
    assert "warning" not in saved().metadata

    assert provider.choose_mode("openai", "work", "auto") == "chatgpt"
    assert saved().secret("refresh_token") == "rt-4"


def test_a_key_that_is_refused_at_the_switch_leaves_the_login(
    server: LoginServer,
) -> None:
    logged_in(server, "plus")
    server.says(TOKEN, tokens("plus", 2))
    server.says(TOKEN, NO_SUCH, 400)

    with pytest.raises(CredentialRejected, match="no platform organisation"):
        provider.choose_mode("openai", "work", "api_key")

    assert saved().secret("refresh_token") == "rt-2"
    assert saved().problem == NO_ORGANISATION


def test_a_mode_that_is_none_is_refused_before_anything_is_sent(
    server: LoginServer,
) -> None:
    logged_in(server)

    with pytest.raises(ConfigurationError, match="no mode 'gratis'"):
        provider.choose_mode("openai", "work", "gratis")

    assert server.asked == []


def test_a_refresh_is_json_and_replaces_only_what_comes(server: LoginServer) -> None:
    logged_in(server)
    server.says(TOKEN, {"access_token": "at-2"})

    expires_at = provider.refresh_tokens("openai", "work")

    assert server.to(TOKEN)[0].json == {
        "grant_type": "refresh_token",
        "refresh_token": "rt-1",
        "client_id": CLIENT,
    }
    found = saved()
    assert found.secret("access_token") == "at-2"
    assert found.secret("refresh_token") == "rt-1"
    assert found.metadata["plan"] == "Plus"
    assert expires_at == found.expires_at is not None


def test_a_refresh_that_brings_only_a_refresh_token_keeps_the_access_token(
    server: LoginServer,
) -> None:
    before = logged_in(server)
    server.says(TOKEN, {"refresh_token": "rt-2"})

    provider.refresh_tokens("openai", "work")

    assert saved().secret("access_token") == "at-1"
    assert saved().secret("refresh_token") == "rt-2"
    assert saved().expires_at == before.expires_at


def test_a_new_plan_brings_its_mode_unless_somebody_chose(server: LoginServer) -> None:
    logged_in(server, "plus")
    server.says(TOKEN, tokens("enterprise", 2))
    server.says(TOKEN, {"access_token": "sk-test-new"})

    provider.refresh_tokens("openai", "work")

    assert saved().metadata["mode"] == "api_key"
    assert saved().metadata["plan"] == "Enterprise"
    assert saved().secret("api_key") == "sk-test-new"


def test_a_choice_outlives_a_new_plan(server: LoginServer) -> None:
    logged_in(server, "plus", mode="chatgpt")
    server.says(TOKEN, tokens("enterprise", 2))

    provider.refresh_tokens("openai", "work")

    assert saved().metadata["mode"] == "chatgpt"
    assert len(server.to(TOKEN)) == 1


def test_a_key_is_not_made_again_while_it_is_good(server: LoginServer) -> None:
    logged_in(server, "business")
    server.says(TOKEN, tokens("business", 2))

    provider.refresh_tokens("openai", "work")

    assert saved().secret("api_key") == "sk-test-minted-1"
    assert len(server.to(TOKEN)) == 1


def test_a_refused_key_is_made_again_once(server: LoginServer) -> None:
    logged_in(server, "business")
    models = "GET https://api.openai.com/v1/models"
    server.says(models, {"error": {"code": "invalid_api_key"}}, 401)
    server.says(models, {"data": []})
    server.says(TOKEN, tokens("business", 2))
    server.says(TOKEN, {"access_token": "sk-test-second"})

    assert provider.list_models("openai", "oauth", "work") == []

    asked = [a.headers["authorization"] for a in server.to(models)]
    assert asked == ["Bearer sk-test-minted-1", "Bearer sk-test-second"]
    assert len(server.to(TOKEN)) == 2


def test_a_refused_key_without_a_new_id_token_is_told(server: LoginServer) -> None:
    logged_in(server, "business")
    models = "GET https://api.openai.com/v1/models"
    server.says(models, {"error": {"code": "invalid_api_key"}}, 401)
    server.says(TOKEN, tokens("business", 2, id_token=None))

    with pytest.raises(CredentialRejected) as told:
        provider.list_models("openai", "oauth", "work")

    assert told.value.message == KEY_NEEDS_LOGIN
    assert len(server.to(models)) == 1  # never asked without a key
    assert saved().secret("refresh_token") == "rt-2"


def test_a_life_is_read_from_the_token_where_the_answer_does_not_tell(
    server: LoginServer,
) -> None:
    access = unsigned({"iat": 1_000, "exp": 1_000 + 864_000})
    server.says(TOKEN, tokens(expires_in=None, access_token=access))
    login = begin()

    found = provider.complete_login(login, answer(login))

    assert found.metadata["lifetime_s"] == "864000"


@pytest.mark.parametrize(
    "claims",
    [{}, {"iat": 5, "exp": 4}, {"iat": "a", "exp": 9}, {"iat": True, "exp": 10**30}],
)
def test_a_life_nobody_tells_is_eight_days_and_an_absurd_one_is_bounded(
    server: LoginServer, claims: dict[str, Any]
) -> None:
    server.says(TOKEN, tokens(expires_in=None, access_token=unsigned(claims)))
    login = begin()

    found = provider.complete_login(login, answer(login))

    assert found.metadata["lifetime_s"] in ("691200", "34560000")


def test_a_login_is_taken_back_at_the_vendor_when_it_is_deleted(
    server: LoginServer, store: MemoryStore
) -> None:
    logged_in(server)
    revoke = f"POST {AUTH}/oauth/revoke"
    server.says(revoke, b"")

    provider.delete_session("openai", "oauth", "work")

    assert server.to(revoke)[0].json == {
        "token": "rt-1",
        "token_type_hint": "refresh_token",
        "client_id": CLIENT,
    }
    assert store.find("openai", "work") == []


def test_a_vendor_that_is_down_does_not_keep_a_login_from_being_deleted(
    server: LoginServer, store: MemoryStore
) -> None:
    logged_in(server)
    server.says(f"POST {AUTH}/oauth/revoke", b"", 500)

    assert provider.revoke_session("openai", "work") is False
    provider.delete_session("openai", "oauth", "work")

    assert store.find("openai", "work") == []
