"""Anthropic: how a key signs, what is checked, which models are shown, what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers import provider, resolver
from providers.anthropic.config import API_VERSION, quirks_of
from providers.errors import CredentialRejected, ProtocolError
from providers.events import Finished, TextDelta
from providers.http import HttpSettings, configure, pool, settings
from providers.store import MemoryStore
from providers.types import Credential, Price, Secret
from tests.providers.dialects.wires import question, request, typed
from tests.providers.tiny_server import TinyServer
from tests.recordings import http_exchange

FIRST_PAGE = "GET /v1/models?limit=1000"
ANSWER = typed(
    {"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-5-5"}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Hi"},
    },
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
)


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """Anthropic's origin, on this machine."""
    before = settings()
    answers: dict[str, tuple[int, Any]] = {
        "GET /v1/models?limit=1": (200, {"data": [], "has_more": False}),
        "POST /v1/messages": (200, ANSWER),
    }
    with TinyServer(answers) as running:
        configure(HttpSettings(reroute={"https://api.anthropic.com": running.url}))
        yield running
        pool.close_idle()
    configure(before)


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    provider.create_session("anthropic", "api_key", name="work", api_key="sk-ant-x")


def listed(server: TinyServer, *rows: Any) -> list[Any]:
    server.answers[FIRST_PAGE] = (200, {"data": list(rows), "has_more": False})
    return list(provider.list_models("anthropic", None, "work"))


def test_the_provider_complies() -> None:
    assert resolver.compliance(resolver.provider("anthropic")) == []


def test_a_key_is_checked_with_one_cheap_call(server: TinyServer) -> None:
    provider.check_session("anthropic", "work")
    (asked,) = server.asked
    assert asked.line == "GET /v1/models?limit=1"
    assert asked.headers["x-api-key"] == "sk-ant-x"
    assert asked.headers["anthropic-version"] == API_VERSION
    assert "authorization" not in asked.headers


def test_a_refused_key_is_refused_here(server: TinyServer) -> None:
    recorded = http_exchange("anthropic", "401_invalid_x_api_key")
    server.answers["GET /v1/models?limit=1"] = (401, recorded.facts["body"])
    with pytest.raises(CredentialRejected):
        provider.check_session("anthropic", "work")


def test_an_answer_is_asked_for_on_the_messages_wire(server: TinyServer) -> None:
    with provider.stream_chat(
        "anthropic", "work", [question("Hi")], model="claude-opus-5-5"
    ) as stream:
        events = list(stream)
    assert events[1:] == [
        TextDelta(text="Hi", part=0),
        Finished(stop_reason="stop", stop_reason_raw="end_turn"),
    ]
    (asked,) = server.asked
    assert asked.line == "POST /v1/messages"
    assert asked.headers["x-api-key"] == "sk-ant-x"
    assert asked.body == {
        "model": "claude-opus-5-5",
        "max_tokens": 32_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "stream": True,
        "thinking": {"type": "adaptive", "display": "summarized"},
    }


def test_a_credential_with_its_own_address_is_sent_there_only() -> None:
    own = Credential(
        provider="anthropic",
        auth_type="api_key",
        name="own",
        secrets={"api_key": Secret("k")},
        base_url="http://127.0.0.1:9/anthropic/",
    )
    call = resolver.resolve("anthropic", "streaming").call(request(question()), own)
    assert call.url == "http://127.0.0.1:9/anthropic/v1/messages"


def test_the_output_limit_is_the_models_where_it_is_small() -> None:
    assert quirks_of("claude-haiku-4-5-20251001").max_tokens == 32_000
    assert quirks_of("claude-of-the-future").max_tokens == 8_192


def test_all_pages_of_the_list_are_read(server: TinyServer) -> None:
    first = {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}
    last = {"data": [{"id": "b"}], "has_more": False, "last_id": "b"}
    server.answers[FIRST_PAGE] = (200, first)
    server.answers[f"{FIRST_PAGE}&after_id=a"] = (200, last)
    models = provider.list_models("anthropic", None, "work")
    assert [m.id for m in models] == ["a", "b"]


def test_a_list_that_never_ends_is_left(server: TinyServer) -> None:
    page = {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}
    server.answers[FIRST_PAGE] = (200, page)
    server.answers[f"{FIRST_PAGE}&after_id=a"] = (200, page)
    assert len(provider.list_models("anthropic", None, "work")) == 2


def test_what_the_vendor_says_of_a_model_wins_and_the_catalogue_adds_the_price(
    server: TinyServer,
) -> None:
    row = {
        "id": "claude-haiku-4-5-20251001",
        "display_name": "Claude Haiku 4.5",
        "max_input_tokens": 123,
        "capabilities": {
            "image_input": {"supported": True},
            "thinking": {"supported": False},
        },
    }
    (model,) = listed(server, row)
    assert (model.id, model.label) == (row["id"], "Claude Haiku 4.5")
    assert (model.context_window, model.max_output_tokens) == (123, 64_000)
    assert model.abilities == {"tools", "images"}
    assert model.reasons is False
    assert model.price == Price(input=1, output=5, cached_input=0.1, cache_write=1.25)
    assert model.price_date == "2026-11-22"


def test_whether_a_model_reasons_is_left_open_where_nobody_says(
    server: TinyServer,
) -> None:
    able = {"thinking": {"supported": True}}
    models = listed(
        server,
        {"id": "claude-new", "capabilities": able},
        {"id": "claude-newer", "capabilities": {}},
        {"id": "claude-newest"},
        {"id": "claude-haiku-4-5", "capabilities": {}},  # the catalogue says it
    )
    assert [m.reasons for m in models] == [True, None, None, True]


def test_retired_models_are_left_out_and_deprecated_ones_marked(
    server: TinyServer,
) -> None:
    models = listed(
        server,
        {"id": "new", "lifecycle": "active"},
        {"id": "old", "lifecycle": "deprecated"},
        {"id": "gone", "lifecycle": "retired"},
        {"id": None},
        "nonsense",
    )
    assert [(m.id, m.deprecated) for m in models] == [("new", False), ("old", True)]


def test_the_recorded_list_is_read(server: TinyServer) -> None:
    recorded = http_exchange("anthropic", "models_list").facts["body"]
    models = listed(server, *recorded["data"])
    assert [m.id for m in models] == [row["id"] for row in recorded["data"]]
    assert all(m.context_window and m.max_output_tokens for m in models)
    assert {"tools", "images", "files", "reasoning", "schema"} == models[0].abilities


@pytest.mark.parametrize("body", [[], {"data": None}, {"models": []}])
def test_another_kind_of_answer_is_not_a_model_list(
    server: TinyServer, body: Any
) -> None:
    server.answers[FIRST_PAGE] = (200, body)
    with pytest.raises(ProtocolError, match="base URL"):
        provider.list_models("anthropic", None, "work")
