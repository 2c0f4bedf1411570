"""The Anthropic Messages dialect: which model is asked to think in which way."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from providers.anthropic.config import quirks_of
from providers.dialects.anthropic_messages import Quirks, encode
from providers.types import (
    Message,
    Reasoning,
    ReasoningPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from tests.providers.dialects.wires import answer, question, request

ADD = Tool(name="add", description="Adds.", parameters={"type": "object"})
CALL = ToolCallPart(call_id="toolu_1", name="add", arguments={"a": 1})
SIGNED = ReasoningPart(text="Hm.", state={"signature": "SIG"})
RESULT = Message(
    role="tool", parts=[ToolResultPart(call_id="toolu_1", name="add", text="2")]
)
SEEN = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "sent_effort"),
    [
        ("claude-opus-5-5", None, SEEN, None),
        ("claude-opus-5-5", "none", None, "low"),
        ("claude-opus-5-5", "max", SEEN, "max"),
        ("claude-sonnet-5-5", None, SEEN, None),
        ("claude-sonnet-5", None, SEEN, None),
        ("claude-sonnet-5", "none", {"type": "disabled"}, None),
        ("claude-opus-4-8", None, None, None),
        ("claude-opus-4-8", "minimal", SEEN, "low"),
        ("claude-haiku-4-5-20251001", None, None, None),
        ("claude-haiku-4-5", "low", {"type": "enabled", "budget_tokens": 2048}, None),
        (
            "claude-opus-4-5",
            "max",
            {"type": "enabled", "budget_tokens": 31_999},
            "high",
        ),
        ("claude-of-the-future", None, None, None),
        ("claude-of-the-future", "medium", SEEN, "medium"),
    ],
)
def test_each_model_is_asked_to_think_in_its_own_way(
    model, effort, thinking, sent_effort
):
    asked = request(question(), model=model, reasoning=Reasoning(effort=effort))
    body = encode(asked, quirks_of(model))
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == sent_effort


def test_thinking_that_nobody_wants_to_see_is_not_sent_to_us():
    hidden = Reasoning(effort="high", visible=False)
    body = encode(request(question(), reasoning=hidden))
    assert body["thinking"] == {"type": "adaptive", "display": "omitted"}


def test_a_forced_tool_and_thinking_exclude_each_other():
    def thinking(model: str) -> Any:
        asked = request(question(), model=model, tools=[ADD], tool_choice="add")
        return encode(asked, quirks_of(model)).get("thinking")

    assert thinking("claude-sonnet-5") == {"type": "disabled"}
    assert thinking("claude-opus-5-5") is None


def test_a_budget_fits_below_the_limit_or_is_left_out():
    quirks = Quirks(thinking="budget", efforts=())
    asked = request(question(), reasoning=Reasoning(effort="high"))
    small = msgspec.structs.replace(asked, max_output_tokens=1024)
    fits = msgspec.structs.replace(asked, max_output_tokens=2000)
    assert "thinking" not in encode(small, quirks)
    assert encode(fits, quirks)["thinking"]["budget_tokens"] == 1999


def test_a_model_with_a_budget_does_not_begin_to_think_in_the_middle_of_a_turn():
    quirks = Quirks(thinking="budget", efforts=())
    reasoning = Reasoning(effort="low")
    without = request(question(), answer(CALL), RESULT, reasoning=reasoning)
    with_it = request(question(), answer(SIGNED, CALL), RESULT, reasoning=reasoning)
    assert "thinking" not in encode(without, quirks)
    assert "thinking" in encode(with_it, quirks)
