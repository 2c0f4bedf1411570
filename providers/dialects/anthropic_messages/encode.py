"""`ChatRequest` → the JSON body of `POST /v1/messages`.

    messages ──▶ user and assistant turns, in alternation
      user, tool   tool_result* then text, image, document
      assistant    thinking, text, tool_use, server tools and their results, as they came

Source: anthropic/types/message_create_params.py, and
https://platform.claude.com/docs/en/build-with-claude/ (thinking, structured-outputs).
"""

from __future__ import annotations

from typing import Any

from providers.dialects.anthropic_messages.blocks import assistant_blocks, user_blocks
from providers.dialects.anthropic_messages.quirks import DEFAULT, Quirks
from providers.types import ChatRequest, Tool

Body = dict[str, Any]
Block = dict[str, Any]

# Budgets for models that want a number. The smallest one is the vendor's minimum.
_BUDGETS = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "max": 32_000,
}
_MIN_BUDGET = 1_024


def encode(request: ChatRequest, quirks: Quirks = DEFAULT) -> Body:
    """The JSON body. Raises UnsupportedFeature for media the wire cannot carry."""
    body: Body = {
        "model": request.model,
        "max_tokens": request.max_output_tokens or quirks.max_tokens,
        "messages": _turns(request, quirks),
        "stream": True,
    }
    if request.system.strip():
        body["system"] = request.system
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if choice := _tool_choice(request):
            body["tool_choice"] = choice
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.stop_sequences:
        body["stop_sequences"] = request.stop_sequences
    if request.conversation_key:
        # A conversation comes back with all it has said: mark what was sent so far.
        body["cache_control"] = {"type": "ephemeral"}
    return body | _reasoning(request, body, quirks)


def _turns(request: ChatRequest, quirks: Quirks) -> list[Body]:
    """User and assistant in alternation; what came to nothing is left out."""
    turns: list[Body] = []
    last = len(request.messages) - 1
    for at, message in enumerate(request.messages):
        if message.role == "assistant":
            role = "assistant"
            blocks = assistant_blocks(message, request, is_last=at == last)
        else:
            role, blocks = "user", user_blocks(message, quirks.provider)
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    for turn in turns:
        # Results must come first in the message that follows the calls.
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    return turns


def _tool(tool: Tool) -> Body:
    schema = {"type": "object", **tool.parameters}
    strict = {"strict": True} if tool.strict else {}
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": schema,
        **strict,
    }


def _tool_choice(request: ChatRequest) -> Body:
    """Empty when the vendor's default says the same."""
    if request.tool_choice == "none":
        return {"type": "none"}
    choice: Body = {"type": "auto"}
    if request.tool_choice == "required":
        choice = {"type": "any"}
    elif request.tool_choice != "auto":
        choice = {"type": "tool", "name": request.tool_choice}
    if not request.parallel_tool_calls:
        choice["disable_parallel_tool_use"] = True
    return {} if choice == {"type": "auto"} else choice


def _reasoning(request: ChatRequest, body: Body, quirks: Quirks) -> Body:
    """`thinking` and `output_config`, which also holds the answer's schema."""
    fields: Body = {}
    config: Body = {}
    if thinking := _thinking(request, body, quirks):
        fields["thinking"] = thinking
    if effort := _effort(request, quirks):
        config["effort"] = effort
    if request.response_schema is not None:
        config["format"] = {"type": "json_schema", "schema": request.response_schema}
    if config:
        fields["output_config"] = config
    return fields


def _effort(request: ChatRequest, quirks: Quirks) -> str:
    """The word for the effort asked for; empty to leave the model's default."""
    wanted = request.reasoning.effort
    if wanted is None or (wanted == "none" and quirks.can_stop_thinking):
        return ""
    # Where thinking cannot be switched off, the least effort is the nearest thing.
    word = "low" if wanted in ("none", "minimal") else wanted
    if quirks.efforts is None:
        return word if quirks.thinking == "adaptive" else ""
    if not quirks.efforts or word in quirks.efforts:
        return word if quirks.efforts else ""
    return quirks.efforts[-1]


def _thinking(request: ChatRequest, body: Body, quirks: Quirks) -> Body:
    wanted = request.reasoning.effort
    if quirks.thinking == "none":
        return {}
    if wanted == "none" or _is_forced(request):
        # Only worth saying to a model that would think: the others do not know the word
        # or have nothing to stop. Thinking and a forced tool exclude each other.
        off = quirks.thinks_unasked and quirks.can_stop_thinking
        return {"type": "disabled"} if off else {}
    if wanted is None and not quirks.thinks_unasked:
        return {}
    if quirks.thinking == "adaptive":
        # Left out, most current models would hide what they think.
        display = "summarized" if request.reasoning.visible else "omitted"
        return {"type": "adaptive", "display": display}
    budget = min(_BUDGETS[wanted or "medium"], body["max_tokens"] - 1)
    if budget < _MIN_BUDGET or _is_mid_turn_without_thinking(body["messages"]):
        return {}
    return {"type": "enabled", "budget_tokens": budget}


def _is_forced(request: ChatRequest) -> bool:
    return bool(request.tools) and request.tool_choice not in ("auto", "none")


def _is_mid_turn_without_thinking(turns: list[Body]) -> bool:
    """Whether tool results are on their way for a turn that began without thinking.

    Models with a budget refuse to begin to think in the middle of a turn.
    """
    for turn in reversed(turns):
        kinds = [block["type"] for block in turn["content"]]
        if turn["role"] == "user":
            if "tool_result" not in kinds:
                return False
        elif kinds[0] not in ("thinking", "redacted_thinking"):
            return True
    return False
