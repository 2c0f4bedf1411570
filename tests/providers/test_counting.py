"""The vendors' own count of a request, before it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers import http, provider
from providers.errors import ProtocolError, ProviderUnavailable, RateLimited
from providers.events import Usage
from providers.openai.streaming import OpenAIStreaming
from providers.store import MemoryStore
from providers.types import ChatRequest, Credential, Message, TextPart, Tool
from tests.emulator import EmulatorProcess
from tests.providers.tiny_server import TinyServer

MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
TOOL = Tool(
    name="look", description="Look at the clock.", parameters={"type": "object"}
)
ASKED = [Message(role="user", parts=[TextPart(text="How late is it? " * 40)])]


@pytest.fixture(autouse=True)
def _sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    for slug in (*MODELS, "groq"):
        provider.create_session(slug, "api_key", name="work", api_key="sk-test")


@pytest.fixture
def vendors(emulator: EmulatorProcess) -> Iterator[EmulatorProcess]:
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    http.configure(before)


def count(slug: str, **options: Any) -> int | None:
    model = MODELS.get(slug, "m")
    return provider.count_tokens(slug, "work", ASKED, model=model, **options)


@pytest.mark.parametrize("slug", MODELS)
def test_the_count_is_what_the_usage_then_says(
    vendors: EmulatorProcess, slug: str
) -> None:
    """System text and tools are counted, too; no answer is asked for."""
    options: dict[str, Any] = {"system": "Be brief.", "tools": [TOOL]}
    vendors.script(text="Noon.")
    tokens = count(slug, **options)
    assert not vendors.streams()
    with provider.stream_chat(
        slug, "work", ASKED, model=MODELS[slug], **options
    ) as stream:
        heard = list(stream)
    used = [event.input_tokens for event in heard if isinstance(event, Usage)]
    assert tokens == max(used)
    without = count(slug)
    assert without is not None and tokens is not None and without < tokens


def test_a_vendor_without_a_count_is_not_asked(vendors: EmulatorProcess) -> None:
    assert count("groq") is None
    assert not provider.can_count("groq", "work", model="m")
    assert not vendors.requests()


@pytest.mark.parametrize("slug", MODELS)
def test_whether_there_is_a_count_is_known_without_a_request(
    vendors: EmulatorProcess, slug: str
) -> None:
    assert provider.can_count(slug, "work", model=MODELS[slug])
    assert not vendors.requests()


@pytest.mark.parametrize(
    "metadata", [{"kind": "siwc"}, {"kind": "codex", "mode": "chatgpt"}]
)
def test_a_plan_is_promised_no_count(metadata: dict[str, str]) -> None:
    login = Credential(
        provider="openai", auth_type="oauth", name="me", secrets={}, metadata=metadata
    )
    request = ChatRequest(model=MODELS["openai"], messages=ASKED)
    assert OpenAIStreaming().count_call(request, login) is None


def test_a_refusal_is_of_the_usual_kinds(vendors: EmulatorProcess) -> None:
    vendors.fault("status", status=429, path="count_tokens")
    with pytest.raises(RateLimited):
        count("anthropic")
    vendors.fault("status", status=503, path="countTokens")
    with pytest.raises(ProviderUnavailable):
        count("gemini")


@pytest.mark.parametrize("said", [{}, [], {"totalTokens": "many"}, {"totalTokens": -1}])
def test_what_is_no_number_is_no_count(said: Any) -> None:
    before = http.settings()
    path = "POST /v1beta/models/gemini-3.8-flash:countTokens"
    with TinyServer({path: (200, said)}) as server:
        origin = "https://generativelanguage.googleapis.com"
        http.configure(http.HttpSettings(reroute={origin: server.url}))
        try:
            with pytest.raises(ProtocolError, match="count of tokens"):
                count("gemini")
        finally:
            http.pool.close_idle()
            http.configure(before)


def test_gemini_is_asked_with_the_whole_request(vendors: EmulatorProcess) -> None:
    """`contents` alone would leave out the instruction and the tools."""
    count("gemini", system="Be brief.", tools=[TOOL])
    (body,) = [json.loads(row["body"]) for row in vendors.requests()]
    assert set(body) == {"generateContentRequest"}
    assert set(body["generateContentRequest"]) == {
        "model", "contents", "systemInstruction", "tools",
    }  # fmt: skip
