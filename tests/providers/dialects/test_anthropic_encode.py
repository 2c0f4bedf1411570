"""The Anthropic Messages dialect, encoding: whole bodies, as they go to the vendor."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from providers.dialects.anthropic_messages import encode
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
from tests.providers.dialects.wires import ORIGIN, answer, folded, question, request
from tests.recordings import stream

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
ADD = Tool(name="add", description="Adds.", parameters=SCHEMA)
CALL = ToolCallPart(call_id="toolu_1", name="add", arguments={"a": 1})
TWICE = ToolCallPart(call_id="toolu_2", name="add", arguments={"a": 2})
ELSEWHERE = Origin(provider="anthropic", model="another", session_id="work")
SIGNED = ReasoningPart(text="Hm.", state={"signature": "SIG"})
THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "SIG"}
TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}


def result(call_id: str = "toolu_1", text: str = "2", **fields: Any) -> Message:
    part = ToolResultPart(call_id=call_id, name="add", text=text, **fields)
    return Message(role="tool", parts=[part])


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def messages(*given: Message, **fields: Any) -> list[dict[str, Any]]:
    return encode(request(*given, **fields))["messages"]


def echo(*parts: Part, origin: Origin | None = ORIGIN) -> list[dict[str, Any]]:
    """The blocks in which an answer goes back, a question after it."""
    sent = messages(question(), answer(*parts, origin=origin), question("Go on."))
    return [b for turn in sent if turn["role"] == "assistant" for b in turn["content"]]


def test_a_plain_question_is_sent_with_nothing_unasked_for():
    assert encode(request(question("Hi"))) == {
        "model": "gpt-x",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [said("Hi")]}],
        "stream": True,
    }


def test_everything_that_can_be_asked_for_is_sent():
    body = encode(
        request(
            question("Hi"),
            system="Be brief.",
            tools=[ADD, Tool(name="b", description="", parameters={}, strict=True)],
            tool_choice="required",
            parallel_tool_calls=False,
            reasoning=Reasoning(effort="high"),
            max_output_tokens=99,
            temperature=0.5,
            stop_sequences=["END"],
            response_schema=SCHEMA,
            conversation_key="c",
        )
    )
    assert body == {
        "model": "gpt-x",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": [said("Hi")]}],
        "stream": True,
        "system": "Be brief.",
        "tools": [
            {"name": "add", "description": "Adds.", "input_schema": SCHEMA},
            {
                "name": "b",
                "description": "",
                "input_schema": {"type": "object"},
                "strict": True,
            },
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "cache_control": {"type": "ephemeral"},
        "output_config": {
            "effort": "high",
            "format": {"type": "json_schema", "schema": SCHEMA},
        },
    }


@pytest.mark.parametrize(
    ("choice", "parallel", "wanted"),
    [
        ("auto", True, None),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("none", False, {"type": "none"}),
        ("required", True, {"type": "any"}),
        ("add", True, {"type": "tool", "name": "add"}),
    ],
)
def test_the_choice_of_tools(choice, parallel, wanted):
    asked = request(
        question(), tools=[ADD], tool_choice=choice, parallel_tool_calls=parallel
    )
    assert encode(asked).get("tool_choice") == wanted


def test_all_results_of_a_turn_go_in_one_message_before_any_text():
    assert messages(
        question(),
        answer(CALL, TWICE),
        result("toolu_2", "4"),
        result("toolu_1", "", is_error=True),
        question("And now?"),
    )[2] == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": "4"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True},
            said("And now?"),
        ],
    }


def test_neighbours_of_one_role_are_one_and_empty_texts_are_dropped():
    assert messages(
        question("a"),
        question(" \n"),
        answer(),
        question("b"),
        answer(TextPart(text="")),
    ) == [{"role": "user", "content": [said("a"), said("b")]}]


def test_images_and_documents():
    text = base64.b64encode("Grüße".encode()).decode()
    asked = Message(
        role="user",
        parts=[
            ImagePart(media_type="image/jpeg", data="QUJD"),
            ImagePart(url="https://example.com/a.png"),
            FilePart(media_type="application/pdf", data="QUJD", name="a.pdf"),
            FilePart(media_type="text/csv", data=text, name="b.csv"),
        ],
    )
    jpeg = {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}
    plain = {"type": "text", "media_type": "text/plain", "data": "Grüße"}
    link = {"type": "url", "url": "https://example.com/a.png"}
    assert messages(asked)[0]["content"] == [
        {"type": "image", "source": jpeg},
        {"type": "image", "source": link},
        {"type": "document", "source": pdf, "title": "a.pdf"},
        {"type": "document", "source": plain, "title": "b.csv"},
    ]


@pytest.mark.parametrize(
    "part",
    [
        ImagePart(media_type="image/svg+xml", data="QUJD"),
        FilePart(media_type="application/zip", data="/w==", name="a.zip"),
        FilePart(media_type="text/plain", data="not base64!", name="a.txt"),
    ],
)
def test_media_that_the_wire_cannot_carry_are_refused_with_advice(part):
    with pytest.raises(UnsupportedFeature, match="or leave it out"):
        messages(Message(role="user", parts=[part]))


def test_an_answer_goes_back_as_it_came():
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    raw = {"type": "web_search_result_location", "url": "u", "title": "t"}
    raw |= {"cited_text": "c", "encrypted_index": "e"}
    tool = ServerToolPart(call_id="s", name="x", status="completed")
    assert echo(
        SIGNED,
        ReasoningPart(state={"data": "RED"}),
        msgspec.structs.replace(tool, state={"block": use}),
        msgspec.structs.replace(tool, state={"block": found}),
        TextPart(text="So.", citations=[{"raw": {**raw, "file_id": None}}]),
        RefusalPart(text="But no."),
        msgspec.structs.replace(CALL, state={"caller": {"type": "direct"}}),
    ) == [
        THINKING,
        {"type": "redacted_thinking", "data": "RED"},
        use,
        found,
        {**said("So."), "citations": [raw]},
        said("But no."),
        {**TOOL_USE, "caller": {"type": "direct"}},
    ]


def test_the_state_of_another_model_stays_here():
    tool = ServerToolPart(call_id="s", name="x", status="completed")
    assert echo(
        SIGNED,
        msgspec.structs.replace(tool, state={"block": {"type": "server_tool_use"}}),
        TextPart(text="So.", citations=[{"raw": {"type": "page_location"}}]),
        msgspec.structs.replace(CALL, state={"caller": {"type": "direct"}}),
        origin=ELSEWHERE,
    ) == [said("So."), TOOL_USE]


def test_half_an_answer_goes_back_without_what_was_never_finished():
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    tool = ServerToolPart(call_id="s", name="x", status="running", state={"block": use})
    assert echo(ReasoningPart(text="no signature"), TextPart(text="So"), tool) == [
        said("So")
    ]
    assert echo(SIGNED) == []


def test_a_paused_answer_goes_back_whole_to_be_continued():
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    tool = ServerToolPart(call_id="s", name="x", status="running", state={"block": use})
    sent = messages(question(), answer(TextPart(text="So"), tool))
    assert sent[1] == {"role": "assistant", "content": [said("So"), use]}


def test_calls_of_other_vendors_fit_this_one():
    call = ToolCallPart(
        call_id="functions.add:0", name="add", arguments={}, arguments_raw="{oops"
    )
    sent = messages(question(), answer(call), result("functions.add:0"))
    assert sent[1]["content"][0]["id"] == sent[2]["content"][0]["tool_use_id"]
    assert sent[1]["content"][0]["id"] == "functions_add_0"
    assert sent[1]["content"][0]["input"] == {"INVALID_JSON": "{oops"}


@pytest.mark.parametrize("name", ["thinking_signature", "web_search_citations"])
def test_a_recorded_answer_goes_back_in_the_same_blocks(name):
    recording = stream("anthropic_messages", name)
    parts = folded(recording.body, "anthropic_messages").parts()
    kinds = [block["type"] for block in echo(*parts)]
    wanted = {
        "thinking_signature": ["thinking", "text"],
        "web_search_citations": ["server_tool_use", "web_search_tool_result"]
        + ["text"] * 4,
    }
    assert kinds == wanted[name]
    if name == "thinking_signature":
        signature = echo(*parts)[0]["signature"]
        assert len(signature) == recording.expected["reasoning_signatures"][0]["len"]


def test_recorded_redacted_thinking_goes_back_before_the_text():
    recording = stream("anthropic_messages", "redacted_thinking")
    sent = echo(*folded(recording.body, "anthropic_messages").parts())
    assert [block["type"] for block in sent] == ["redacted_thinking"] * 2 + ["text"]
    assert [len(block["data"]) for block in sent[:2]] == [744, 296]
