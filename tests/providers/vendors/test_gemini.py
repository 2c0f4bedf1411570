"""Gemini: how a key signs, what is checked, which models are shown, what is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers import provider, resolver
from providers.errors import CredentialRejected, PermissionRefused, ProtocolError
from providers.events import Finished, TextDelta
from providers.gemini.config import model_path
from providers.http import HttpSettings, configure, pool, settings
from providers.store import MemoryStore
from providers.types import Credential, Secret
from tests.providers.dialects.wires import question, request
from tests.providers.tiny_server import TinyServer
from tests.recordings import http_exchange

FIRST_PAGE = "GET /v1beta/models?pageSize=1000"
ONE_MODEL = "GET /v1beta/models?pageSize=1"
COUNT = "POST /v1beta/models/gemini-x:countTokens"
STREAM = "POST /v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
CHUNK = {
    "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]
}
ROW = {
    "name": "models/gemini-x",
    "supportedGenerationMethods": ["generateContent", "countTokens"],
}


@pytest.fixture
def server() -> Iterator[TinyServer]:
    """Gemini's origin, on this machine."""
    before = settings()
    origin = "https://generativelanguage.googleapis.com"
    answers: dict[str, tuple[int, Any]] = {
        ONE_MODEL: (200, {"models": [ROW], "nextPageToken": "more"}),
        COUNT: (200, {"totalTokens": 1}),
        STREAM: (200, f"data: {json.dumps(CHUNK)}\r\n\r\n".encode()),
    }
    with TinyServer(answers) as running:
        configure(HttpSettings(reroute={origin: running.url}))
        yield running
        pool.close_idle()
    configure(before)


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    provider.create_session("gemini", "api_key", name="work", api_key="AQ.x")


def listed(server: TinyServer, *rows: Any) -> list[Any]:
    server.answers[FIRST_PAGE] = (200, {"models": list(rows)})
    return list(provider.list_models("gemini", None, "work"))


def chat(name: str, **fields: Any) -> dict[str, Any]:
    return {**ROW, "name": f"models/{name}", **fields}


def test_the_provider_complies() -> None:
    assert resolver.compliance(resolver.provider("gemini")) == []


def test_a_key_is_checked_without_billing_a_token(server: TinyServer) -> None:
    provider.check_session("gemini", "work")
    assert [asked.line for asked in server.asked] == [ONE_MODEL, COUNT]
    for asked in server.asked:
        assert asked.headers["x-goog-api-key"] == "AQ.x"
        assert "authorization" not in asked.headers
        assert "AQ.x" not in asked.line


def test_a_refused_key_is_refused_here(server: TinyServer) -> None:
    recorded = http_exchange("gemini", "400_api_key_invalid")
    server.answers[ONE_MODEL] = (400, recorded.facts["body"])
    with pytest.raises(CredentialRejected):
        provider.check_session("gemini", "work")


def test_a_key_that_may_list_but_not_answer_is_refused(server: TinyServer) -> None:
    error = {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}
    server.answers[COUNT] = (403, {"error": error})
    with pytest.raises(PermissionRefused):
        provider.check_session("gemini", "work")


@pytest.mark.parametrize("model", ["gemini-3.8-flash", "models/gemini-3.8-flash"])
def test_an_answer_is_asked_for_on_the_gemini_wire(
    server: TinyServer, model: str
) -> None:
    with provider.stream_chat(
        "gemini", "work", [question("Hi")], model=model
    ) as stream:
        events = list(stream)
    assert events == [
        TextDelta(text="Hi", part=0),
        Finished(stop_reason="stop", stop_reason_raw="STOP"),
    ]
    (asked,) = server.asked
    assert asked.line == STREAM
    assert asked.headers["x-goog-api-key"] == "AQ.x"
    assert asked.body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
    }


def test_a_credential_with_its_own_address_is_sent_there_only() -> None:
    own = Credential(
        provider="gemini",
        auth_type="api_key",
        name="own",
        secrets={"api_key": Secret("k")},
        base_url="http://127.0.0.1:9/gemini/",
    )
    call = resolver.resolve("gemini", "streaming").call(request(question()), own)
    assert call.url.startswith("http://127.0.0.1:9/gemini/v1beta/models/gpt-x:")


def test_a_models_name_cannot_leave_its_place_in_the_address() -> None:
    path = model_path("../../x?key=1#", "countTokens")
    assert path == "v1beta/models/..%2F..%2Fx%3Fkey%3D1%23:countTokens"


def test_all_pages_of_the_list_are_read(server: TinyServer) -> None:
    first = {"models": [chat("gemini-2.5-pro")], "nextPageToken": "p 2"}
    server.answers[FIRST_PAGE] = (200, first)
    server.answers[f"{FIRST_PAGE}&pageToken=p+2"] = (
        200,
        {"models": [chat("gemini-x")]},
    )
    models = provider.list_models("gemini", None, "work")
    assert [m.id for m in models] == ["gemini-2.5-pro", "gemini-x"]


def test_newest_families_come_first_and_what_does_not_chat_is_left_out(
    server: TinyServer,
) -> None:
    models = listed(
        server,
        chat("gemini-2.5-flash"),
        chat("gemini-flash-latest"),
        chat("gemini-3.8-flash"),
        chat("gemini-3.8-flash-image"),
        chat("gemini-2.5-flash-preview-tts"),
        chat("embedding-1", supportedGenerationMethods=["embedContent"]),
        {"name": None},
        "nonsense",
    )
    assert [m.id for m in models] == [
        "gemini-3.8-flash",
        "gemini-2.5-flash",
        "gemini-flash-latest",
    ]


def test_what_the_vendor_says_of_a_model_wins_and_the_catalogue_adds_the_price(
    server: TinyServer,
) -> None:
    (model,) = listed(
        server,
        chat(
            "gemini-3.8-flash", displayName="Gemini", inputTokenLimit=7, thinking=True
        ),
    )
    assert (model.id, model.label) == ("gemini-3.8-flash", "Gemini")
    assert (model.context_window, model.max_output_tokens) == (7, 65_536)
    assert model.price is not None
    assert model.price.input == 0.75
    assert "reasoning" in model.abilities


def test_whether_a_model_reasons_is_left_open_where_nobody_says(
    server: TinyServer,
) -> None:
    models = listed(
        server,
        chat("gemini-new", thinking=False),
        chat("gemini-newer"),
        chat("gemini-2.5-pro"),  # the catalogue says it
    )
    told = {m.id: m.reasons for m in models}
    assert told == {"gemini-new": False, "gemini-newer": None, "gemini-2.5-pro": True}


def test_the_recorded_list_is_read(server: TinyServer) -> None:
    recorded = http_exchange("gemini", "models_list").facts["body"]
    names = [m.id for m in listed(server, *recorded["models"])]
    assert {"gemini-2.5-pro", "gemini-3.5-flash", "gemini-flash-latest"} <= set(names)
    assert not {"gemini-embedding-001", "gemini-3-pro-image", "aqa"} & set(names)


@pytest.mark.parametrize("body", [[], {"data": []}, {"models": None}])
def test_another_kind_of_answer_is_not_a_model_list(
    server: TinyServer, body: Any
) -> None:
    server.answers[FIRST_PAGE] = (200, body)
    with pytest.raises(ProtocolError, match="base URL"):
        provider.list_models("gemini", None, "work")
