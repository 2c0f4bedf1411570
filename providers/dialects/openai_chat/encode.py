"""`ChatRequest` → the JSON body of `POST /chat/completions`.

    system     one message of the server's system role
    user       a string, or parts (text, image_url, file) when there is more than text
    assistant  content, tool_calls, reasoning_details (OpenRouter's opaque state)
    tool       one message per result

Source: openai/types/chat/completion_create_params.py
"""

from __future__ import annotations

from typing import Any

from providers.dialects.openai_chat.quirks import DEFAULT, Quirks
from providers.dialects.openai_common import file_url, image_url, write_arguments
from providers.types import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    state_for,
)

Json = dict[str, Any]

# Fields that some servers refuse with 400 though they could do without. Who asks for a form
# of answer says so in words, too, and checks what came: no server promises to keep to it.
OPTIONAL_FIELDS = (
    "stream_options",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
)


def encode(request: ChatRequest, quirks: Quirks = DEFAULT) -> dict[str, Any]:
    """The JSON body. This wire can express every request."""
    messages: list[Json] = []
    if request.system:
        messages.append({"role": quirks.system_role, "content": request.system})
    for message in request.messages:
        if message.role == "assistant":
            messages += _assistant(message, request, quirks)
        else:
            messages += _results(message) + _user(message)
    body: Json = {"model": request.model, "messages": messages, "stream": True}
    if quirks.has_stream_options:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body |= _tools(request)
    effort = request.reasoning.effort
    if effort is not None and quirks.sends_reasoning_effort:
        body["reasoning_effort"] = quirks.efforts.get(effort, effort)
    if request.max_output_tokens is not None:
        body[quirks.max_tokens_field] = request.max_output_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.stop_sequences:
        body["stop"] = request.stop_sequences
    if request.response_schema is not None:
        body["response_format"] = _schema(request.response_schema)
    if request.conversation_key and quirks.cache_key_field:
        body[quirks.cache_key_field] = request.conversation_key
    return body


def _schema(schema: Json) -> Json:
    # A name is required here, and says nothing to the model.
    named = {"name": "answer", "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": named}


def _tools(request: ChatRequest) -> Json:
    fields: Json = {"tools": []}
    for tool in request.tools:
        function: Json = {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        }
        if tool.strict:
            function["strict"] = True
        fields["tools"].append({"type": "function", "function": function})
    if request.tool_choice in ("none", "required"):
        fields["tool_choice"] = request.tool_choice
    elif request.tool_choice != "auto":
        named = {"name": request.tool_choice}
        fields["tool_choice"] = {"type": "function", "function": named}
    if not request.parallel_tool_calls:
        fields["parallel_tool_calls"] = False
    return fields


def _user(message: Message) -> list[Json]:
    """What a person gave. Text alone goes as a string: many templates take no parts."""
    parts: list[Json] = []
    for part in message.parts:
        match part:
            case TextPart(text=text):
                parts.append({"type": "text", "text": text})
            case ImagePart():
                url = image_url(part)
                parts.append({"type": "image_url", "image_url": {"url": url}})
            case FilePart():
                file = {"filename": part.name, "file_data": file_url(part)}
                parts.append({"type": "file", "file": file})
    if not parts:
        return []
    if all(part["type"] == "text" for part in parts):
        text = "\n\n".join(part["text"] for part in parts)
        return [{"role": "user", "content": text}]
    return [{"role": "user", "content": parts}]


def _results(message: Message) -> list[Json]:
    return [
        {
            "role": "tool",
            "tool_call_id": part.call_id,
            "content": f"Error: {part.text}" if part.is_error else part.text,
        }
        for part in message.parts
        if isinstance(part, ToolResultPart)
    ]


def _assistant(message: Message, request: ChatRequest, quirks: Quirks) -> list[Json]:
    """What the model said. An answer of which nothing arrived is left out."""
    text: list[str] = []
    reasoning: list[str] = []
    details: list[Any] = []
    calls: list[Json] = []
    for part in message.parts:
        match part:
            case TextPart() | RefusalPart():
                text.append(part.text)
            case ReasoningPart():
                reasoning.append(part.text)
                state = state_for(part.state, message, request) or {}
                details += state.get("reasoning_details") or []
            case ToolCallPart():
                calls.append(_call(part))
    said = "".join(text)
    if not said and not calls:
        return []
    encoded: Json = {"role": "assistant", "content": said or None}
    if calls:
        encoded["tool_calls"] = calls
        if quirks.echoed_reasoning_field:
            encoded[quirks.echoed_reasoning_field] = "".join(reasoning)
    if details:
        encoded["reasoning_details"] = details
    return [encoded]


def _call(part: ToolCallPart) -> Json:
    arguments = write_arguments(part.arguments, part.arguments_raw)
    function = {"name": part.name, "arguments": arguments}
    return {"id": part.call_id, "type": "function", "function": function}
