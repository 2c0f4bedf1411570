"""What OpenAI refuses in a request of Chat Completions; the messages also elsewhere.

Source: openai-python `types/chat/completion_create_params.py` and
`chat_completion_message_param.py`
"""

from __future__ import annotations

from typing import Any

from providers.emulator import models, schema_checks
from providers.emulator.openai_checks import (
    EFFORTS,
    function,
    known_fields,
    needed,
    one_of,
    sampling,
)
from providers.emulator.wire import require

_FIELDS = {
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "messages", "metadata", "modalities", "model",
    "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier",
    "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools",
    "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
}  # fmt: skip
_ROLES = {"system", "developer", "user", "assistant", "tool"}
_PARTS = {
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
}


def check_parameters(body: dict[str, Any]) -> None:
    """OpenAI's own rules; compatible servers mostly ignore what they do not know."""
    known_fields(body, _FIELDS)
    if body.get("reasoning_effort") is not None:
        one_of(body["reasoning_effort"], EFFORTS, "reasoning_effort")
    sampling(body, body.get("reasoning_effort"))
    require(
        body.get("max_tokens") is None or not models.is_reasoning(body["model"]),
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    )
    require(
        body.get("stream_options") is None or bool(body.get("stream")),
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        param="stream_options",
    )
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        schema_checks.openai(form.get("json_schema"), "response_format.json_schema")
    tools = body.get("tools") or []
    for name in ("tool_choice", "parallel_tool_calls"):
        require(
            body.get(name) is None or bool(tools),
            f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are "
            "specified.",
            param=name,
        )
    for i, tool in enumerate(tools):
        needed(tool, "type", f"tools[{i}].type")
        declared = needed(tool, "function", f"tools[{i}].function")
        function(declared, f"tools[{i}].function")


def check_messages(messages: list[Any]) -> None:
    """Raises Wrong for roles, parts, and tool results out of place."""
    asked: dict[str, None] = {}
    for i, message in enumerate(messages):
        where = f"messages[{i}]"
        require(isinstance(message, dict), f"Invalid type for '{where}'.", param=where)
        one_of(message.get("role"), _ROLES, f"{where}.role")
        if message["role"] == "tool":
            call_id = message.get("tool_call_id")
            require(
                call_id in asked,
                "Invalid parameter: messages with role 'tool' must be a response to a "
                "preceeding message with 'tool_calls'.",
                param=f"messages.[{i}].role",
            )
            del asked[str(call_id)]
            continue
        _all_answered(asked, i)
        asked = _message(message, where)
    _all_answered(asked, len(messages) - 1)


def _all_answered(asked: dict[str, None], i: int) -> None:
    require(
        not asked,
        "An assistant message with 'tool_calls' must be followed by tool messages "
        "responding to each 'tool_call_id'. The following tool_call_ids did not have "
        f"response messages: {', '.join(asked)}",
        param=f"messages.[{i}].role",
    )


def _message(message: dict[str, Any], where: str) -> dict[str, None]:
    """Check it; the calls in it that wait for a result."""
    role = message["role"]
    calls = message.get("tool_calls") or []
    content = message.get("content")
    is_empty_allowed = role == "assistant" and (calls or message.get("refusal"))
    require(
        content is not None or bool(is_empty_allowed),
        f"Invalid value for 'content': expected a string, got null: '{where}.content'.",
        param=f"{where}.content",
    )
    for at, part in enumerate(content if isinstance(content, list) else ()):
        place = f"{where}.content[{at}]"
        one_of(
            needed(part, "type", f"{place}.type"),
            _PARTS.get(role, {"text"}),
            f"{place}.type",
        )
        value = needed(part, part["type"], f"{place}.{part['type']}")
        if part["type"] == "image_url":
            needed(value, "url", f"{place}.image_url.url")
    asked: dict[str, None] = {}
    for at, call in enumerate(calls):
        place = f"{where}.tool_calls[{at}]"
        called = needed(call, "function", f"{place}.function")
        text = needed(called, "arguments", f"{place}.function.arguments")
        require(
            isinstance(text, str),
            f"Invalid type for '{place}.function.arguments': expected a string.",
            param=f"{place}.function.arguments",
            code="invalid_type",
        )
        needed(called, "name", f"{place}.function.name")
        asked[str(needed(call, "id", f"{place}.id"))] = None
    return asked
