"""The Chat Completions dialect, encoding: whole bodies, as they go to the vendor."""

from __future__ import annotations

from typing import Any

from providers.dialects import openai_chat, openai_responses
from providers.types import (
    FilePart,
    ImagePart,
    Message,
    Origin,
    Part,
    Reasoning,
    ReasoningPart,
    RefusalPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from tests.providers.dialects.wires import (
    ORIGIN,
    answer,
    question,
    request,
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


def test_chat_asks_for_a_stream_with_usage() -> None:
    assert chat(question("Hi")) == {
        "model": "gpt-x",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_chat_expresses_every_option() -> None:
    body = chat(
        system="Be brief.",
        tools=[ADD, STRICT],
        tool_choice="add",
        parallel_tool_calls=False,
        reasoning=Reasoning(effort="high"),
        max_output_tokens=100,
        temperature=0.5,
        stop_sequences=["END"],
        response_schema=SCHEMA,
        conversation_key="c1",
    )

    add = {"name": "add", "description": "Adds.", "parameters": SCHEMA}
    sub = {"name": "sub", "description": "Subtracts.", "parameters": SCHEMA}
    assert body == {
        "model": "gpt-x",
        "messages": [{"role": "system", "content": "Be brief."}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {"type": "function", "function": add},
            {"type": "function", "function": {**sub, "strict": True}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "parallel_tool_calls": False,
        "reasoning_effort": "high",
        "max_tokens": 100,
        "temperature": 0.5,
        "stop": ["END"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
        },
    }


def test_a_servers_quirks_are_data() -> None:
    quirks = openai_chat.Quirks(
        max_tokens_field="max_completion_tokens",
        system_role="developer",
        has_stream_options=False,
        efforts={"max": "xhigh"},
        cache_key_field="prompt_cache_key",
    )
    body = chat(
        quirks=quirks,
        system="Be brief.",
        reasoning=Reasoning(effort="max"),
        max_output_tokens=9,
        conversation_key="c1",
    )

    assert body == {
        "model": "gpt-x",
        "messages": [{"role": "developer", "content": "Be brief."}],
        "stream": True,
        "reasoning_effort": "xhigh",
        "max_completion_tokens": 9,
        "prompt_cache_key": "c1",
    }


def test_an_effort_is_not_sent_where_it_is_unknown() -> None:
    quirks = openai_chat.Quirks(sends_reasoning_effort=False)
    body = chat(quirks=quirks, reasoning=Reasoning(effort="high"))

    assert "reasoning_effort" not in body


def test_text_alone_is_a_string_and_with_more_it_is_parts() -> None:
    texts = Message(role="user", parts=[TextPart(text="a"), TextPart(text="b")])
    mixed = Message(role="user", parts=[TextPart(text="a"), IMAGE, FILE])

    assert chat(texts, mixed)["messages"] == [
        {"role": "user", "content": "a\n\nb"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/jpeg;base64,QUJD"},
                },
                {
                    "type": "file",
                    "file": {
                        "filename": "a.pdf",
                        "file_data": "data:application/pdf;base64,QUJD",
                    },
                },
            ],
        },
    ]


def test_a_turn_with_a_tool_becomes_messages_in_order() -> None:
    assert chat(question(), answer(TextPart(text="Let me."), CALL), RESULT)[
        "messages"
    ] == [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "Let me.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "add", "arguments": '{"a":1,"ä":"ü"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "2"},
    ]


def test_a_call_without_words_has_null_content() -> None:
    assert said(CALL)[0]["content"] is None


def test_an_answer_of_which_nothing_arrived_is_left_out() -> None:
    assert said() == []
    assert said(ReasoningPart(text="Hm")) == []
    assert items(ReasoningPart(text="Hm")) == []


def test_reasoning_details_go_back_where_they_came_from_only() -> None:
    details = [{"type": "reasoning.text", "text": "Hm", "signature": "S"}]
    part = ReasoningPart(text="Hm", state={"reasoning_details": details})

    assert said(part, TextPart(text="Yes"))[0]["reasoning_details"] == details
    elsewhere = answer(part, TextPart(text="Yes"), origin=ELSEWHERE)
    assert chat(elsewhere)["messages"] == [{"role": "assistant", "content": "Yes"}]


def test_reasoning_goes_back_with_tool_calls_where_a_server_wants_it() -> None:
    quirks = openai_chat.Quirks(echoed_reasoning_field="reasoning_content")
    thought = ReasoningPart(text="Hm")

    assert said(thought, CALL, quirks=quirks)[0]["reasoning_content"] == "Hm"
    assert said(CALL, quirks=quirks)[0]["reasoning_content"] == ""
    assert "reasoning_content" not in said(TextPart(text="x"), quirks=quirks)[0]
    assert "reasoning_content" not in said(thought, CALL)[0]


def test_a_refusal_is_words_to_a_compatible_server() -> None:
    assert said(RefusalPart(text="No."))[0]["content"] == "No."
