"""One stream, whoever pays: key, minted key, ChatGPT plan, sign-in with ChatGPT (AC-OA3)."""

from __future__ import annotations

from typing import Any

import pytest

from providers import provider
from providers.accumulate import Accumulator
from providers.errors import QuotaExhausted, UnsupportedFeature
from providers.events import Event
from providers.store import MemoryStore
from providers.types import (
    Credential,
    Message,
    Origin,
    Reasoning,
    Secret,
    TextPart,
    Tool,
    ToolResultPart,
)
from tests.providers.dialects.wires import typed
from tests.providers.oauth.login_server import LoginServer
from tests.recordings import Recording, streams

BACKEND = "POST https://chatgpt.com/backend-api/codex/responses"
PUBLIC = "POST https://api.openai.com/v1/responses"
SECRETS = {"api_key": "sk-test-key", "access_token": "at-1", "refresh_token": "rt-1"}
KINDS = {
    "key": ("api_key", {}, PUBLIC),
    "minted": ("oauth", {"kind": "codex", "mode": "api_key"}, PUBLIC),
    "plan": ("oauth", {"kind": "codex", "mode": "chatgpt"}, BACKEND),
    "siwc": ("oauth", {"kind": "siwc", "mode": "chatgpt"}, PUBLIC),
}
FORBIDDEN = {
    *("max_output_tokens", "max_completion_tokens", "temperature", "top_p", "user"),
    *("truncation", "previous_response_id", "stream_options", "service_tier"),
    *("background", "conversation", "max_tool_calls", "metadata", "moderation"),
    *("prompt", "prompt_cache_retention", "safety_identifier", "top_logprobs"),
}
ITEM = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "weather",
    "arguments": '{"city": "Oslo"}',
}
ANSWER = typed(
    {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5.4"}},
    {"type": "response.output_text.delta", "item_id": "m", "delta": "Hel"},
    {"type": "response.output_text.delta", "item_id": "m", "delta": "lo"},
    {"type": "response.output_item.added", "output_index": 1, "item": ITEM},
    {"type": "response.output_item.done", "output_index": 1, "item": ITEM},
    {
        "type": "response.completed",
        # ChatGPT leaves `output` empty; nothing may be read from it.
        "response": {
            "status": "completed",
            "output": [],
            "usage": {"input_tokens": 3, "output_tokens": 5},
        },
    },
)
TOOLS = [Tool(name="weather", description="d", parameters={"type": "object"})]


def credential(kind: str, **facts: str) -> Credential:
    auth_type, metadata, _ = KINDS[kind]
    return Credential(
        provider="openai",
        auth_type=auth_type,  # type: ignore[arg-type]
        name="work",
        secrets={name: Secret(value) for name, value in SECRETS.items()},
        metadata={**metadata, **facts},
    )


def asked(text: str = "Hi") -> list[Message]:
    return [Message(role="user", parts=[TextPart(text=text)])]


def events(server: LoginServer, kind: str, body: bytes, **options: Any) -> list[Event]:
    server.says(KINDS[kind][2], body, content_type="text/event-stream")
    with provider.stream_with(
        credential(kind), options.pop("messages", asked()), model="gpt-5.4", **options
    ) as stream:
        return list(stream)


def sent(server: LoginServer, kind: str, **options: Any) -> dict[str, Any]:
    events(server, kind, ANSWER, **options)
    found: dict[str, Any] = server.to(KINDS[kind][2])[-1].json
    return found


@pytest.mark.parametrize("kind", ["minted", "plan", "siwc"])
def test_a_stream_means_the_same_in_every_mode(server: LoginServer, kind: str) -> None:
    with_key = events(server, "key", ANSWER, tools=TOOLS)
    server.forget(PUBLIC)

    assert events(server, kind, ANSWER, tools=TOOLS) == with_key
    assert len(with_key) > 4


@pytest.mark.parametrize("recording", streams("openai_responses"))
def test_what_a_vendor_sent_means_the_same_in_every_mode(
    server: LoginServer, recording: Recording
) -> None:
    def all_of(kind: str) -> list[list[Event]]:
        server.forget(KINDS[kind][2])
        server.says(KINDS[kind][2], recording.body, content_type="text/event-stream")
        batches: list[list[Event]] = []
        with provider.stream_with(credential(kind), asked(), model="gpt-5.4") as stream:
            stream.drive(batches.append, tick_s=0.0)
        return [[event for batch in batches for event in batch]]

    with_key = all_of("key")
    for kind in ("minted", "plan", "siwc"):
        assert all_of(kind) == with_key


def test_a_plan_is_asked_at_chatgpt_with_its_account(server: LoginServer) -> None:
    server.says(BACKEND, ANSWER, content_type="text/event-stream")
    own = credential("plan", account_id="acc-1", organization="org-1")

    with provider.stream_with(
        own, asked(), model="gpt-5.4", conversation_key="conv-1"
    ) as stream:
        list(stream)

    headers = server.to(BACKEND)[0].headers
    assert headers["authorization"] == "Bearer at-1"
    assert headers["chatgpt-account-id"] == "acc-1"
    assert headers["originator"] == "maestro"
    assert headers["session_id"] == "conv-1"
    assert headers["accept"] == "text/event-stream"
    assert headers["user-agent"].startswith("maestro/")
    assert "openai-organization" not in headers
    assert server.to(BACKEND)[0].json["prompt_cache_key"] == "conv-1"


def test_a_minted_key_is_used_with_its_organisation(server: LoginServer) -> None:
    server.says(PUBLIC, ANSWER, content_type="text/event-stream")
    own = credential("minted", organization="org-1", project="proj-1", account_id="a")

    with provider.stream_with(
        own, asked(), model="gpt-5.4", conversation_key="conv-1"
    ) as stream:
        list(stream)

    headers = server.to(PUBLIC)[0].headers
    assert headers["authorization"] == "Bearer sk-test-key"
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-1"
    assert not {"chatgpt-account-id", "originator", "session_id"} & set(headers)


def test_signed_in_with_chatgpt_is_only_a_bearer(server: LoginServer) -> None:
    events(server, "siwc", ANSWER, conversation_key="conv-1")

    headers = server.to(PUBLIC)[0].headers
    assert headers["authorization"] == "Bearer at-1"
    assert not {"chatgpt-account-id", "openai-organization", "session_id"} & set(
        headers
    )


@pytest.mark.parametrize("kind", ["plan", "siwc"])
def test_what_a_plan_refuses_is_never_asked_for(server: LoginServer, kind: str) -> None:
    body = sent(
        server,
        kind,
        max_output_tokens=100,
        temperature=0.5,
        reasoning=Reasoning(effort="low"),
        tools=TOOLS,
        response_schema={"type": "object"},
        conversation_key="conv-1",
    )

    assert not FORBIDDEN & set(body)
    assert body["store"] is False
    assert body["stream"] is True
    assert body["instructions"] == ""
    assert isinstance(body["input"], list)
    assert body["reasoning"]["effort"] == "low"
    assert body["include"] == ["reasoning.encrypted_content"]


def test_a_key_is_asked_with_what_somebody_set(server: LoginServer) -> None:
    body = sent(server, "minted", max_output_tokens=100, temperature=0.5)

    assert body["max_output_tokens"] == 100
    assert body["temperature"] == 0.5
    assert "instructions" not in body


@pytest.mark.parametrize("kind", ["plan", "siwc"])
def test_the_system_text_is_the_instructions(server: LoginServer, kind: str) -> None:
    body = sent(server, kind, system="Be brief.")

    assert body["instructions"] == "Be brief."
    assert not [i for i in body["input"] if i.get("role") in ("system", "developer")]


def test_tools_are_plain_functions_for_keys_and_plans(server: LoginServer) -> None:
    for kind in ("minted", "plan"):
        (tool,) = sent(server, kind, tools=TOOLS)["tools"]
        assert (tool["type"], tool["name"]) == ("function", "weather")


def test_tools_are_in_a_namespace_for_those_signed_in_with_chatgpt(
    server: LoginServer,
) -> None:
    (group,) = sent(server, "siwc", tools=TOOLS)["tools"]

    assert group["type"] == "namespace"
    assert group["name"] and group["description"]
    (tool,) = group["tools"]
    assert (tool["type"], tool["name"], tool["strict"]) == (
        "function",
        "weather",
        False,
    )


def test_a_call_goes_back_in_the_namespace_it_came_from(server: LoginServer) -> None:
    item = {**ITEM, "namespace": "maestro"}
    wire = typed(
        {"type": "response.created", "response": {"id": "r", "model": "gpt-5.4"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"status": "completed"}},
    )
    got = events(server, "siwc", wire, tools=TOOLS)
    heard = Accumulator()
    for event in got:
        heard.add(event)
    origin = Origin(provider="openai", model="gpt-5.4", session_id="work")
    result = ToolResultPart(call_id="call_1", name="weather", text="cold")
    history = [
        *asked(),
        Message(role="assistant", parts=heard.parts(), origin=origin),
        Message(role="tool", parts=[result]),
    ]

    body = sent(server, "siwc", messages=history, tools=TOOLS)

    (again,) = [i for i in body["input"] if i["type"] == "function_call"]
    assert again["name"] == "weather"
    assert again["namespace"] == "maestro"


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_wire_has_not_is_refused_alike(server: LoginServer, kind: str) -> None:
    with pytest.raises(UnsupportedFeature):
        provider.stream_with(
            credential(kind), asked(), model="gpt-5.4", stop_sequences=["x"]
        )

    assert server.asked == []


def test_a_plan_that_is_used_up_says_until_when(server: LoginServer) -> None:
    error = {"type": "usage_limit_reached", "resets_in_seconds": 900, "message": "m"}
    server.says(BACKEND, {"error": error}, 429)

    with (
        pytest.raises(QuotaExhausted) as told,
        provider.stream_with(credential("plan"), asked(), model="gpt-5.4"),
    ):
        pass

    assert told.value.retry_after_s is not None
    assert told.value.retry_after_s >= 890


def test_both_modes_list_their_own_models(
    server: LoginServer, store: MemoryStore
) -> None:
    rows = [
        {"slug": "gpt-5.6-sol", "display_name": "Sol", "visibility": "list"},
        {"slug": "hidden", "visibility": "hide"},
        {"slug": ""},
        {"slug": 5},
        "row",
        {"slug": "gpt-9", "context_window": 1000, "input_modalities": ["image"]},
        {"slug": "gpt-8", "supported_reasoning_levels": []},
    ]
    backend = "GET https://chatgpt.com/backend-api/codex/models"
    public = "GET https://api.openai.com/v1/models"
    server.says(backend, {"models": rows})
    server.says(public, {"models": rows})

    for kind in ("plan", "siwc"):
        found = provider.models_with(credential(kind))

        assert [m.id for m in found] == ["gpt-5.6-sol", "gpt-9", "gpt-8"]
        assert [m.reasons for m in found] == [True, None, False]
        assert found[0].label == "Sol"
        assert found[1].context_window == 1000
        assert {"tools", "images"} <= found[1].abilities
        assert not any(m.price for m in found)
    assert "client_version" in server.to(backend)[0].query

    server.forget(public)
    server.says(public, {"data": [{"id": "gpt-5.4", "created": 1}]})
    assert [m.id for m in provider.models_with(credential("minted"))] == ["gpt-5.4"]
