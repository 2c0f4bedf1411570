"""Anthropic's own client talks to the emulator, and finds nothing to complain about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.emulator import EmulatorProcess

MODEL = "claude-haiku-5-5"
TOOL: Any = {
    "name": "get_weather",
    "description": "The weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
SHOWN: Any = {"type": "adaptive", "display": "summarized"}
CALLS = [
    {"name": "get_weather", "arguments": {"city": "Zürich"}},
    {"name": "get_weather", "arguments": {"city": "Bern"}},
]
SAID = "Grüße, 世界! Two words."
QUESTION: Any = {"role": "user", "content": "weather?"}


@pytest.fixture
def client(emulator: EmulatorProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key="sk-ant-good", base_url=emulator.url("anthropic"), max_retries=0
    ) as made:
        yield made


def ask(client: anthropic.Anthropic, **options: Any) -> Any:
    return client.messages.create(
        model=MODEL, max_tokens=500, messages=[QUESTION], **options
    )


def test_a_message(client: anthropic.Anthropic, emulator: EmulatorProcess) -> None:
    emulator.script(text=SAID, reasoning="Hm, well.")

    message = ask(client, thinking=SHOWN)

    thinking, text = message.content
    assert (thinking.type, thinking.thinking) == ("thinking", "Hm, well.")
    assert thinking.signature
    assert (text.type, text.text) == ("text", SAID)
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens > 0
    assert message._request_id == "req_emulated"


def test_a_streamed_message(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    emulator.script(text=SAID, reasoning="Hm, well.", stop="length", piece_bytes=5)

    with client.messages.stream(
        model=MODEL, max_tokens=500, messages=[QUESTION], thinking=SHOWN
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text == SAID
    thinking = final.content[0]
    assert thinking.type == "thinking" and thinking.thinking == "Hm, well."
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert final.stop_reason == "max_tokens"
    assert emulator.wait_for_stream("finished")["model"] == MODEL


def test_tools_and_their_results(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    emulator.script(calls=CALLS, reasoning="Which city?")
    with client.messages.stream(
        model=MODEL, max_tokens=500, messages=[QUESTION], tools=[TOOL]
    ) as stream:
        first = stream.get_final_message()
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [call["arguments"] for call in CALLS]
    assert first.stop_reason == "tool_use"
    results: list[Any] = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "12 °C"}
        for call in calls
    ]

    second = client.messages.create(
        model=MODEL,
        max_tokens=500,
        messages=[
            QUESTION,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": results},
        ],
        tools=[TOOL],
    )

    assert "12 °C; 12 °C" in second.content[0].text


def test_the_whole_message_has_the_calls_too(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    emulator.script(text="Let me look.", calls=CALLS)

    message = ask(client, tools=[TOOL])

    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    assert message.content[2].input == {"city": "Bern"}


def test_an_altered_signature_is_refused(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    altered: Any = [
        {"type": "thinking", "thinking": "Mine.", "signature": "Zm9yZWlnbg=="},
        {"type": "text", "text": "Yes."},
    ]

    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        client.messages.create(
            model=MODEL,
            max_tokens=500,
            messages=[QUESTION, {"role": "assistant", "content": altered}, QUESTION],
        )


def test_current_models_hide_their_thinking(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    emulator.script(text=SAID, reasoning="Hm, well.")

    thinking = ask(client).content[0]

    assert (thinking.type, thinking.thinking) == ("thinking", "")
    assert thinking.signature


def test_thinking_whose_words_were_altered_is_refused(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    emulator.script(text=SAID, reasoning="Hm, well.")
    first = ask(client, thinking=SHOWN).to_dict()["content"]
    same: Any = {"role": "assistant", "content": first}
    altered: Any = {
        "role": "assistant",
        "content": [first[0] | {"thinking": "Hm!"}, *first[1:]],
    }

    client.messages.create(
        model=MODEL, max_tokens=500, messages=[QUESTION, same, QUESTION]
    )
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
        client.messages.create(
            model=MODEL, max_tokens=500, messages=[QUESTION, altered, QUESTION]
        )


def test_a_limit_says_when_it_ends(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    emulator.fault("status", status=429, retry_after_s=7)

    with pytest.raises(anthropic.RateLimitError) as told:
        ask(client)

    headers = told.value.response.headers
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")


ERRORS = [
    (401, anthropic.AuthenticationError, "authentication_error"),
    (403, anthropic.PermissionDeniedError, "permission_error"),
    (404, anthropic.NotFoundError, "not_found_error"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    (500, anthropic.InternalServerError, "api_error"),
    (529, anthropic.InternalServerError, "overloaded_error"),
]


@pytest.mark.parametrize(("status", "kind", "word"), ERRORS)
def test_a_refusal_is_a_typed_error(
    status: int,
    kind: type[anthropic.APIStatusError],
    word: str,
    client: anthropic.Anthropic,
    emulator: EmulatorProcess,
) -> None:
    emulator.fault("status", status=status, retry_after_s=7)

    with pytest.raises(kind) as told:
        ask(client)

    assert told.value.status_code == status
    assert told.value.response.headers["retry-after"] == "7"
    body: Any = told.value.body
    assert body["type"] == "error" and body["error"]["type"] == word


def test_an_error_in_mid_stream(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    emulator.fault("error")
    said = ""

    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        with client.messages.stream(
            model=MODEL, max_tokens=500, messages=[QUESTION]
        ) as stream:
            for text in stream.text_stream:
                said += text

    assert said


def test_a_bad_key_is_refused(emulator: EmulatorProcess) -> None:
    with anthropic.Anthropic(
        api_key="sk-ant-bad", base_url=emulator.url("anthropic"), max_retries=0
    ) as client:
        with pytest.raises(anthropic.AuthenticationError):
            ask(client)


def test_the_models_come_in_pages(
    client: anthropic.Anthropic, emulator: EmulatorProcess
) -> None:
    first = client.models.list(limit=1000)
    listed = [model.id for model in client.models.list(limit=1000)]

    assert first.has_more and len(first.data) == 4
    assert len(listed) == len(set(listed)) == 7
    assert client.models.retrieve(MODEL).display_name == "Claude Haiku 5.5"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-0")


def test_tokens_are_counted(client: anthropic.Anthropic) -> None:
    counted = client.messages.count_tokens(model=MODEL, messages=[QUESTION])

    assert counted.input_tokens > 0


def test_models_say_what_they_can(client: anthropic.Anthropic) -> None:
    able = client.models.retrieve("claude-haiku-4-5").capabilities

    assert able is not None
    assert able.thinking.types.enabled.supported
    assert not able.thinking.types.adaptive.supported


def test_pages_go_both_ways(client: anthropic.Anthropic) -> None:
    page = client.models.list(limit=2)
    after = client.models.list(limit=2, after_id=page.last_id or "")
    back = client.models.list(limit=2, before_id=after.first_id or "")

    assert [m.id for m in back.data] == [m.id for m in page.data]
    assert len({m.id for m in [*page.data, *after.data]}) == 4
    with pytest.raises(anthropic.BadRequestError):
        client.models.list(limit=0)
    with pytest.raises(anthropic.BadRequestError, match="Invalid cursor"):
        client.models.list(after_id="claude-0")
