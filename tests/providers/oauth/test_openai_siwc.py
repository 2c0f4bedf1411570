"""Sign in with ChatGPT: registration, renewal, whose plan pays."""

from __future__ import annotations

from typing import Any

import pytest

from providers import options, provider
from providers.errors import ConfigurationError, CredentialRejected
from providers.oauth import pkce
from providers.openai.siwc import NO_PLAN
from providers.store import MemoryStore
from providers.types import Credential
from tests.providers.oauth.login_server import LoginServer, query_of
from tests.providers.oauth.siwc_logins import (
    CALLBACK,
    HOST,
    ISSUED,
    ISSUER,
    RESOURCE,
    SCOPE,
    TOKEN,
    answer,
    begin,
    finish,
    signed,
    tokens,
)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "_installation", lambda: HOST)


def test_the_first_login_registers_this_installation() -> None:
    login = begin()

    assert query_of(login.authorize_url) == {
        "client_id": "dynamic_agent_client",
        "agent_name_hint": "Maestro",
        "ext_agent_host_id": HOST,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "resource": RESOURCE,
        "state": login.state,
        "nonce": login.nonce,
        "code_challenge": pkce.challenge(login.secret),
        "code_challenge_method": "S256",
    }
    assert login.authorize_url.startswith(f"{ISSUER}/api/accounts/authorize?")
    assert 43 <= len(login.secret) <= 64
    assert len({login.secret, login.state, login.nonce}) == 3


def test_it_needs_an_id_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "_installation", str)

    with pytest.raises(ConfigurationError, match="no id yet"):
        begin()


def test_the_address_it_comes_back_to_is_a_literal_one() -> None:
    method = provider.login_method("openai", "siwc")

    assert (method.host, method.path) == ("127.0.0.1", "/auth/callback")
    assert method.is_personal


def test_the_code_is_traded_with_the_issued_client(server: LoginServer) -> None:
    login = begin()

    found = finish(server, login)

    assert server.to(TOKEN)[0].form == {
        "grant_type": "authorization_code",
        "client_id": ISSUED,
        "code": "the-code",
        "code_verifier": login.secret,
        "redirect_uri": CALLBACK,
        "resource": RESOURCE,
    }
    assert found.metadata["client_id"] == ISSUED
    assert found.metadata["subject"] == "user-1"
    assert found.metadata["email"] == "ada@example.com"
    assert found.metadata["kind"] == "siwc"
    assert found.metadata["is_personal"] == "true"
    assert found.problem == ""
    assert set(found.secrets) == {"access_token", "refresh_token"}


@pytest.mark.parametrize(
    "given",
    [
        "",
        "dynamic_agent_client",
        "app_other",
        "oaiapp_",
        "oaiapp_a%0D%0Ab",
        "oaiapp_%20",
    ],
)
def test_a_registration_without_an_issued_client_is_not_finished(
    server: LoginServer, given: str
) -> None:
    login = begin()

    with pytest.raises(ConfigurationError, match="registration"):
        provider.complete_login(login, answer(login, given))

    assert server.asked == []


def test_a_declined_registration_is_told(server: LoginServer) -> None:
    login = begin()

    with pytest.raises(CredentialRejected, match="declined"):
        provider.complete_login(
            login, f"{CALLBACK}?error=access_denied&state={login.state}"
        )


def test_a_returning_login_uses_its_registration(server: LoginServer) -> None:
    login = begin(again=finish(server, begin()))

    query = query_of(login.authorize_url)
    assert query["client_id"] == ISSUED
    assert query["login_hint"] == "ada@example.com"
    assert query["ext_agent_host_id"] == HOST
    assert "agent_name_hint" not in query


@pytest.mark.parametrize("given", [ISSUED, ""])
def test_a_returning_login_need_not_be_told_its_client_again(
    server: LoginServer, given: str
) -> None:
    login = begin(again=finish(server, begin()))
    server.forget(TOKEN)
    server.says(TOKEN, tokens(signed(login), 2))

    found = provider.complete_login(login, answer(login, given))

    assert found.metadata["client_id"] == ISSUED
    assert server.to(TOKEN)[-1].form["client_id"] == ISSUED


def test_a_returning_login_of_another_client_is_refused(server: LoginServer) -> None:
    login = begin(again=finish(server, begin()))
    server.asked.clear()

    with pytest.raises(ConfigurationError, match="another installation"):
        provider.complete_login(login, answer(login, "oaiapp_other"))

    assert server.asked == []


def test_the_client_of_another_kind_of_login_is_no_registration() -> None:
    other = Credential(
        provider="openai",
        auth_type="oauth",
        name="mine",
        secrets={},
        metadata={"kind": "codex", "client_id": "app_team", "email": "a@example.com"},
    )

    query = query_of(begin(again=other).authorize_url)

    assert query["client_id"] == "dynamic_agent_client"
    assert "login_hint" not in query


def saved(server: LoginServer, store: MemoryStore, **more: Any) -> Credential:
    store.create(finish(server, begin(), **more))
    server.forget(TOKEN)
    server.asked.clear()
    return store.get("openai", "oauth", "mine")


@pytest.mark.parametrize(
    "scope",
    ["openid email", "chatgpt.tokens.use.directly", "xchatgpt.tokens.use.direct"],
)
def test_a_plan_that_may_not_be_used_is_told_and_the_login_kept(
    server: LoginServer, store: MemoryStore, scope: str
) -> None:
    found = saved(server, store, scope=scope)

    assert found.problem == NO_PLAN
    assert found.secret("refresh_token") == "rt-1"
    with pytest.raises(CredentialRejected, match="ChatGPT plan"):
        provider.list_models("openai", "oauth", "mine")
    assert server.asked == []


def test_a_scope_that_is_not_named_is_what_was_asked_for(
    server: LoginServer, store: MemoryStore
) -> None:
    assert saved(server, store, scope=None).problem == ""


def test_a_refresh_names_the_resource_and_no_scope(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)
    server.says(TOKEN, tokens(None, 2, earliest_refresh_at=1_900_000_000))

    provider.refresh_tokens("openai", "mine")

    assert server.to(TOKEN)[0].form == {
        "grant_type": "refresh_token",
        "client_id": ISSUED,
        "refresh_token": "rt-1",
        "resource": RESOURCE,
    }
    found = store.get("openai", "oauth", "mine")
    assert found.secret("refresh_token") == "rt-2"
    assert found.metadata["refresh_not_before"] == "2030-03-17T17:46:40+00:00"
    assert found.metadata["client_id"] == ISSUED


def test_a_refresh_that_names_no_scope_forgives_nothing(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store, scope="openid")
    server.says(TOKEN, tokens(None, 2, scope=None))

    provider.refresh_tokens("openai", "mine")

    assert store.get("openai", "oauth", "mine").problem == NO_PLAN


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("2030-03-17T17:46:40Z", True),
        ("1900000000", True),
        ("soon", False),
        (None, False),
        ([], False),
    ],
)
def test_the_earliest_refresh_is_read_however_it_is_written(
    server: LoginServer, value: Any, is_kept: bool
) -> None:
    found = finish(server, begin(), earliest_refresh_at=value)

    assert ("refresh_not_before" in found.metadata) is is_kept


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"error": "refresh_token_reused"}, 400, CredentialRejected),
        ({"error": {"code": "invalid_refresh_token"}}, 401, CredentialRejected),
        ({"error": "invalid_client"}, 401, ConfigurationError),
    ],
)
def test_a_refresh_that_is_refused_keeps_the_registration(
    server: LoginServer,
    store: MemoryStore,
    body: Any,
    status: int,
    kind: type[Exception],
) -> None:
    saved(server, store)
    server.says(TOKEN, body, status)

    with pytest.raises(kind):
        provider.refresh_tokens("openai", "mine")

    found = store.get("openai", "oauth", "mine")
    assert found.metadata["client_id"] == ISSUED
    assert found.secret("refresh_token") == "rt-1"


def test_a_login_is_taken_back_with_its_client(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)
    revoke = f"POST {ISSUER}/api/accounts/oauth/revoke"
    server.says(revoke, b"")

    assert provider.revoke_session("openai", "mine") is True

    assert server.to(revoke)[0].form == {
        "token": "rt-1",
        "token_type_hint": "refresh_token",
        "client_id": ISSUED,
    }


def test_there_is_no_mode_to_choose(server: LoginServer, store: MemoryStore) -> None:
    found = saved(server, store)

    assert provider.modes_of("openai", found.metadata) == []
    with pytest.raises(ConfigurationError):
        provider.choose_mode("openai", "mine", "api_key")
