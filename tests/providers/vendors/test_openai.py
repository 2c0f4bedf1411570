"""OpenAI: how a key signs, what is checked, which models are shown, what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers import provider, resolver
from providers.errors import (
    CredentialRejected,
    PermissionRefused,
    ProtocolError,
    RateLimited,
)
from providers.events import Finished
from providers.http import HttpSettings, configure, pool, settings
from providers.openai.config import reasons
from providers.openai.models import OpenAIModels
from providers.store import MemoryStore
from providers.types import Credential, Secret
from tests.providers.dialects.wires import question, request, typed
from tests.providers.tiny_server import TinyServer
from tests.recordings import http_exchange

ANSWER = typed(
    {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5.4"}},
    {"type": "response.output_text.delta", "delta": "Hi"},
    {"type": "response.completed", "response": {"status": "completed"}},
)


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """OpenAI's origin, on this machine."""
    before = settings()
    answers: dict[str, tuple[int, Any]] = {
        "GET /v1/models": (200, {"object": "list", "data": []}),
        "POST /v1/responses": (200, ANSWER),
    }
    with TinyServer(answers) as running:
        configure(HttpSettings(reroute={"https://api.openai.com": running.url}))
        yield running
        pool.close_idle()
    configure(before)


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())


def session(**more: str) -> str:
    return provider.create_session(
        "openai", "api_key", name="work", api_key="sk-x", **more
    )


def credential(**metadata: str) -> Credential:
    return Credential(
        provider="openai",
        auth_type="api_key",
        name="work",
        secrets={"api_key": Secret("sk-x")},
        metadata=metadata,
    )


def refused(code: str, status: int = 403) -> tuple[int, Any]:
    error = {"message": "No.", "type": "invalid_request_error", "code": code}
    return status, {"error": error}


def test_a_key_is_a_bearer_token() -> None:
    signer = resolver.resolve("openai", "api_key")

    assert signer.headers(credential()) == {"Authorization": "Bearer sk-x"}


def test_organization_and_project_are_named_where_they_are_set() -> None:
    signer = resolver.resolve("openai", "api_key")

    assert signer.headers(credential(organization="org-1", project="proj_1")) == {
        "Authorization": "Bearer sk-x",
        "OpenAI-Organization": "org-1",
        "OpenAI-Project": "proj_1",
    }


def test_the_check_reads_the_model_list(server: TinyServer) -> None:
    session(organization="org-1")
    provider.check_session("openai", "work")

    (asked,) = server.asked
    assert asked.line == "GET /v1/models"
    assert asked.headers["authorization"] == "Bearer sk-x"
    assert asked.headers["openai-organization"] == "org-1"


def test_a_restricted_key_is_usable_though_it_may_not_list(server: TinyServer) -> None:
    server.answers["GET /v1/models"] = refused("insufficient_permissions")
    session()

    provider.check_session("openai", "work")


def test_a_country_that_is_not_served_is_no_restricted_key(server: TinyServer) -> None:
    server.answers["GET /v1/models"] = refused("unsupported_country_region_territory")
    session()

    with pytest.raises(PermissionRefused):
        provider.check_session("openai", "work")


@pytest.mark.parametrize(
    ("name", "error"),
    [("401_invalid_api_key", CredentialRejected), ("429_rate_limit", RateLimited)],
)
def test_what_openai_refused_once_is_refused_here(
    server: TinyServer, name: str, error: type[Exception]
) -> None:
    exchange = http_exchange("openai", name)
    server.answers["GET /v1/models"] = (exchange.status, exchange.facts["body"])
    session()

    with pytest.raises(error):
        provider.check_session("openai", "work")


def test_an_answer_is_asked_for_on_the_responses_wire(server: TinyServer) -> None:
    session()
    with provider.stream_chat("openai", "work", [question("Hi")], model="o3") as stream:
        events = list(stream)

    assert isinstance(events[-1], Finished)
    (asked,) = server.asked
    assert asked.line == "POST /v1/responses"
    assert asked.headers["authorization"] == "Bearer sk-x"
    assert asked.body["model"] == "o3"
    assert asked.body["store"] is False
    assert asked.body["include"] == ["reasoning.encrypted_content"]


def test_a_credential_with_its_own_address_is_sent_there_only() -> None:
    streaming = resolver.resolve("openai", "streaming")
    own = Credential(
        provider="openai",
        auth_type="api_key",
        name="eu",
        secrets={},
        base_url="https://eu.api.openai.com/v1/",
    )

    url = streaming.call(request(question()), own).url
    assert url == "https://eu.api.openai.com/v1/responses"


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("gpt-5.4", True),
        ("gpt-5.4-2026-03-05", True),
        ("o3", True),
        ("gpt-9-of-tomorrow", True),
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("gpt-3.5-turbo", False),
        ("gpt-5-chat-latest", False),
        ("chatgpt-4o-latest", False),
    ],
)
def test_only_models_that_reason_are_asked_to(model: str, wanted: bool) -> None:
    assert reasons(model) is wanted
    body = (
        resolver.resolve("openai", "streaming")
        .call(request(question(), model=model), credential())
        .body
    )
    assert ("include" in body) is wanted
    assert ("reasoning" in body) is wanted


def listed(server: TinyServer, *rows: dict[str, Any]) -> list[Any]:
    server.answers["GET /v1/models"] = (200, {"object": "list", "data": list(rows)})
    session()
    return list(provider.list_models("openai", "api_key", "work"))


def test_models_come_newest_first_and_snapshots_last(server: TinyServer) -> None:
    found = listed(
        server,
        {"id": "gpt-5", "created": 10},
        {"id": "gpt-5.4-2026-03-05", "created": 31},
        {"id": "gpt-5.4", "created": 30},
    )

    assert [model.id for model in found] == ["gpt-5.4", "gpt-5", "gpt-5.4-2026-03-05"]


def test_only_models_that_chat_are_shown_and_unknown_ones_are_kept(
    server: TinyServer,
) -> None:
    others = (
        "text-embedding-3-large",
        "whisper-1",
        "tts-1-hd",
        "gpt-4o-audio-preview",
        "gpt-realtime",
        "gpt-4o-transcribe",
        "gpt-image-1",
        "dall-e-3",
        "gpt-3.5-turbo-instruct",
        "gpt-4o-search-preview",
        "omni-moderation-latest",
        "davinci-002",
        "sora-2",
    )
    chat = ("gpt-9", "o9-mini", "ft:gpt-4o-mini:acme::1", "gpt-4o")
    rows = [{"id": name, "created": 1} for name in (*others, *chat)]

    found = listed(server, *rows, {"id": None}, {"object": "model"})
    assert {model.id for model in found} == set(chat)


def test_what_the_catalogue_knows_is_added(server: TinyServer) -> None:
    (model, new) = listed(
        server, {"id": "gpt-5.4", "created": 2}, {"id": "gpt-9", "created": 1}
    )

    assert model.context_window is not None
    assert model.price is not None
    assert model.price_date
    assert (new.label, new.context_window, new.price) == ("gpt-9", None, None)


def test_the_list_says_which_models_an_effort_is_sent_to(server: TinyServer) -> None:
    found = listed(
        server,
        {"id": "gpt-5.4", "created": 3},
        {"id": "gpt-9", "created": 2},
        {"id": "gpt-4o", "created": 1},
    )
    assert [model.reasons for model in found] == [True, True, False]


def test_a_snapshot_knows_what_its_family_knows(server: TinyServer) -> None:
    (model,) = listed(server, {"id": "gpt-5.4-2026-03-05", "created": 1})

    assert model.id == "gpt-5.4-2026-03-05"
    assert model.label == "gpt-5.4-2026-03-05"
    assert model.context_window is not None


def test_a_model_with_an_end_is_marked(server: TinyServer) -> None:
    (model,) = listed(server, {"id": "gpt-9", "shutdown_date": "2027-01-14"})

    assert model.deprecated


def test_the_recorded_list_is_read(server: TinyServer) -> None:
    exchange = http_exchange("openai", "models_list")
    names = {model.id for model in listed(server, *exchange.facts["body"]["data"])}

    assert {"gpt-5.4", "gpt-5", "o3", "gpt-4o", "gpt-5.1-codex"} <= names
    assert not any("audio" in n or "image" in n or "embedding" in n for n in names)


@pytest.mark.parametrize("body", [{}, {"data": {}}, [], "models", None])
def test_another_kind_of_answer_is_not_a_model_list(body: Any) -> None:
    class Client:
        def get_json(self, path: str) -> Any:
            return body

    with pytest.raises(ProtocolError, match="base URL"):
        OpenAIModels().list_models(Client())  # type: ignore[arg-type]
