"""The universal interface: sessions by name, their checks, their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers import provider
from providers.errors import (
    ConfigurationError,
    CredentialNotFound,
    CredentialRejected,
    ProviderUnavailable,
)
from providers.http import HttpSettings, configure, pool, settings
from providers.store import MemoryStore
from providers.types import Credential, Secret
from tests.providers.dialects.wires import chunks, delta, question
from tests.providers.tiny_server import TinyServer

MODELS = {
    "object": "list",
    "data": [{"id": "m1", "context_length": 4096}, {"id": "m2"}],
}


HELLO = chunks(delta(content="Hel"), delta(content="lo"), delta("stop"))


@pytest.fixture(autouse=True)
def _fresh_wire() -> Iterator[None]:
    before = settings()
    configure(HttpSettings(connect_timeout_s=2.0, read_timeout_s=5.0))
    yield
    pool.close_idle()
    configure(before)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A store of the test's own, in the place of the installed one."""
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    return own


@pytest.fixture
def server() -> Iterator[TinyServer]:
    answers = {
        "GET /v1/models": (200, MODELS),
        "POST /v1/chat/completions": (200, HELLO),
    }
    with TinyServer(answers) as running:
        yield running


def session(server: TinyServer, **more: Any) -> str:
    """A saved session with a server of one's own."""
    fields = {"name": "work", "api_key": "sk-secret", **more}
    return provider.create_session(
        "custom", "api_key", base_url=f"{server.url}/v1", **fields
    )


def oauth(name: str = "work") -> Credential:
    return Credential(
        provider="custom",
        auth_type="oauth",
        name=name,
        secrets={"access_token": Secret("t")},
    )


def test_a_session_is_made_under_a_name_and_found_by_it(
    server: TinyServer, store: MemoryStore
) -> None:
    session_id = session(server, organization="org", project="proj")

    kept = store.get("custom", "api_key", session_id)
    assert session_id == "work"
    assert kept.secret("api_key") == "sk-secret"
    assert kept.base_url == f"{server.url}/v1"
    assert kept.metadata == {"organization": "org", "project": "proj"}
    assert server.asked == []


def test_a_name_is_kept_in_lower_case_with_spaces_as_underscores(
    server: TinyServer,
) -> None:
    assert session(server, name="  My Work  Key ") == "my_work_key"


@pytest.mark.parametrize("name", ["", "   ", "\t\n", "ab", "x" * 51, "a/b", "ключ"])
def test_a_name_that_is_none_is_refused_and_nothing_is_kept(
    server: TinyServer, store: MemoryStore, name: str
) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        session(server, name=name)

    assert store.find("custom", name) == []


def test_a_name_that_is_taken_is_refused_and_the_first_key_stays(
    server: TinyServer, store: MemoryStore
) -> None:
    session(server)
    with pytest.raises(ConfigurationError, match="already taken"):
        session(server, name="Work", api_key="sk-other")

    assert store.get("custom", "api_key", "work").secret("api_key") == "sk-secret"


def test_the_same_name_may_serve_two_vendors(server: TinyServer) -> None:
    session(server)

    assert (
        provider.create_session("groq", "api_key", name="work", api_key="k") == "work"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"provider": "groq", "api_key": ""}, "needs an API key"),
        ({"provider": "groq", "api_key": "  "}, "needs an API key"),
        ({"provider": "groq", "api_key": "a\nb"}, "one word"),
        ({"provider": "groq", "api_key": "ключ"}, "one word"),
        ({"provider": "custom", "base_url": ""}, "needs the base URL"),
        ({"provider": "custom", "base_url": "ftp://a.example"}, "http"),
        ({"provider": "custom", "base_url": "https://me:pw@a.example"}, "passwords"),
        ({"provider": "nobody"}, "no provider 'nobody'"),
    ],
)
def test_what_a_vendor_needs_is_asked_for(fields: dict[str, str], words: str) -> None:
    given = {"api_key": "k", "base_url": "", **fields}
    with pytest.raises(ConfigurationError, match=words):
        provider.create_session(given.pop("provider"), "api_key", name="work", **given)


def test_a_login_is_not_made_by_hand() -> None:
    with pytest.raises(ConfigurationError, match="does not offer oauth"):
        provider.create_session("groq", "oauth", name="work")


def test_a_server_that_wants_no_key_gets_none(server: TinyServer) -> None:
    session(server, api_key="")
    provider.list_models("custom", "api_key", "work")

    assert "authorization" not in server.asked[0].headers


def test_a_good_session_passes_its_check(server: TinyServer) -> None:
    session(server)
    provider.check_session("custom", "work")

    assert [asked.line for asked in server.asked] == ["GET /v1/models"]


def test_a_refused_key_fails_its_check_with_the_reason(server: TinyServer) -> None:
    refusal = {"error": {"message": "Bad key.", "code": "invalid_api_key"}}
    server.answers["GET /v1/models"] = (401, refusal)
    session(server)

    with pytest.raises(CredentialRejected) as caught:
        provider.check_session("custom", "work")
    assert caught.value.status == 401
    assert "sk-secret" not in str(caught.value)


def test_a_credential_can_be_checked_before_it_is_saved(
    server: TinyServer, store: MemoryStore
) -> None:
    credential = provider.build_api_key_credential(
        "custom", "work", "k", base_url=f"{server.url}/v1"
    )
    provider.check_credential(credential)

    assert store.find("custom", "work") == []


def test_a_server_that_is_not_there_is_unavailable(server: TinyServer) -> None:
    provider.create_session(
        "custom", "api_key", name="work", base_url="http://127.0.0.1:9/v1"
    )

    with pytest.raises(ProviderUnavailable):
        provider.check_session("custom", "work")


@pytest.mark.parametrize("call", ["check_session", "refresh_tokens", "list_models"])
def test_an_unknown_session_is_not_found(call: str) -> None:
    arguments: tuple[Any, ...] = ("groq", "nowhere")
    if call == "list_models":
        arguments = ("groq", "api_key", "nowhere")

    with pytest.raises(CredentialNotFound, match="no saved groq credential"):
        getattr(provider, call)(*arguments)


def test_a_session_of_another_vendor_is_not_found(server: TinyServer) -> None:
    session(server)

    with pytest.raises(CredentialNotFound):
        provider.stream_chat("groq", "work", [question()], model="m1")


def test_a_name_of_two_kinds_is_not_guessed(
    server: TinyServer, store: MemoryStore
) -> None:
    session(server)
    store.create(oauth())

    with pytest.raises(ConfigurationError, match="auth_type="):
        provider.check_session("custom", "work")
    provider.check_session("custom", "work", auth_type="api_key")


def test_an_api_key_needs_no_refresh(server: TinyServer) -> None:
    session(server)

    assert provider.refresh_tokens("custom", "work") is None
    assert server.asked == []


def test_a_login_of_a_vendor_without_one_cannot_be_refreshed(
    store: MemoryStore,
) -> None:
    store.create(oauth())

    with pytest.raises(ConfigurationError, match="does not offer oauth"):
        provider.refresh_tokens("custom", "work")


def test_a_deleted_session_is_gone_and_may_be_deleted_again(
    server: TinyServer, store: MemoryStore
) -> None:
    session(server)
    provider.delete_session("custom", "api_key", "work")
    provider.delete_session("custom", "api_key", "work")

    assert store.find("custom", "work") == []
    assert session(server) == "work"


def test_deleting_one_kind_leaves_the_other(
    server: TinyServer, store: MemoryStore
) -> None:
    session(server)
    store.create(oauth())
    provider.delete_session("custom", "api_key", "work")

    assert store.find("custom", "work") == ["oauth"]
