"""The model lists of OpenAI-compatible servers, each with extras of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers import resolver
from providers.compatible_models import CompatibleModels
from providers.errors import ProtocolError
from providers.http import HttpSettings, configure, pool, settings
from providers.http.client import client_for
from providers.store import MemoryStore
from providers.types import Model, Price
from tests.providers.tiny_server import TinyServer
from tests.recordings import http_exchange


@pytest.fixture(autouse=True)
def _fresh_wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    before = settings()
    configure(HttpSettings(connect_timeout_s=2.0, read_timeout_s=5.0))
    yield
    pool.close_idle()
    configure(before)


@pytest.fixture
def server() -> Iterator[TinyServer]:
    with TinyServer({}) as running:
        yield running


def listed(server: TinyServer, answer: Any, path: str = "models") -> list[Model]:
    """What a server's list becomes."""
    line = path if path.startswith("/") else f"/v1/{path}"
    server.answers[f"GET {line}"] = (200, answer)
    with client_for(provider="x", base_url=f"{server.url}/v1") as client:
        return list(CompatibleModels(path=path).list_models(client))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"context_length": 1}, 1),
        ({"max_model_len": 2}, 2),
        ({"context_window": 3}, 3),
        ({"max_context_length": 4}, 4),
        ({"meta": {"n_ctx": 5, "n_ctx_train": 9}}, 5),
        ({"context_length": None, "max_model_len": 6}, 6),
        ({"context_length": "7"}, None),
        ({"context_length": 0}, None),
        ({"context_length": True}, None),
        ({"meta": None}, None),
        ({}, None),
    ],
)
def test_the_context_window_has_many_names(
    server: TinyServer, row: dict[str, Any], wanted: int | None
) -> None:
    (model,) = listed(server, {"data": [{"id": "m", **row}]})

    assert model.context_window == wanted


def test_a_list_with_prices_and_abilities_is_read(server: TinyServer) -> None:
    row = {
        "id": "acme/large",
        "name": "Acme Large",
        "context_length": 200_000,
        "top_provider": {"max_completion_tokens": 8000},
        "architecture": {
            "input_modalities": ["text", "image", "file"],
            "output_modalities": ["text"],
        },
        "supported_parameters": ["tools", "reasoning", "structured_outputs", "stop"],
        "pricing": {
            "prompt": "0.000003",
            "completion": "0.000015",
            "input_cache_read": "0.0000003",
            "overrides": [
                {
                    "min_prompt_tokens": 100_000,
                    "prompt": "0.000006",
                    "completion": "0.00003",
                }
            ],
        },
    }
    (model,) = listed(server, {"data": [row]})

    assert model.price_date
    assert model == Model(
        id="acme/large",
        label="Acme Large",
        context_window=200_000,
        max_output_tokens=8000,
        abilities=frozenset({"tools", "reasoning", "schema", "images", "files"}),
        reasons=True,
        price=Price(
            input=3.0,
            output=15.0,
            cached_input=0.3,
            above_tokens=100_000,
            tier=Price(input=6.0, output=30.0),
        ),
        price_date=model.price_date,
    )


@pytest.mark.parametrize(
    "pricing",
    [
        None,
        {},
        {"prompt": "-1", "completion": "-1"},
        {"prompt": "x", "completion": "1"},
    ],
)
def test_what_is_no_price_is_none(server: TinyServer, pricing: Any) -> None:
    (model,) = listed(server, {"data": [{"id": "m", "pricing": pricing}]})

    assert (model.price, model.price_date) == (None, "")


def test_a_free_model_costs_nothing_and_that_is_known(server: TinyServer) -> None:
    row = {"id": "m:free", "pricing": {"prompt": "0", "completion": "0"}}
    (model,) = listed(server, {"data": [row]})

    assert model.price == Price(input=0.0, output=0.0)


@pytest.mark.parametrize(
    "row",
    [
        {"id": "whisper-large-v3"},
        {"id": "mistral-embed"},
        {"id": "nomic-embed-text:latest"},
        {"id": "playai-tts"},
        {"id": "m", "type": "embeddings"},
        {"id": "m", "capabilities": {"completion_chat": False}},
        {"id": "m", "architecture": {"output_modalities": ["image"]}},
        {"id": "m", "active": False},
        {"id": ""},
        {"id": 3},
        {},
        "m",
    ],
)
def test_what_does_not_chat_is_not_shown(server: TinyServer, row: Any) -> None:
    assert [m.id for m in listed(server, {"data": [row, {"id": "chat"}]})] == ["chat"]


def test_abilities_may_be_an_object_or_a_list(server: TinyServer) -> None:
    rows = [
        {"id": "a", "capabilities": {"function_calling": True, "vision": True}},
        {"id": "b", "capabilities": ["tool_use"], "type": "vlm"},
        {"id": "c"},
    ]
    both = frozenset({"tools", "images"})

    found = listed(server, {"data": rows})
    assert [model.abilities for model in found] == [both, both, frozenset()]


def test_only_a_list_of_parameters_says_that_a_model_does_not_reason(
    server: TinyServer,
) -> None:
    rows = [
        {"id": "a", "supported_parameters": ["tools", "stop"]},
        {"id": "b", "capabilities": ["tool_use"]},
        {"id": "c"},
    ]
    found = listed(server, {"data": rows})
    assert [model.reasons for model in found] == [False, None, None]


def test_a_richer_list_is_read_where_there_is_one(server: TinyServer) -> None:
    rows = [{"id": "m", "type": "llm", "max_context_length": 32768}]

    (model,) = listed(server, {"data": rows}, path="/api/v0/models")
    assert model.context_window == 32768


def test_and_the_plain_one_where_there_is_not(server: TinyServer) -> None:
    server.answers["GET /v1/models"] = (200, {"data": [{"id": "m"}]})
    with client_for(provider="lmstudio", base_url=f"{server.url}/v1") as client:
        found = resolver.resolve("lmstudio", "models").list_models(client)

    assert [model.id for model in found] == ["m"]
    assert [a.line for a in server.asked] == ["GET /api/v0/models", "GET /v1/models"]


@pytest.mark.parametrize("answer", [{}, {"data": "x"}, "models", 3])
def test_another_kind_of_answer_is_not_a_list(server: TinyServer, answer: Any) -> None:
    with pytest.raises(ProtocolError, match="base URL"):
        listed(server, answer)


def test_the_recorded_list_of_openrouter_is_read(server: TinyServer) -> None:
    found = listed(server, http_exchange("openrouter", "models_list").facts["body"])
    model = next(m for m in found if m.id == "anthropic/claude-sonnet-4")

    assert model.label == "Anthropic: Claude Sonnet 4"
    assert model.context_window == 1_000_000
    assert model.price is not None
    assert (model.price.input, model.price.output) == (3.0, 15.0)
    assert model.price.above_tokens == 200_000
    assert {"tools", "reasoning", "images", "files"} <= model.abilities


def test_the_recorded_list_of_llama_cpp_is_read(server: TinyServer) -> None:
    (model,) = listed(server, http_exchange("llamacpp", "models_list").facts["body"])

    assert model.id.endswith("Qwen3-1.7B-Q4_K_M.gguf")
    assert model.context_window == 4096
