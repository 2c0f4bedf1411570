"""Structured output at the emulator: what vendors refuse in a schema, and what comes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.emulator import EmulatorProcess
from tests.providers.emulator.raw import ask


def schema(**changes: Any) -> dict[str, Any]:
    given = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
        "required": ["name", "size"],
        "additionalProperties": False,
    }
    return {k: v for k, v in {**given, **changes}.items() if v is not ...}


def asked_for(dialect: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields that ask for this schema."""
    named = {"name": "answer", "schema": wanted, "strict": True}
    return {
        "openai_responses": {"text": {"format": {"type": "json_schema", **named}}},
        "openai_chat": {
            "response_format": {"type": "json_schema", "json_schema": named}
        },
        "anthropic_messages": {
            "output_config": {"format": {"type": "json_schema", "schema": wanted}}
        },
        "gemini_generate": {
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseJsonSchema": wanted,
            }
        },
    }[dialect]


DIALECTS = ["openai_responses", "openai_chat", "anthropic_messages", "gemini_generate"]
NUMBER = {"type": "integer", "minimum": 1}


def whole(dialect: str) -> dict[str, Any]:
    """The fields that ask for an answer in one piece; Gemini's stands in the URL."""
    return {} if dialect == "gemini_generate" else {"stream": False}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_schema_that_suits_all_is_answered_in_its_form(
    dialect: str, emulator: EmulatorProcess
) -> None:
    heard = ask(emulator, dialect, **whole(dialect), **asked_for(dialect, schema()))

    key = "content" if dialect == "openai_chat" else "text"
    said = re.findall(rf'"{key}": ("(?:[^"\\]|\\.)*")', heard.body.decode())
    answer = "".join(json.loads(piece) for piece in said)
    assert json.loads(answer) == {"name": "the name", "size": 1}


@pytest.mark.parametrize(
    ("dialect", "wanted", "words"),
    [
        ("openai_responses", schema(required=["name"]), "Missing 'size'"),
        (
            "openai_responses",
            schema(additionalProperties=...),
            "'additionalProperties'",
        ),
        ("openai_responses", {"type": "array"}, "JSON Schema of 'object'"),
        ("openai_responses", schema(allOf=[]), "'allOf' is not permitted"),
        (
            "openai_responses",
            schema(properties={"a": schema(required=[])}, required=["a"]),
            "In context=.a, 'required'",
        ),
        (
            "anthropic_messages",
            schema(additionalProperties=...),
            "explicitly set to false",
        ),
        ("anthropic_messages", schema(properties={"n": NUMBER}), "'minimum' is not"),
        ("gemini_generate", schema(patternProperties={}), '"patternProperties"'),
    ],
)
def test_a_schema_that_a_vendor_does_not_take_is_refused(
    dialect: str, wanted: dict[str, Any], words: str, emulator: EmulatorProcess
) -> None:
    heard = ask(emulator, dialect, **whole(dialect), **asked_for(dialect, wanted))

    assert heard.response.status_code == 400
    assert words in json.loads(heard.body)["error"]["message"]
