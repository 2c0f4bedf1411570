"""What the emulated model says, and how it is counted."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.emulator import EmulatorProcess
from tests.providers.emulator.raw import GOOD, ask, call

TOOLS = {
    "openai_chat": [
        {"type": "function", "function": {"name": name}} for name in ("sun", "rain")
    ]
}


def events_of(body: bytes) -> list[dict[str, Any]]:
    """The JSON events of a stream."""
    blocks = body.decode().replace("\r\n", "\n").split("\n\n")
    data = [line[6:] for b in blocks for line in b.split("\n") if line[:6] == "data: "]
    return [json.loads(text) for text in data if text != "[DONE]"]


def answer(emulator: EmulatorProcess, text: str, **more: Any) -> dict[str, Any]:
    """The message of a whole answer of Chat Completions."""
    question = [{"role": "user", "content": text}]
    heard = ask(emulator, messages=question, stream=False, **more)
    message: dict[str, Any] = json.loads(heard.body)["choices"][0]["message"]
    return message


def test_where_nobody_names_a_tool_it_calls_one_that_needs_no_arguments(emulator):
    tools = [
        {"type": "function", "function": {"name": name}}
        for name in ("code_audit", "current_time", "rain")
    ]
    said = answer(emulator, "How is the weather?", tools=tools)
    assert [c["function"]["name"] for c in said["tool_calls"]] == ["current_time"]


KEYWORDS = [
    ("show me some code", "```python"),
    ("a table, please", "|---|"),
    ("emoji!", "👩‍👩‍👧‍👦"),
    ("in unicode", "你好"),
    ("FastAPI and Stripe", "construct_event"),
    ("What is new?", "built-in emulator"),
]


@pytest.mark.parametrize(("question", "said"), KEYWORDS)
def test_a_keyword_chooses_the_answer(
    question: str, said: str, emulator: EmulatorProcess
) -> None:
    assert said in answer(emulator, question)["content"]


def test_a_keyword_is_the_beginning_of_a_word(emulator: EmulatorProcess) -> None:
    said = answer(emulator, "Which wine goes along with a stable barcode?")["content"]

    assert "*Which wine goes along with a stable barcode?*" in said


def test_a_long_answer_is_long(emulator: EmulatorProcess) -> None:
    assert len(answer(emulator, "long")["content"].split()) > 2000


def test_reasoning_comes_before_its_answer(emulator: EmulatorProcess) -> None:
    message = answer(emulator, "reason about it")

    assert message["reasoning_content"] and message["content"]


def test_a_refusal(emulator: EmulatorProcess) -> None:
    assert answer(emulator, "refuse!")["refusal"] == "I can't help with that."


@pytest.mark.parametrize(
    ("text", "names"), [("weather?", ["sun"]), ("parallel", ["sun", "rain"])]
)
def test_tools_are_called_where_there_are_some(
    text: str, names: list[str], emulator: EmulatorProcess
) -> None:
    called = answer(emulator, text, tools=TOOLS["openai_chat"])["tool_calls"]

    assert [one["function"]["name"] for one in called] == names
    assert "tool_calls" not in answer(emulator, text)
    forbidden = {"tools": TOOLS["openai_chat"], "tool_choice": "none"}
    assert "tool_calls" not in answer(emulator, text, **forbidden)


@pytest.mark.parametrize("dialect", GOOD)
def test_a_script_of_pieces_is_said_in_its_order(
    dialect: str, emulator: EmulatorProcess
) -> None:
    emulator.script(
        pieces=[
            {"text": "Before. "},
            {"sleep": 0.2},
            {"text": "Still."},
            {"call": {"name": "look", "arguments": {"at": "Zürich"}}},
            {"text": "After."},
        ]
    )
    started = time.monotonic()

    body = ask(emulator, dialect).body.decode()

    assert time.monotonic() - started >= 0.2
    places = [body.index(word) for word in ("Before.", "Still.", "look", "After.")]
    assert places == sorted(places)


@pytest.mark.parametrize("dialect", GOOD)
def test_a_script_can_end_in_an_error(dialect: str, emulator: EmulatorProcess) -> None:
    emulator.script(pieces=[{"text": "So far."}, {"error": "The model fell over."}])
    emulator.script(pieces=[{"text": "So far."}, {"error": "The model fell over."}])

    heard = ask(emulator, dialect)

    *said, last = events_of(heard.body)
    assert "So" in str(said)
    assert "The model fell over." in str(last)
    assert heard.error is None and b"[DONE]" not in heard.body
    if dialect != "gemini_generate":
        assert ask(emulator, dialect, stream=False).response.status_code == 500


def test_arguments_may_be_no_json(emulator: EmulatorProcess) -> None:
    emulator.script(calls=[{"name": "look", "arguments": '{"at": '}])

    called = answer(emulator, "go", tools=TOOLS["openai_chat"])["tool_calls"]

    assert called[0]["function"]["arguments"] == '{"at": '


def test_the_pace_is_kept(emulator: EmulatorProcess) -> None:
    emulator.script(text="a b c d e f g h i j k", pace=50)
    started = time.monotonic()

    ask(emulator)

    assert time.monotonic() - started >= 0.2  # ten pauses of 20 ms
    assert emulator.streams()[-1]["said"] == 11


LONG_PROMPT = "word " * 2000
USAGES: dict[str, tuple[dict[str, Any], str]] = {
    "openai_responses": (
        {"input": [{"role": "user", "content": LONG_PROMPT}]},
        "input_tokens_details.cached_tokens",
    ),
    "openai_chat": (
        {"messages": [{"role": "user", "content": LONG_PROMPT}]},
        "prompt_tokens_details.cached_tokens",
    ),
    "anthropic_messages": (
        {
            "messages": [{"role": "user", "content": LONG_PROMPT}],
            "cache_control": {"type": "ephemeral"},
        },
        "cache_read_input_tokens",
    ),
}


@pytest.mark.parametrize("dialect", USAGES)
def test_a_long_prompt_is_cached_when_it_comes_again(
    dialect: str, emulator: EmulatorProcess
) -> None:
    body, name = USAGES[dialect]
    counts = []
    for _ in range(2):
        heard = ask(emulator, dialect, stream=False, **body)
        found: Any = json.loads(heard.body)["usage"]
        for key in name.split("."):
            found = found[key]
        counts.append(found)

    assert counts[0] == 0
    assert counts[1] >= 1024 and counts[1] % 128 == 0


def test_nothing_is_cached_where_it_was_not_asked_for(
    emulator: EmulatorProcess,
) -> None:
    body = {"messages": [{"role": "user", "content": LONG_PROMPT}], "stream": False}
    ask(emulator, "anthropic_messages", **body)

    usage = json.loads(ask(emulator, "anthropic_messages", **body).body)["usage"]

    assert usage["cache_read_input_tokens"] == 0
    assert usage["input_tokens"] > 2000


def test_reasoning_is_part_of_the_output(emulator: EmulatorProcess) -> None:
    emulator.script(text="Yes.", reasoning="Well, " * 50)

    usage = events_of(ask(emulator, "openai_responses").body)[-1]["response"]["usage"]

    thought = usage["output_tokens_details"]["reasoning_tokens"]
    assert 0 < thought < usage["output_tokens"]


def test_usage_comes_in_a_chunk_of_its_own(emulator: EmulatorProcess) -> None:
    chunks = events_of(ask(emulator, stream_options={"include_usage": True}).body)

    assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["prompt_tokens"] > 0
    assert {str(chunk["usage"]) for chunk in chunks[:-1]} == {"None"}
    assert {chunk["choices"][0]["finish_reason"] for chunk in chunks[:-2]} == {None}


def test_paths_without_anything_say_so_in_the_vendors_form(
    emulator: EmulatorProcess,
) -> None:
    for vendor, key in (
        ("openai", "code"),
        ("anthropic", "type"),
        ("gemini", "status"),
    ):
        status, said = call(emulator, "POST", f"/{vendor}/nowhere", {})
        assert status == 404 and said["error"][key]
