"""Anthropic's logins: a pasted code, JSON bodies, one beta header, the terms kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers import options, provider
from providers.anthropic.config import SLUG
from providers.errors import (
    ConfigurationError,
    CredentialRejected,
    ProviderUnavailable,
    RateLimited,
)
from providers.events import TextDelta
from providers.oauth import pkce
from providers.oauth.login import Login
from providers.options import VendorOptions
from providers.store import MemoryStore
from providers.types import Credential, Message, Secret, TextPart
from tests.providers.dialects.wires import typed
from tests.providers.oauth.login_server import LoginServer, query_of

CONSOLE = "https://platform.claude.com"
TOKEN = f"POST {CONSOLE}/v1/oauth/token"
MESSAGES = "POST https://api.anthropic.com/v1/messages"
MODELS = "GET https://api.anthropic.com/v1/models"
CLIENT = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
BETA = "oauth-2025-04-20"
TOKENS = {
    "access_token": "sk-ant-oat01-test1",
    "refresh_token": "sk-ant-ort01-test1",
    "token_type": "Bearer",
    "expires_in": 28800,
    "scope": "org:create_api_key user:profile user:inference",
    "organization": {"uuid": "org-1", "name": "Acme"},
    "account": {"uuid": "acc-1", "email_address": "ada@example.com"},
}
ANSWER = typed(
    {"type": "message_start", "message": {"id": "m", "model": "claude-sonnet-5"}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Hello"},
    },
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
)


@pytest.fixture
def server() -> Iterator[LoginServer]:
    with LoginServer() as running:
        yield running


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    monkeypatch.setattr(options, "_options", {})
    return own


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator has switched the subscription login on."""
    own = VendorOptions(allows=frozenset({"subscription"}))
    monkeypatch.setattr(options, "_options", {SLUG: own})


def begin(method: str = "") -> Login:
    return provider.begin_login("anthropic", name="work", method=method)


def saved(server: LoginServer, store: MemoryStore) -> Credential:
    server.says(TOKEN, TOKENS)
    login = begin()
    provider.finish_login(login, f"the-code#{login.state}")
    server.forget(TOKEN)
    server.asked.clear()
    return store.get("anthropic", "oauth", "work")


def test_the_console_is_the_login_that_is_offered() -> None:
    login = begin()

    assert login.method == "console"
    assert login.authorize_url.startswith(f"{CONSOLE}/oauth/authorize?")
    assert query_of(login.authorize_url) == {
        "code": "true",
        "client_id": CLIENT,
        "response_type": "code",
        "redirect_uri": f"{CONSOLE}/oauth/code/callback",
        "scope": "org:create_api_key user:profile user:inference",
        "code_challenge": pkce.challenge(login.secret),
        "code_challenge_method": "S256",
        "state": login.state,
    }
    assert login.state != login.secret
    assert login.secret not in login.authorize_url


@pytest.mark.parametrize("pasted", ["the-code#{}", "the-code", " the-code#{} \n"])
def test_a_pasted_code_is_traded_in_json(server: LoginServer, pasted: str) -> None:
    server.says(TOKEN, TOKENS)
    login = begin()

    found = provider.complete_login(login, pasted.format(login.state))

    asked = server.to(TOKEN)[0]
    assert asked.json == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": f"{CONSOLE}/oauth/code/callback",
        "client_id": CLIENT,
        "code_verifier": login.secret,
        "state": login.state,
    }
    assert found.metadata["kind"] == "console"
    assert found.metadata["email"] == "ada@example.com"
    assert found.metadata["account_id"] == "acc-1"
    assert found.metadata["organization_id"] == "org-1"
    assert found.metadata["organization_name"] == "Acme"
    assert found.metadata["lifetime_s"] == "28800"


def test_the_address_of_the_page_is_taken_too(server: LoginServer) -> None:
    server.says(TOKEN, TOKENS)
    login = begin()
    url = f"{CONSOLE}/oauth/code/callback?code=the-code&state={login.state}"

    provider.complete_login(login, url)

    assert server.to(TOKEN)[0].json["code"] == "the-code"


def test_a_code_of_another_login_is_not_sent(server: LoginServer) -> None:
    login = begin()

    with pytest.raises(ConfigurationError, match="another login"):
        provider.complete_login(login, "the-code#another-state")

    assert server.asked == []


@pytest.mark.parametrize("odd", [None, 5, "text", [], {"uuid": 5}, {}])
def test_an_answer_that_does_not_say_who_it_is_is_good_enough(
    server: LoginServer, odd: Any
) -> None:
    server.says(TOKEN, {**TOKENS, "account": odd, "organization": odd})

    found = provider.complete_login(begin(), "the-code")

    assert "email" not in found.metadata
    assert found.secret("access_token") == "sk-ant-oat01-test1"


def test_a_subscription_is_refused_with_the_reason() -> None:
    method = provider.login_method("anthropic", "subscription")

    assert method.refusal.startswith("Switched off here")
    assert "does not allow" in method.refusal
    with pytest.raises(ConfigurationError, match="Switched off here"):
        begin("subscription")


def test_a_subscription_that_was_begun_before_the_switch_went_off_is_refused(
    server: LoginServer, allowed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = begin("subscription")
    monkeypatch.setattr(options, "_options", {})

    with pytest.raises(ConfigurationError, match="Switched off here"):
        provider.complete_login(login, f"the-code#{login.state}")

    assert server.asked == []


def test_the_vendor_itself_refuses_a_subscription_not_only_the_door() -> None:
    from providers.anthropic.oauth import AnthropicOAuth
    from providers.oauth.login import LoginRequest

    request = LoginRequest(name="work", method="subscription", state="s" * 43)
    with pytest.raises(ConfigurationError, match="Switched off here"):
        AnthropicOAuth().begin(request)


def test_an_operator_may_switch_the_subscription_on(
    server: LoginServer, allowed: None
) -> None:
    server.says(TOKEN, TOKENS)
    method = provider.login_method("anthropic", "subscription")
    login = begin("subscription")

    assert (method.refusal, bool(method.warning)) == ("", True)
    assert provider.login_method("anthropic").key == "console"  # still the default
    assert "/claude-ai/oauth/authorize" in login.authorize_url
    assert query_of(login.authorize_url)["scope"] == "user:profile user:inference"
    found = provider.complete_login(login, f"the-code#{login.state}")
    assert found.metadata["kind"] == "subscription"


def test_scopes_and_client_may_be_the_operators(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = VendorOptions(client_id="client-of-the-team", scopes=("user:inference",))
    monkeypatch.setattr(options, "_options", {SLUG: own})

    query = query_of(begin().authorize_url)

    assert query["client_id"] == "client-of-the-team"
    assert query["scope"] == "user:inference"


def test_every_request_names_the_login_and_imitates_nobody(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)
    server.says(TOKEN, TOKENS)
    server.says(MODELS, {"data": [], "has_more": False})
    server.says(MESSAGES, ANSWER, content_type="text/event-stream")

    provider.check_session("anthropic", "work")
    provider.refresh_tokens("anthropic", "work")
    with provider.stream_chat(
        "anthropic",
        "work",
        [Message(role="user", parts=[TextPart(text="Hi")])],
        model="claude-sonnet-5",
        system="Be brief.",
    ) as stream:
        events = list(stream)

    assert TextDelta(part=0, text="Hello") in events
    assert {a.line for a in server.asked} == {TOKEN, MODELS, MESSAGES}
    for asked in server.asked:
        assert asked.headers["anthropic-beta"] == BETA
        assert asked.headers["user-agent"].startswith("maestro/")
        assert "x-api-key" not in asked.headers
        assert b"Claude Code" not in asked.raw
        assert "claude-cli" not in str(asked.headers)
    for line in (MODELS, MESSAGES):
        headers = server.to(line)[0].headers
        assert headers["authorization"] == "Bearer sk-ant-oat01-test1"
        assert headers["anthropic-version"]
    body = server.to(MESSAGES)[0].json
    assert "Be brief." in str(body["system"])


def test_an_api_key_is_sent_without_the_beta_of_logins(server: LoginServer) -> None:
    server.says(MODELS, {"data": [], "has_more": False})
    provider.create_session("anthropic", "api_key", name="key", api_key="sk-test-1")

    provider.check_session("anthropic", "key")

    headers = server.to(MODELS)[0].headers
    assert headers["x-api-key"] == "sk-test-1"
    assert not {"authorization", "anthropic-beta"} & set(headers)


def test_a_workspace_is_named_where_the_login_has_one(
    server: LoginServer, store: MemoryStore
) -> None:
    login = saved(server, store)
    facts = {**login.metadata, "workspace_id": "wrkspc_1"}
    store.note(
        Credential(
            provider="anthropic",
            auth_type="oauth",
            name="work",
            secrets={},
            metadata=facts,
        )
    )
    server.says(MODELS, {"data": [], "has_more": False})

    provider.check_session("anthropic", "work")

    assert server.to(MODELS)[0].headers["anthropic-workspace-id"] == "wrkspc_1"


def test_a_refresh_is_json_and_keeps_the_token_when_none_comes(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)
    server.says(TOKEN, {"access_token": "at-2", "expires_in": 28800})
    server.says(TOKEN, {"access_token": "at-3", "refresh_token": "rt-3"})

    provider.refresh_tokens("anthropic", "work")
    first = store.get("anthropic", "oauth", "work")
    provider.refresh_tokens("anthropic", "work")
    second = store.get("anthropic", "oauth", "work")

    assert server.to(TOKEN)[0].json == {
        "grant_type": "refresh_token",
        "refresh_token": "sk-ant-ort01-test1",
        "client_id": CLIENT,
    }
    assert first.secret("refresh_token") == "sk-ant-ort01-test1"
    assert first.secret("access_token") == "at-2"
    assert second.secret("refresh_token") == "rt-3"
    assert second.metadata["email"] == "ada@example.com"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "x"}, CredentialRejected),
        (
            401,
            {"type": "error", "error": {"type": "authentication_error"}},
            CredentialRejected,
        ),
        (401, {"error": "invalid_client"}, ConfigurationError),
        (429, {"type": "error", "error": {"type": "rate_limit_error"}}, RateLimited),
        (529, {"type": "error", "error": {"type": "overloaded"}}, ProviderUnavailable),
    ],
)
def test_a_refresh_that_is_refused_has_its_meaning(
    server: LoginServer,
    store: MemoryStore,
    status: int,
    body: Any,
    kind: type[Exception],
) -> None:
    saved(server, store)
    server.says(TOKEN, body, status)

    with pytest.raises(kind):
        provider.refresh_tokens("anthropic", "work")

    kept = store.get("anthropic", "oauth", "work")
    assert kept.secret("refresh_token") == "sk-ant-ort01-test1"


def test_an_imported_login_is_renewed_with_the_client_that_made_it(
    server: LoginServer, store: MemoryStore
) -> None:
    store.create(
        Credential(
            provider="anthropic",
            auth_type="oauth",
            name="work",
            secrets={"access_token": Secret("at"), "refresh_token": Secret("rt")},
            metadata={
                "client_id": "client-of-another-program",
                "token_url": "https://api.anthropic.com/v1/oauth/token",
            },
        )
    )
    line = "POST https://api.anthropic.com/v1/oauth/token"
    server.says(line, TOKENS)

    provider.refresh_tokens("anthropic", "work")

    assert server.to(line)[0].json["client_id"] == "client-of-another-program"


def test_there_is_no_device_login_and_no_way_to_take_one_back(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(server, store)

    with pytest.raises(ConfigurationError, match="no device login"):
        provider.poll_login(begin())
    assert provider.revoke_session("anthropic", "work") is False
    assert server.asked == []
