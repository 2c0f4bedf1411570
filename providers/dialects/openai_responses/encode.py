"""`ChatRequest` → the JSON body of `POST /responses`.

    messages ──▶ input items, in order
      user       message(input_text, input_image, input_file)
      assistant  reasoning | message(output_text, refusal) | function_call | hosted item
      tool       function_call_output

Nothing is stored at the vendor (`store: false`), so what must survive a turn travels: the
encrypted reasoning comes back unchanged, before the item it led to. Opaque state that
belongs to another provider, model or account is left out, with the ids that go with it.

Source: openai/types/responses/response_create_params.py, response_input_item_param.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from providers.dialects.openai_common import file_url, image_url, write_arguments
from providers.dialects.openai_responses.quirks import DEFAULT, Quirks
from providers.errors import UnsupportedFeature
from providers.types import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    state_for,
)

Item = dict[str, Any]


def encode(request: ChatRequest, quirks: Quirks = DEFAULT) -> dict[str, Any]:
    """The JSON body. Raises UnsupportedFeature for stop sequences: this wire has none."""
    if request.stop_sequences:
        raise UnsupportedFeature(
            "The OpenAI Responses API has no stop sequences. Leave them out.",
            provider=quirks.provider,
        )
    body: dict[str, Any] = {
        "model": request.model,
        "input": _input(request),
        "stream": True,
        "store": False,
    }
    if request.system or quirks.is_plan:
        body["instructions"] = request.system
    if quirks.reasons:
        body["include"] = ["reasoning.encrypted_content"]
        if reasoning := _reasoning(request):
            body["reasoning"] = reasoning
    if request.tools:
        body |= _tools(request, quirks)
    if request.response_schema is not None:
        body["text"] = {"format": _schema(request.response_schema)}
    if not quirks.is_plan:
        body |= _limits(request)
    if request.conversation_key:
        body["prompt_cache_key"] = request.conversation_key
    return body


def _input(request: ChatRequest) -> list[Item]:
    items: list[Item] = []
    for message in request.messages:
        mine = list(_items(message, request))
        # Reasoning that led to nothing (the limit came first) is refused without the
        # item that would have followed it.
        while mine and message.role == "assistant" and mine[-1]["type"] == "reasoning":
            mine.pop()
        items += mine
    return items


def _reasoning(request: ChatRequest) -> dict[str, str]:
    wanted: dict[str, str] = {}
    if request.reasoning.effort is not None:
        wanted["effort"] = request.reasoning.effort
    if request.reasoning.visible and request.reasoning.effort != "none":
        wanted["summary"] = "auto"
    return wanted


def _limits(request: ChatRequest) -> dict[str, Any]:
    """What a plan decides itself, and refuses with 400 where we ask for it."""
    wanted = {
        "max_output_tokens": request.max_output_tokens,
        "temperature": request.temperature,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    # A name is required here, and says nothing to the model.
    return {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}


def _tools(request: ChatRequest, quirks: Quirks) -> dict[str, Any]:
    functions: list[Item] = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            # Left out, it would mean true, and most schemas are not strict ones.
            "strict": tool.strict,
        }
        for tool in request.tools
    ]
    fields: dict[str, Any] = {"tools": functions}
    if quirks.namespace:
        fields["tools"] = [_grouped(functions, quirks.namespace)]
    if request.tool_choice in ("none", "required"):
        fields["tool_choice"] = request.tool_choice
    elif request.tool_choice != "auto":
        fields["tool_choice"] = {"type": "function", "name": request.tool_choice}
    if not request.parallel_tool_calls:
        fields["parallel_tool_calls"] = False
    return fields


def _grouped(functions: list[Item], namespace: str) -> Item:
    """Function tools in a namespace; calls then name it, and it goes back with them."""
    return {
        "type": "namespace",
        "name": namespace,
        "description": "Tools of this conversation.",
        "tools": functions,
    }


def _items(message: Message, request: ChatRequest) -> Iterator[Item]:
    """The input items of one message; neighbours of one kind share an item."""
    content: list[Item] = []
    frame: Item = {}
    for part in message.parts:
        new_frame, piece = _content(part, message, request)
        if piece is None or new_frame != frame:
            if content:
                yield {**frame, "content": content}
            content, frame = [], new_frame
        if piece is not None:
            content.append(piece)
        elif (item := _item(part, message, request)) is not None:
            yield item
    if content:
        yield {**frame, "content": content}


def _content(
    part: Part, message: Message, request: ChatRequest
) -> tuple[Item, Item | None]:
    """(the message item around a part, its content), or ({}, None): its own item."""
    if message.role == "assistant":
        frame: Item = {"type": "message", "role": "assistant"}
        piece = _said(part)
        if piece is not None and isinstance(part, TextPart):
            state = state_for(part.state, message, request) or {}
            frame |= {k: state[k] for k in ("id", "status", "phase") if k in state}
    else:
        frame = {"type": "message", "role": "user"}
        piece = _asked(part)
    return (frame, piece) if piece is not None else ({}, None)


def _said(part: Part) -> Item | None:
    """What the model said, as content of its message."""
    match part:
        case TextPart(text=text) if text:
            return {"type": "output_text", "text": text, "annotations": []}
        case RefusalPart(text=text):
            return {"type": "refusal", "refusal": text}
    return None


def _asked(part: Part) -> Item | None:
    """What a person gave, as content of their message."""
    match part:
        case TextPart(text=text):
            return {"type": "input_text", "text": text}
        case ImagePart():
            url = image_url(part)
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case FilePart():
            data = file_url(part)
            return {"type": "input_file", "filename": part.name, "file_data": data}
    return None


def _item(part: Part, message: Message, request: ChatRequest) -> Item | None:
    """A part that is an item of its own; None for what does not go back."""
    match part:
        case ToolCallPart():
            state = state_for(part.state, message, request) or {}
            return {
                "type": "function_call",
                "call_id": part.call_id,
                "name": part.name,
                "arguments": write_arguments(part.arguments, part.arguments_raw),
                **{k: state[k] for k in ("id", "namespace") if k in state},
            }
        case ToolResultPart():
            return {
                "type": "function_call_output",
                "call_id": part.call_id,
                "output": f"Error: {part.text}" if part.is_error else part.text,
            }
        case ReasoningPart() | ServerToolPart():
            state = state_for(part.state, message, request) or {}
            item = state.get("item")
            return item if isinstance(item, dict) and "type" in item else None
    return None
