"""OpenAI's own client talks to the emulator, and finds nothing to complain about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.emulator import EmulatorProcess

MODEL = "gpt-6.1-terra"
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": PARAMETERS,
    "strict": True,
}
CHAT_TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": PARAMETERS},
}
CALLS = [
    {"name": "get_weather", "arguments": {"city": "Zürich"}},
    {"name": "get_weather", "arguments": {"city": "Bern"}},
]
SAID = "Grüße, 世界! Two words."


@pytest.fixture
def client(emulator: EmulatorProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key="sk-good", base_url=f"{emulator.url('openai')}/v1", max_retries=0
    ) as made:
        yield made


@pytest.fixture
def compatible(emulator: EmulatorProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        api_key="any", base_url=f"{emulator.url('compatible')}/v1", max_retries=0
    ) as made:
        yield made


def test_a_response(client: openai.OpenAI, emulator: EmulatorProcess) -> None:
    emulator.script(text=SAID, reasoning="Hm, well.")

    response = client.responses.create(model=MODEL, input="hello")

    assert response.output_text == SAID
    assert response.status == "completed"
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.usage is not None
    assert response.usage.total_tokens == (
        response.usage.input_tokens + response.usage.output_tokens
    )


def test_a_streamed_response(client: openai.OpenAI, emulator: EmulatorProcess) -> None:
    emulator.script(text=SAID, reasoning="Hm, well.", piece_bytes=5)

    with client.responses.stream(
        model=MODEL, input="hello", reasoning={"summary": "auto"}
    ) as stream:
        events = list(stream)
        final = stream.get_final_response()

    deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
    thought = [
        e.delta for e in events if e.type == "response.reasoning_summary_text.delta"
    ]
    assert "".join(deltas) == final.output_text == SAID
    assert "".join(thought) == "Hm, well."
    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert emulator.wait_for_stream("finished")["model"] == MODEL


def test_tools_of_a_response_and_their_results(
    client: openai.OpenAI, emulator: EmulatorProcess
) -> None:
    emulator.script(calls=CALLS, reasoning="Which city?")
    question: Any = {"role": "user", "content": "weather?"}
    with client.responses.stream(
        model=MODEL,
        input=[question],
        tools=[TOOL],
        store=False,
        include=["reasoning.encrypted_content"],
    ) as stream:
        first = stream.get_final_response()
    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in calls] == [
        call["arguments"] for call in CALLS
    ]
    results: list[Any] = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "12 °C"}
        for call in calls
    ]
    history: Any = [item.model_dump(exclude_none=True) for item in first.output]

    second = client.responses.create(
        model=MODEL, input=[question, *history, *results], tools=[TOOL]
    )

    assert "12 °C; 12 °C" in second.output_text


def test_a_response_that_was_cut_short(
    client: openai.OpenAI, emulator: EmulatorProcess
) -> None:
    emulator.script(text=SAID, stop="length")

    response = client.responses.create(model=MODEL, input="hello")

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


def test_foreign_encrypted_reasoning_is_refused(client: openai.OpenAI) -> None:
    item: Any = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "Zm9yZWlnbg==",
    }

    with pytest.raises(openai.BadRequestError) as told:
        client.responses.create(
            model=MODEL, input=[item, {"role": "user", "content": "hello"}]
        )

    assert told.value.code == "invalid_encrypted_content"


def test_a_chat_completion(client: openai.OpenAI, emulator: EmulatorProcess) -> None:
    emulator.script(text=SAID)

    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hello"}]
    )

    assert answer.choices[0].message.content == SAID
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None and answer.usage.completion_tokens > 0


def test_a_refusal_of_a_chat_completion(
    client: openai.OpenAI, emulator: EmulatorProcess
) -> None:
    emulator.script(text="I won't.", stop="refusal")

    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hello"}]
    )

    assert answer.choices[0].message.refusal == "I won't."
    assert answer.choices[0].message.content is None


def test_a_streamed_chat_completion_with_tools(
    client: openai.OpenAI, emulator: EmulatorProcess
) -> None:
    emulator.script(text=SAID, calls=CALLS)

    with client.chat.completions.stream(
        model=MODEL,
        messages=[{"role": "user", "content": "weather?"}],
        tools=[CHAT_TOOL],
        stream_options={"include_usage": True},
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()

    message = final.choices[0].message
    assert message.content == SAID
    assert final.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [
        call["arguments"] for call in CALLS
    ]
    assert len({call.id for call in message.tool_calls}) == 2
    assert final.usage is not None and final.usage.prompt_tokens > 0


def test_a_compatible_server(
    compatible: openai.OpenAI, emulator: EmulatorProcess
) -> None:
    emulator.script(text=SAID, reasoning="Hm.")

    answer = compatible.chat.completions.create(
        model="maestro-demo", messages=[{"role": "user", "content": "hello"}]
    )

    assert answer.choices[0].message.content == SAID
    assert answer.choices[0].message.model_extra == {"reasoning_content": "Hm."}
    assert [model.id for model in compatible.models.list()] == [
        "maestro-demo",
        "maestro-demo-mini",
    ]


ERRORS = [
    (401, openai.AuthenticationError),
    (403, openai.PermissionDeniedError),
    (404, openai.NotFoundError),
    (429, openai.RateLimitError),
    (500, openai.InternalServerError),
    (503, openai.InternalServerError),
]


@pytest.mark.parametrize(("status", "kind"), ERRORS)
def test_a_refusal_is_a_typed_error(
    status: int,
    kind: type[openai.APIStatusError],
    client: openai.OpenAI,
    emulator: EmulatorProcess,
) -> None:
    emulator.fault("status", status=status, retry_after_s=7)

    with pytest.raises(kind) as told:
        client.responses.create(model=MODEL, input="hello")

    assert told.value.status_code == status
    assert told.value.response.headers["retry-after"] == "7"
    assert told.value.request_id == "req_emulated"
    assert isinstance(told.value.body, dict) and told.value.body["message"]


def test_a_bad_key_is_refused(emulator: EmulatorProcess) -> None:
    url = f"{emulator.url('openai')}/v1"
    with openai.OpenAI(api_key="sk-bad", base_url=url, max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as told:
            client.models.list()

    assert told.value.code == "invalid_api_key"


def test_a_chat_error_in_mid_stream(
    client: openai.OpenAI, emulator: EmulatorProcess
) -> None:
    emulator.fault("error")
    said = ""

    with pytest.raises(openai.APIError, match="The server had an error"):
        for chunk in client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "hello"}], stream=True
        ):
            said += chunk.choices[0].delta.content or ""

    assert said


def test_the_models(client: openai.OpenAI) -> None:
    listed = [model.id for model in client.models.list()]

    assert MODEL in listed and "whisper-1" in listed
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-0")
