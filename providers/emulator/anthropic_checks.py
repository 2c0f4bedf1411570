"""What Anthropic refuses in a request of Messages, so that a wrong encoder shows.

Source: anthropic-sdk-python `types/message_create_params.py`; docs.claude.com (tool use,
thinking, versioning)
"""

from __future__ import annotations

import re
from typing import Any

from providers.emulator import models, schema_checks
from providers.emulator.http11 import Request
from providers.emulator.state import State
from providers.emulator.wire import Wrong, require

_FIELDS = {
    "cache_control", "container", "context_management", "diagnostics", "fallbacks",
    "inference_geo", "max_tokens", "mcp_servers", "messages", "metadata", "model",
    "output_config", "service_tier", "speed", "stop_sequences", "stream", "system",
    "thinking", "tool_choice", "tools", "user_profile_id", "workspace_id",
}  # fmt: skip
_SAMPLING = {"temperature", "top_p", "top_k"}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_EITHER = {"text"}
_SERVER = {"server_tool_use", "code_execution_tool_result", "web_fetch_tool_result",
           "web_search_tool_result", "compaction", "fallback"}  # fmt: skip
_BLOCKS = {
    "user": _EITHER | {"image", "document", "tool_result", "search_result",
                       "container_upload"},
    "assistant": _EITHER | _SERVER | {"thinking", "redacted_thinking", "tool_use"},
    "system": _EITHER,
}  # fmt: skip


def check(request: Request, body: dict[str, Any], state: State) -> None:
    """Raises Wrong."""
    is_count = request.path.endswith("count_tokens")
    is_new = request.headers.get("anthropic-version") == "2026-10-21"
    _fields(body, is_count=is_count, is_new=is_new)
    _tools(body)
    _thinking(body, is_count=is_count)
    form = (body.get("output_config") or {}).get("format")
    if form is not None:
        schema_checks.anthropic(form)
    messages: Any = body.get("messages")
    require(isinstance(messages, list), "messages: Field required")
    require(bool(messages), "messages: at least one message is required")
    asked: dict[str, None] = {}
    for i, message in enumerate(messages or ()):
        asked = _message(i, message, asked, state)
    require(not asked, _unanswered(len(messages or ()) - 1, asked))
    _end(body)


def _fields(body: dict[str, Any], *, is_count: bool, is_new: bool) -> None:
    known = _FIELDS if is_new else _FIELDS | _SAMPLING
    for name in body:
        require(name in known, f"{name}: Extra inputs are not permitted")
    require(isinstance(body.get("model"), str), "model: Field required")
    limit: Any = body.get("max_tokens")
    if is_count:
        for name in ("max_tokens", "stream"):
            require(name not in body, f"{name}: Extra inputs are not permitted")
    else:
        require("max_tokens" in body, "max_tokens: Field required")
        require(type(limit) is int, "max_tokens: Input should be a valid integer")
        require(limit > 0, "max_tokens: Input should be greater than or equal to 1")
        most = models.CLAUDE_OUTPUT_TOKENS
        require(
            limit <= most,
            f"max_tokens: {limit} > {most}, which is the maximum allowed number of output "
            f"tokens for {body['model']}",
        )
    system: Any = body.get("system", "")
    require(isinstance(system, str | list), "system: Input should be a valid list")
    for i, block in enumerate(system if isinstance(system, list) else ()):
        require(
            block.get("type") == "text" and bool(block.get("text")),
            f"system.{i}: text content blocks must be non-empty",
        )


def _tools(body: dict[str, Any]) -> None:
    tools: Any = body.get("tools") or []
    names = [tool.get("name") for tool in tools]
    require(len(set(names)) == len(names), "tools: Tool names must be unique.")
    for i, tool in enumerate(tools):
        if tool.get("type", "custom") != "custom":
            continue  # a server tool
        require(
            isinstance(tool.get("name"), str) and bool(_NAME.match(tool["name"])),
            f"tools.{i}.custom.name: String should match pattern "
            "'^[a-zA-Z0-9_-]{1,128}$'",
        )
        schema: Any = tool.get("input_schema")
        require(
            isinstance(schema, dict), f"tools.{i}.custom.input_schema: Field required"
        )
        require(
            schema.get("type") == "object",
            f"tools.{i}.custom.input_schema.type: Input should be 'object'",
        )
    choice: Any = body.get("tool_choice")
    if choice is not None:
        require(bool(tools), "tool_choice may only be specified while providing tools.")
        require(
            choice.get("type") in ("auto", "any", "tool", "none"),
            "tool_choice: Input tag does not match any of the expected tags",
        )
        if choice["type"] == "tool":
            require(
                choice.get("name") in names,
                f"Tool '{choice.get('name')}' not found in provided tools",
            )


def _thinking(body: dict[str, Any], *, is_count: bool) -> None:
    model = body["model"]
    takes = models.claude_thinking(model)
    thinking: Any = body.get("thinking")
    kind = (thinking or {}).get("type")
    is_on = kind in ("adaptive", "enabled") or "disabled" not in takes
    if thinking is not None:
        require(
            kind in takes,
            f"thinking: type '{kind}' is not supported by {model}. Use one of: "
            f"{', '.join(sorted(takes))}.",
        )
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        require(
            type(budget) is int and budget >= 1024,
            "thinking.enabled.budget_tokens: Input should be greater than or equal to "
            "1024",
        )
        require(
            is_count or budget < body["max_tokens"],
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
        )
    forced = (body.get("tool_choice") or {}).get("type") in ("any", "tool")
    require(
        not (is_on and forced),
        "Thinking may not be enabled when tool_choice forces tool use.",
    )


def _message(
    i: int, message: Any, asked: dict[str, None], state: State
) -> dict[str, None]:
    """Check one message; the calls that the next one must answer."""
    where = f"messages.{i}"
    require(
        isinstance(message, dict),
        f"{where}: Input does not match the expected shape.",
    )
    role = message.get("role")
    require(role in _BLOCKS, f"{where}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    require(bool(content), f"{where}: all messages must have non-empty content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    require(isinstance(content, list), f"{where}.content: Input should be a valid list")
    calls: dict[str, None] = {}
    text_came_first = False
    for at, block in enumerate(content):
        place = f"{where}.content.{at}"
        _block(place, role, block, state)
        match block:
            case {"type": "tool_use", "id": str(call_id)}:
                calls[call_id] = None
            case {"type": "tool_result", "tool_use_id": call_id}:
                require(
                    call_id in asked,
                    f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{call_id}. Each `tool_result` block must have a corresponding "
                    "`tool_use` block in the previous message.",
                )
                require(not text_came_first, _unanswered(i - 1, asked))
                del asked[call_id]
            case _:
                text_came_first = bool(asked)
    require(not asked, _unanswered(i - 1, asked))
    return calls


def _unanswered(i: int, asked: dict[str, None]) -> str:
    return (
        f"messages.{i}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(asked)}. Each `tool_use` block must have a corresponding "
        "`tool_result` block in the next message."
    )


def _block(place: str, role: str, block: Any, state: State) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    require(
        kind in _BLOCKS[role],
        f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected "
        f"tags: {', '.join(sorted(_BLOCKS[role]))}",
    )
    match block:
        case {"type": "text", "text": str(text)}:
            require(
                bool(text.strip()),
                f"{place}: text content blocks must contain non-whitespace text",
            )
        case {"type": "thinking", "signature": signature, "thinking": str(text)}:
            require(
                state.is_ours("thinking", signature, text),
                f"{place}: Invalid `signature` in `thinking` block",
            )
        case {"type": "tool_use", "id": str(), "name": str(), "input": dict()}:
            pass
        case {"type": "image" | "document", "source": dict() as source}:
            _source(place, source, is_image=kind == "image")
        case {"type": "text" | "thinking" | "tool_use" | "image" | "document"}:
            raise Wrong(f"{place}.{kind}: Field required")


def _source(place: str, source: dict[str, Any], *, is_image: bool) -> None:
    kinds = {"base64": "data", "url": "url", "file": "file_id", "text": "data"}
    needed = kinds.get(str(source.get("type")))
    require(
        needed is not None, f"{place}.source: Input tag does not match any expected tag"
    )
    require(bool(source.get(needed or "")), f"{place}.source.{needed}: Field required")
    if is_image and source["type"] == "base64":
        require(
            source.get("media_type") in _IMAGES,
            f"{place}.source.base64.media_type: Input should be 'image/jpeg', 'image/png', "
            "'image/gif' or 'image/webp'",
        )


def _end(body: dict[str, Any]) -> None:
    last = body["messages"][-1]
    if last["role"] != "assistant":
        return
    require(
        models.claude_takes_prefill(body["model"]),
        "This model does not support assistant message prefill. The conversation must end "
        "with a user message.",
    )
    content = last["content"]
    text = content if isinstance(content, str) else content[-1].get("text", "")
    require(
        text == text.rstrip(),
        "messages: final assistant content cannot end with trailing whitespace",
    )
