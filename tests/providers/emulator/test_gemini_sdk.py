"""Google's own client talks to the emulator, and finds nothing to complain about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.emulator import EmulatorProcess
from tests.providers.emulator.raw import call

MODEL = "gemini-3.8-flash"
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather.",
            parameters_json_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}},
            },
        )
    ]
)
CALLS = [
    {"name": "get_weather", "arguments": {"city": "Zürich"}},
    {"name": "get_weather", "arguments": {"city": "Bern"}},
]
SAID = "Grüße, 世界! Two words."
QUESTION = types.Content(role="user", parts=[types.Part(text="weather?")])


def connected(emulator: EmulatorProcess, key: str) -> genai.Client:
    options = types.HttpOptions(base_url=emulator.url("gemini"))
    return genai.Client(api_key=key, vertexai=False, http_options=options)


@pytest.fixture
def client(emulator: EmulatorProcess) -> Iterator[genai.Client]:
    made = connected(emulator, "AQ.good")
    yield made
    made.close()


def with_tools() -> types.GenerateContentConfig:
    no_loop = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(tools=[TOOL], automatic_function_calling=no_loop)


def test_content(client: genai.Client, emulator: EmulatorProcess) -> None:
    emulator.script(text=SAID, stop="length")

    answer = client.models.generate_content(model=MODEL, contents="hello")

    assert answer.text == SAID
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata.candidates_token_count or 0) > 0
    assert answer.model_version == MODEL


def test_streamed_content_with_thoughts(
    client: genai.Client, emulator: EmulatorProcess
) -> None:
    emulator.script(text=SAID, reasoning="Hm, well.", piece_bytes=5)
    thinking = types.ThinkingConfig(include_thoughts=True)
    config = types.GenerateContentConfig(thinking_config=thinking)

    chunks = list(
        client.models.generate_content_stream(
            model=MODEL, contents="hello", config=config
        )
    )

    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or ()
        for part in (candidate.content and candidate.content.parts) or ()
    ]
    assert "".join(p.text or "" for p in parts if p.thought) == "Hm, well."
    assert "".join(p.text or "" for p in parts if not p.thought) == SAID
    last = chunks[-1]
    assert last.candidates is not None
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    assert emulator.wait_for_stream("finished")["model"] == MODEL


def first_turn(client: genai.Client, emulator: EmulatorProcess) -> types.Content:
    emulator.script(calls=CALLS)
    chunks = list(
        client.models.generate_content_stream(
            model=MODEL, contents=[QUESTION], config=with_tools()
        )
    )
    parts = [
        part
        for chunk in chunks
        for candidate in chunk.candidates or ()
        for part in (candidate.content and candidate.content.parts) or ()
        if part.function_call
    ]
    return types.Content(role="model", parts=parts)


def results() -> types.Content:
    part = types.Part.from_function_response(
        name="get_weather", response={"result": "12 °C"}
    )
    return types.Content(role="user", parts=[part, part])


def test_tools_and_their_results(
    client: genai.Client, emulator: EmulatorProcess
) -> None:
    called = first_turn(client, emulator)
    calls = [part.function_call for part in called.parts or ()]
    assert [call and call.args for call in calls] == [c["arguments"] for c in CALLS]

    answer = client.models.generate_content(
        model=MODEL, contents=[QUESTION, called, results()], config=with_tools()
    )

    assert (answer.text or "").count("12 °C") == 2


def test_a_call_without_its_signature_is_refused(
    client: genai.Client, emulator: EmulatorProcess
) -> None:
    called = first_turn(client, emulator)
    for part in called.parts or ():
        part.thought_signature = None

    with pytest.raises(errors.ClientError, match="missing a `thought_signature`"):
        client.models.generate_content(
            model=MODEL, contents=[QUESTION, called, results()], config=with_tools()
        )


ERRORS = [
    (401, errors.ClientError, "UNAUTHENTICATED"),
    (403, errors.ClientError, "PERMISSION_DENIED"),
    (404, errors.ClientError, "NOT_FOUND"),
    (429, errors.ClientError, "RESOURCE_EXHAUSTED"),
    (500, errors.ServerError, "INTERNAL"),
    (503, errors.ServerError, "UNAVAILABLE"),
]


@pytest.mark.parametrize(("status", "kind", "word"), ERRORS)
def test_a_refusal_is_a_typed_error(
    status: int,
    kind: type[errors.APIError],
    word: str,
    client: genai.Client,
    emulator: EmulatorProcess,
) -> None:
    emulator.fault("status", status=status, retry_after_s=7)

    with pytest.raises(kind) as told:
        client.models.generate_content(model=MODEL, contents="hello")

    assert (told.value.code, told.value.status) == (status, word)
    details: Any = told.value.details
    assert details["error"]["details"][0]["retryDelay"] == "7s"


def test_a_bad_key_is_refused(emulator: EmulatorProcess) -> None:
    client = connected(emulator, "AQ.bad")
    try:
        with pytest.raises(errors.ClientError, match="API key not valid"):
            client.models.generate_content(model=MODEL, contents="hello")
    finally:
        client.close()


def test_the_models_come_in_pages(
    client: genai.Client, emulator: EmulatorProcess
) -> None:
    listed = [model.name for model in client.models.list()]

    assert len(listed) == len(set(listed)) == 8
    assert f"models/{MODEL}" in listed
    asked = [request["path"] for request in emulator.requests()]
    assert len(asked) == 2  # pages
    assert client.models.get(model=MODEL).input_token_limit == 1_048_576


def test_tokens_are_counted(client: genai.Client) -> None:
    counted = client.models.count_tokens(model=MODEL, contents="hello")

    assert (counted.total_tokens or 0) > 0


def test_a_stream_that_is_not_asked_for_as_events_is_a_list(
    emulator: EmulatorProcess,
) -> None:
    emulator.script(text=SAID)
    path = f"/gemini/v1beta/models/{MODEL}:streamGenerateContent?key=AQ.good"
    body = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}

    status, chunks = call(emulator, "POST", path, body)

    texts = [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks]
    assert (status, "".join(texts)) == (200, SAID)
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"


def test_a_signature_is_bound_to_its_call(
    client: genai.Client, emulator: EmulatorProcess
) -> None:
    called = first_turn(client, emulator)
    for part in called.parts or ():
        assert part.function_call is not None
        part.function_call.name = "get_time"

    with pytest.raises(errors.ClientError, match="Thought signature is not valid"):
        client.models.generate_content(
            model=MODEL, contents=[QUESTION, called, results()], config=with_tools()
        )


def test_older_models_do_not_look_at_signatures(
    client: genai.Client, emulator: EmulatorProcess
) -> None:
    called = first_turn(client, emulator)
    for part in called.parts or ():
        part.thought_signature = None

    answer = client.models.generate_content(
        model="gemini-2.5-flash",
        contents=[QUESTION, called, results()],
        config=with_tools(),
    )

    assert "12 °C" in (answer.text or "")
