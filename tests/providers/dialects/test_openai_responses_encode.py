"""The Responses dialect, encoding (and what both share): whole bodies."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from providers.dialects import openai_chat, openai_responses
from providers.errors import UnsupportedFeature
from providers.types import (
    FilePart,
    ImagePart,
    Message,
    Origin,
    Part,
    Reasoning,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from tests.providers.dialects.wires import (
    ORIGIN,
    answer,
    folded,
    question,
    request,
    typed,
)

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


ADD = Tool(name="add", description="Adds.", parameters=SCHEMA)


STRICT = Tool(name="sub", description="Subtracts.", parameters=SCHEMA, strict=True)


CALL = ToolCallPart(call_id="call_1", name="add", arguments={"a": 1, "ä": "ü"})


RESULT = Message(
    role="tool", parts=[ToolResultPart(call_id="call_1", name="add", text="2")]
)


IMAGE = ImagePart(media_type="image/jpeg", data="QUJD")


FILE = FilePart(media_type="application/pdf", data="QUJD", name="a.pdf")


ELSEWHERE = Origin(provider="openai", model="another", session_id="work")


REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"}


def responses(*messages: Message, **fields: Any) -> dict[str, Any]:
    return openai_responses.encode(request(*messages, **fields))


def chat(*messages: Message, quirks: Any = None, **fields: Any) -> dict[str, Any]:
    body = request(*messages, **fields)
    return openai_chat.encode(body, quirks) if quirks else openai_chat.encode(body)


def items(*parts: Part, origin: Origin | None = ORIGIN) -> list[dict[str, Any]]:
    """The input items of one assistant message."""
    found: list[dict[str, Any]] = responses(answer(*parts, origin=origin))["input"]
    return found


def said(*parts: Part, **fields: Any) -> list[dict[str, Any]]:
    """The chat messages of one assistant message."""
    found: list[dict[str, Any]] = chat(answer(*parts), **fields)["messages"]
    return found


def test_responses_asks_for_a_stream_that_is_not_stored() -> None:
    assert responses(question("Hi")) == {
        "model": "gpt-x",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}],
            }
        ],
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
    }


def test_responses_expresses_every_option() -> None:
    body = responses(
        system="Be brief.",
        tools=[ADD, STRICT],
        tool_choice="add",
        parallel_tool_calls=False,
        reasoning=Reasoning(effort="high"),
        max_output_tokens=100,
        temperature=0.5,
        response_schema=SCHEMA,
        conversation_key="c1",
    )

    assert body == {
        "model": "gpt-x",
        "input": [],
        "stream": True,
        "store": False,
        "instructions": "Be brief.",
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "high", "summary": "auto"},
        "tools": [
            {
                "type": "function",
                "name": "add",
                "description": "Adds.",
                "parameters": SCHEMA,
                "strict": False,
            },
            {
                "type": "function",
                "name": "sub",
                "description": "Subtracts.",
                "parameters": SCHEMA,
                "strict": True,
            },
        ],
        "tool_choice": {"type": "function", "name": "add"},
        "parallel_tool_calls": False,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "answer",
                "schema": SCHEMA,
                "strict": True,
            }
        },
        "max_output_tokens": 100,
        "temperature": 0.5,
        "prompt_cache_key": "c1",
    }


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    quirks = openai_responses.Quirks(reasons=False)
    body = openai_responses.encode(request(reasoning=Reasoning(effort="low")), quirks)

    assert body == {"model": "gpt-x", "input": [], "stream": True, "store": False}


@pytest.mark.parametrize(
    ("reasoning", "wanted"),
    [
        (Reasoning(effort="none"), {"effort": "none"}),
        (Reasoning(effort="max", visible=False), {"effort": "max"}),
        (Reasoning(visible=False), None),
    ],
)
def test_a_summary_is_asked_for_when_it_is_wanted(reasoning: Any, wanted: Any) -> None:
    assert responses(reasoning=reasoning).get("reasoning") == wanted


def test_responses_has_no_stop_sequences() -> None:
    with pytest.raises(UnsupportedFeature, match="stop sequences"):
        responses(stop_sequences=["END"])


def test_responses_takes_images_and_files() -> None:
    link = ImagePart(url="https://a.example/b.png")
    message = Message(role="user", parts=[TextPart(text="See"), IMAGE, link, FILE])

    assert responses(message)["input"][0]["content"] == [
        {"type": "input_text", "text": "See"},
        {
            "type": "input_image",
            "image_url": "data:image/jpeg;base64,QUJD",
            "detail": "auto",
        },
        {
            "type": "input_image",
            "image_url": "https://a.example/b.png",
            "detail": "auto",
        },
        {
            "type": "input_file",
            "filename": "a.pdf",
            "file_data": "data:application/pdf;base64,QUJD",
        },
    ]


def test_a_turn_with_a_tool_becomes_items_in_order() -> None:
    body = responses(
        question(),
        answer(
            ReasoningPart(text="Hm", state={"item": REASONING}),
            TextPart(text="Let me add.", state={"id": "msg_1", "phase": "commentary"}),
            msgspec.structs.replace(CALL, state={"id": "fc_1"}),
        ),
        RESULT,
    )

    assert body["input"][1:] == [
        REASONING,
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "phase": "commentary",
            "content": [
                {"type": "output_text", "text": "Let me add.", "annotations": []}
            ],
        },
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "add",
            "arguments": '{"a":1,"ä":"ü"}',
            "id": "fc_1",
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "2"},
    ]


@pytest.mark.parametrize("origin", [ELSEWHERE, None])
def test_state_of_another_account_or_model_is_left_out(origin: Origin | None) -> None:
    found = items(
        ReasoningPart(text="Hm", state={"item": REASONING}),
        TextPart(text="Yes", state={"id": "msg_1", "phase": "final_answer"}),
        ServerToolPart(
            call_id="w", name="web_search_call", status="completed", state={"item": {}}
        ),
        msgspec.structs.replace(CALL, state={"id": "fc_1"}),
        origin=origin,
    )

    assert [item["type"] for item in found] == ["message", "function_call"]
    assert not any("id" in item or "phase" in item for item in found)


def test_neighbouring_text_of_one_message_shares_an_item() -> None:
    state = {"id": "msg_1"}
    found = items(
        TextPart(text="a", state=state),
        TextPart(text="b", state=state),
        TextPart(text="c", state={"id": "msg_2"}),
        RefusalPart(text="no"),
    )

    assert [[piece["type"] for piece in item["content"]] for item in found] == [
        ["output_text", "output_text"],
        ["output_text"],
        ["refusal"],
    ]


def test_reasoning_that_led_to_nothing_is_left_out() -> None:
    assert items(ReasoningPart(state={"item": REASONING})) == []
    assert (
        items(TextPart(text="a"), ReasoningPart(state={"item": REASONING}))[-1]["type"]
        == "message"
    )


def test_a_hosted_tools_item_goes_back_as_it_came() -> None:
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    part = ServerToolPart(
        call_id="ws_1", name="web_search_call", status="completed", state={"item": item}
    )

    assert items(part) == [item]


def test_arguments_that_were_no_object_go_back_as_they_came() -> None:
    part = ToolCallPart(call_id="c", name="f", arguments={}, arguments_raw='{"a":')

    assert items(part)[0]["arguments"] == '{"a":'
    assert said(part)[0]["tool_calls"][0]["function"]["arguments"] == '{"a":'


def test_a_failed_tool_says_so_in_its_result() -> None:
    failed = ToolResultPart(call_id="c", name="f", text="no such file", is_error=True)
    message = Message(role="tool", parts=[failed])

    assert responses(message)["input"][0]["output"] == "Error: no such file"
    assert chat(message)["messages"][0]["content"] == "Error: no such file"


def test_encrypted_reasoning_makes_the_round_trip_unchanged() -> None:
    item = {**REASONING, "content": [], "status": None, "from_tomorrow": {"x": [1.5]}}
    call = {"type": "function_call", "call_id": "call_1", "id": "fc_1", "name": "add"}
    body = typed(
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.output_item.done",
            "output_index": 1,
            "item": {**call, "arguments": '{"a":1}', "status": "completed"},
        },
        {"type": "response.completed", "response": {"output": []}},
    )
    stored = msgspec.json.encode(folded(body, "openai_responses").parts())
    parts = msgspec.json.decode(stored, type=list[Part])

    sent = responses(question(), answer(*parts), RESULT)["input"]
    assert sent[1] == item
    assert json.dumps(sent[1]) == json.dumps(item)
    assert sent[2] == {**call, "arguments": '{"a":1}'}


@pytest.mark.parametrize("choice", ["none", "required"])
def test_a_tool_choice_is_a_word_or_a_name(choice: str) -> None:
    assert chat(tools=[ADD], tool_choice=choice)["tool_choice"] == choice
    assert responses(tools=[ADD], tool_choice=choice)["tool_choice"] == choice
    assert "tool_choice" not in chat(tool_choice=choice)
