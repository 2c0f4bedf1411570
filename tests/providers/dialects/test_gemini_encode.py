"""The Gemini dialect, encoding: whole bodies, as they go to the vendor."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from providers.dialects.gemini_generate import Quirks, encode
from providers.errors import UnsupportedFeature
from providers.gemini.config import quirks_of
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

SCHEMA = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/n"}},
    "$defs": {"n": {"type": "integer"}},
}
ADD = Tool(name="add", description="Adds.", parameters=SCHEMA)
NOW = Tool(name="now", description="The time.", parameters={"type": "object"})
CALL = ToolCallPart(call_id="c1", name="add", arguments={"a": 1})
TWICE = ToolCallPart(call_id="c2", name="add", arguments={"a": 2})
ELSEWHERE = Origin(provider="gemini", model="another", session_id="work")
DECLARATIONS = [
    {
        "name": "add",
        "description": "Adds.",
        "parametersJsonSchema": SCHEMA,
    },
    {"name": "now", "description": "The time."},
]
FILLER = "skip_thought_signature_validator"


def result(call_id: str = "c1", text: str = "2", **fields: Any) -> Message:
    part = ToolResultPart(call_id=call_id, name="add", text=text, **fields)
    return Message(role="tool", parts=[part])


def contents(*given: Message, quirks: Quirks | None = None) -> list[dict[str, Any]]:
    return encode(request(*given), quirks or Quirks())["contents"]


def echo(*parts: Part, origin: Origin | None = ORIGIN) -> list[dict[str, Any]]:
    """The parts in which an answer goes back, a question after it."""
    sent = contents(question(), answer(*parts, origin=origin), question("Go on."))
    return [
        p for content in sent if content["role"] == "model" for p in content["parts"]
    ]


def function_call(**fields: Any) -> dict[str, Any]:
    return {"functionCall": {"name": "add", "args": {"a": 1}}, **fields}


def test_a_plain_question_is_sent_with_nothing_unasked_for():
    assert encode(request(question("Hi"))) == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]
    }


def test_everything_that_can_be_asked_for_is_sent():
    body = encode(
        request(
            question("Hi"),
            system="Be brief.",
            tools=[ADD, NOW],
            tool_choice="add",
            reasoning=Reasoning(effort="high"),
            max_output_tokens=99,
            temperature=0.5,
            stop_sequences=["END"],
            response_schema=SCHEMA,
        ),
        quirks_of("gemini-3.8-flash"),
    )
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"functionDeclarations": DECLARATIONS}],
        "toolConfig": {
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["add"]}
        },
        "generationConfig": {
            "maxOutputTokens": 99,
            "temperature": 0.5,
            "stopSequences": ["END"],
            "responseMimeType": "application/json",
            "responseJsonSchema": SCHEMA,
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"},
        },
    }


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [("auto", None), ("none", {"mode": "NONE"}), ("required", {"mode": "ANY"})],
)
def test_the_choice_of_tools(choice, wanted):
    body = encode(request(question(), tools=[ADD], tool_choice=choice))
    assert body.get("toolConfig") == (
        {"functionCallingConfig": wanted} if wanted else None
    )


def test_one_call_at_a_time_cannot_be_asked_for():
    asked = request(question(), tools=[ADD], parallel_tool_calls=False)
    with pytest.raises(UnsupportedFeature, match="parallel"):
        encode(asked)


@pytest.mark.parametrize(
    ("model", "effort", "wanted"),
    [
        ("gemini-3.1-pro-preview", None, {"includeThoughts": True}),
        ("gemini-3.1-pro-preview", "none", {"thinkingLevel": "LOW"}),
        ("gemini-3.5-flash", "none", {"thinkingLevel": "MINIMAL"}),
        (
            "models/gemini-4-argon",
            "max",
            {"includeThoughts": True, "thinkingLevel": "HIGH"},
        ),
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "medium", {"includeThoughts": True, "thinkingBudget": 8192}),
        ("gemini-2.5-flash-image", "high", None),
        ("gemini-2.0-flash", "high", None),
        ("model-of-the-future", "high", None),
    ],
)
def test_each_model_is_asked_to_think_in_its_own_way(model, effort, wanted):
    asked = request(question(), model=model, reasoning=Reasoning(effort=effort))
    config = encode(asked, quirks_of(model)).get("generationConfig", {})
    assert config.get("thinkingConfig") == wanted


def test_images_and_files():
    asked = Message(
        role="user",
        parts=[
            TextPart(text="Look:"),
            ImagePart(media_type="image/jpeg", data="QUJD"),
            ImagePart(url="https://example.com/a.png", media_type="image/png"),
            FilePart(media_type="application/pdf", data="QUJD", name="a.pdf"),
        ],
    )
    link = {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}
    assert contents(asked)[0]["parts"] == [
        {"text": "Look:"},
        {"inlineData": {"mimeType": "image/jpeg", "data": "QUJD"}},
        {"fileData": link},
        {"inlineData": {"mimeType": "application/pdf", "data": "QUJD"}},
    ]


def test_results_go_in_one_user_turn_in_the_order_of_their_calls():
    sent = contents(
        question("Hi"),
        answer(msgspec.structs.replace(CALL, state={"id": "vendor-1"}), TWICE),
        result("c2", "4", is_error=True),
        result("c1", "2"),
        question("And now?"),
        quirks=Quirks(signs_calls=False),
    )
    twice = {"functionCall": {"name": "add", "args": {"a": 2}}}
    once = {"functionCall": {"id": "vendor-1", "name": "add", "args": {"a": 1}}}
    two = {"id": "vendor-1", "name": "add", "response": {"output": "2"}}
    four = {"name": "add", "response": {"error": "4"}}
    assert sent == [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [once, twice]},
        {
            "role": "user",
            "parts": [{"functionResponse": two}, {"functionResponse": four}],
        },
        {"role": "user", "parts": [{"text": "And now?"}]},
    ]


def test_an_answer_goes_back_as_it_came():
    code = {"executableCode": {"code": "1"}, "thoughtSignature": "S0"}
    tool = ServerToolPart(
        call_id="e", name="executableCode", status="completed", state={"part": code}
    )
    assert echo(
        ReasoningPart(text="unsigned summary"),
        ReasoningPart(text="Hm.", state={"thoughtSignature": "S1"}),
        tool,
        TextPart(text="one "),
        TextPart(text="two", state={"thoughtSignature": "S2"}),
        TextPart(text="", state={"thoughtSignature": "S3"}),
        TextPart(text="", state={"thoughtSignature": "S4", "is_bare": True}),
        RefusalPart(text="But no."),
        msgspec.structs.replace(CALL, state={"thoughtSignature": "S5"}),
        TWICE,
    ) == [
        {"text": "Hm.", "thought": True, "thoughtSignature": "S1"},
        code,
        {"text": "one "},
        {"text": "two", "thoughtSignature": "S2"},
        {"text": "", "thoughtSignature": "S3"},
        {"thoughtSignature": "S4"},
        {"text": "But no."},
        function_call(thoughtSignature="S5"),
        {"functionCall": {"name": "add", "args": {"a": 2}}},
    ]


def test_the_state_of_another_model_stays_here():
    signed = {"thoughtSignature": "S"}
    assert echo(
        ReasoningPart(text="Hm.", state=signed),
        TextPart(text="So.", state=signed),
        TextPart(text="", state=signed),
        msgspec.structs.replace(CALL, state=signed),
        origin=ELSEWHERE,
    ) == [{"text": "So."}, function_call()]


def test_foreign_calls_of_the_current_turn_get_the_filler_on_the_first_of_each_step():
    history = (
        question(),
        answer(CALL, origin=ELSEWHERE),
        result(),
        question("Again."),
        answer(CALL, TWICE, origin=ELSEWHERE),
        result(),
        result("c2"),
        answer(TWICE, origin=ELSEWHERE),
        result("c2"),
    )
    sent = [c for c in contents(*history) if c["role"] == "model"]
    assert [
        [part.get("thoughtSignature") for part in content["parts"]] for content in sent
    ] == [[None], [FILLER, None], [FILLER]]
    unsigned = contents(*history, quirks=quirks_of("gemini-2.5-pro"))
    assert FILLER not in str(unsigned)


def test_a_continuation_repeats_the_request_with_the_token():
    half = answer(
        TextPart(text="half"), TextPart(text="", state={"continuationToken": "TOK"})
    )
    body = encode(request(question("Hi"), half))
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "continuationToken": "TOK",
    }
    later = encode(request(question("Hi"), half, question("More")))
    assert "continuationToken" not in later
    assert later["contents"][1] == {"role": "model", "parts": [{"text": "half"}]}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("code_execution", ["executableCode", None, None, "text"]),
        ("function_call_args", ["functionCall"]),
        ("function_calls_parallel", ["functionCall", None]),
        ("thought_summary_signature", [None, "text"]),
    ],
)
def test_a_recorded_signature_goes_back_on_the_part_it_came_on(name, wanted):
    parts = folded(stream("gemini_generate", name).body, "gemini_generate").parts()
    sent = echo(*parts)
    assert [
        next(iter(part)) if "thoughtSignature" in part else None for part in sent
    ] == wanted


def test_recorded_ids_go_back_with_call_and_result():
    recording = stream("gemini_generate", "function_calls_parallel")
    parts = folded(recording.body, "gemini_generate").parts()
    sent = contents(
        question(),
        answer(*parts),
        result("j80tal12", "warm"),
        result("dv8szvqe", "cold"),
    )
    assert [p["functionCall"]["id"] for p in sent[1]["parts"]] == [
        p["functionResponse"]["id"] for p in sent[2]["parts"]
    ]
