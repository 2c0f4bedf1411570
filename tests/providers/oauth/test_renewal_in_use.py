"""A login in use: renewed in time, once after a refusal, by one of many who ask."""

from __future__ import annotations

from typing import Any

import pytest

from providers import provider
from providers.errors import (
    ConfigurationError,
    CredentialNotFound,
    CredentialRejected,
    PermissionRefused,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)
from providers.events import Finished, TextDelta
from providers.store import MemoryStore
from providers.types import Secret
from tests.providers.oauth.login_server import LoginServer
from tests.providers.oauth.logins_in_use import (
    ANSWERS,
    KEY_MODELS,
    MODELS,
    TOKEN,
    bearers,
    chat,
    fresh,
    saved,
    serve,
)


@pytest.mark.parametrize(
    ("use", "line"),
    [
        (chat, ANSWERS),
        (lambda: provider.list_models("openai", "oauth", "work"), MODELS),
        (lambda: provider.check_session("openai", "work"), MODELS),
    ],
)
@pytest.mark.parametrize("left_s", [100, 0, -500])
def test_a_token_near_its_end_is_renewed_before_it_is_used(
    server: LoginServer, store: MemoryStore, use: Any, line: str, left_s: float
) -> None:
    saved(store, left_s)
    serve(server)
    server.says(TOKEN, fresh())

    use()

    assert [a.line for a in server.asked] == [TOKEN, line]
    assert bearers(server, line) == ["at-2"]
    assert store.get("openai", "oauth", "work").secret("refresh_token") == "rt-2"


def test_a_token_with_time_left_is_used_as_it_is(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store, 1000)
    serve(server)

    chat()

    assert bearers(server, ANSWERS) == ["at-1"]
    assert server.to(TOKEN) == []


@pytest.mark.parametrize(("status", "body"), [(500, b""), (429, {}), (502, b"<html>")])
def test_a_vendor_that_cannot_renew_just_now_leaves_the_old_token_in_use(
    server: LoginServer, store: MemoryStore, status: int, body: Any
) -> None:
    saved(store, 100)
    serve(server)
    server.says(TOKEN, body, status)

    assert chat()[-1] == Finished(stop_reason="stop", stop_reason_raw="completed")
    assert bearers(server, ANSWERS) == ["at-1"]


@pytest.mark.parametrize(
    ("status", "kind"), [(500, ProviderUnavailable), (429, RateLimited)]
)
def test_an_expired_token_is_not_sent_when_it_cannot_be_renewed(
    server: LoginServer, store: MemoryStore, status: int, kind: type[ProviderError]
) -> None:
    saved(store, -1)
    serve(server)
    server.says(TOKEN, {}, status)

    with pytest.raises(kind):
        chat()

    assert server.to(ANSWERS) == []


def test_a_login_the_vendor_has_ended_asks_for_a_new_one(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store, 100)
    serve(server)
    server.says(TOKEN, {"error": "invalid_grant"}, 400)

    with pytest.raises(CredentialRejected, match="Log in again"):
        chat()

    assert server.to(ANSWERS) == []
    assert store.get("openai", "oauth", "work").secret("refresh_token") == "rt-1"


@pytest.mark.parametrize(
    ("use", "line"),
    [(chat, ANSWERS), (lambda: provider.list_models("openai", None, "work"), MODELS)],
)
def test_a_refusal_in_use_is_followed_by_one_refresh_and_one_repeat(
    server: LoginServer, store: MemoryStore, use: Any, line: str
) -> None:
    saved(store)
    serve(server, refusals=1)
    server.says(TOKEN, fresh())

    use()

    assert [a.line for a in server.asked] == [line, TOKEN, line]
    assert bearers(server, line) == ["at-1", "at-2"]


@pytest.mark.parametrize(
    ("use", "line"),
    [(chat, ANSWERS), (lambda: provider.list_models("openai", None, "work"), MODELS)],
)
def test_a_second_refusal_is_the_error(
    server: LoginServer, store: MemoryStore, use: Any, line: str
) -> None:
    saved(store)
    serve(server, refusals=5)
    server.says(TOKEN, fresh())

    with pytest.raises(ProviderError) as told:
        use()

    assert told.value.status == 401
    assert [a.line for a in server.asked] == [line, TOKEN, line]


def test_the_events_after_a_renewal_are_those_of_one_answer(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store)
    serve(server, refusals=1)
    server.says(TOKEN, fresh())

    events = chat()

    assert [e for e in events if isinstance(e, TextDelta)] == [
        TextDelta(part=0, text="Hello")
    ]
    assert len([e for e in events if isinstance(e, Finished)]) == 1


def test_a_refusal_while_the_vendor_cannot_renew_is_told_as_that(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store)
    serve(server, refusals=5)
    server.says(TOKEN, b"", 503)

    with pytest.raises(ProviderUnavailable):
        chat()

    assert len(server.to(ANSWERS)) == 1


@pytest.mark.parametrize("status", [403, 400, 404, 500])
def test_only_a_refused_credential_is_renewed(
    server: LoginServer, store: MemoryStore, status: int
) -> None:
    saved(store)
    server.says(ANSWERS, {"error": {"message": "no"}}, status)
    server.says(TOKEN, fresh())

    with pytest.raises(ProviderError):
        chat()

    assert server.to(TOKEN) == []
    if status == 403:
        with pytest.raises(PermissionRefused):
            chat()


def test_a_login_without_a_refresh_token_is_refused_as_it_is(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store, secrets={"access_token": Secret("at-1")})
    serve(server, refusals=5)

    with pytest.raises(ProviderError) as told:
        chat()

    assert told.value.status == 401
    assert len(server.asked) == 1
    with pytest.raises(CredentialRejected, match="no refresh token"):
        provider.refresh_tokens("openai", "work")


def test_a_login_with_a_problem_sends_nothing(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store, 100, problem="Log in again, please.")

    with pytest.raises(CredentialRejected, match="Log in again, please"):
        chat()

    assert server.asked == []


def test_a_renewal_that_brings_a_problem_is_told_before_anything_is_asked(
    server: LoginServer, store: MemoryStore
) -> None:
    facts = {"kind": "codex", "mode": "api_key", "lifetime_s": "3600"}
    saved(store, 100, metadata=facts)
    server.says(TOKEN, fresh())  # no ID token, so no key

    with pytest.raises(CredentialRejected):
        provider.list_models("openai", "oauth", "work")

    assert [a.line for a in server.asked] == [TOKEN]


def test_a_key_is_never_renewed(server: LoginServer, store: MemoryStore) -> None:
    provider.create_session("openai", "api_key", name="key", api_key="sk-test-1")
    server.says(KEY_MODELS, {"error": {"code": "invalid_api_key"}}, 401)

    with pytest.raises(CredentialRejected):
        provider.list_models("openai", "api_key", "key")
    assert provider.refresh_tokens("openai", "key") is None

    assert [a.line for a in server.asked] == [KEY_MODELS]


def test_a_name_that_is_both_must_say_which(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store)
    provider.create_session("openai", "api_key", name="work", api_key="sk-test-1")
    serve(server)

    with pytest.raises(ConfigurationError, match="auth_type"):
        provider.list_models("openai", None, "work")
    assert [m.id for m in provider.list_models("openai", "oauth", "work")] == ["gpt-9"]


def test_a_login_that_is_not_there_cannot_be_renewed() -> None:
    with pytest.raises(CredentialNotFound):
        provider.refresh_tokens("openai", "nobody")
