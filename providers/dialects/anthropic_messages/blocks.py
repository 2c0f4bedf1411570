"""Message parts → content blocks of the Messages wire.

Thinking goes back with its signature or not at all: a block without one, or with one of
another model or account, is refused. What the vendor's own tools left behind goes back
unchanged, in its place.

Source: anthropic/types/*_block_param.py, text_citation_param.py
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from providers.dialects.anthropic_messages.meaning import SERVER_TOOL_USES
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

Block = dict[str, Any]

THINKING = ("thinking", "redacted_thinking")
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_FOREIGN_TO_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")

# The answer's citations have a field or two more than a request may have.
_CITATION_FIELDS = {
    "char_location": {"document_index", "document_title"}
    | {"start_char_index", "end_char_index"},
    "page_location": {"document_index", "document_title"}
    | {"start_page_number", "end_page_number"},
    "content_block_location": {"document_index", "document_title"}
    | {"start_block_index", "end_block_index"},
    "search_result_location": {"search_result_index", "source", "title"}
    | {"start_block_index", "end_block_index"},
    "web_search_result_location": {"encrypted_index", "title", "url"},
}


def user_blocks(message: Message, provider: str) -> list[Block]:
    """The blocks of a user or tool message. Raises UnsupportedFeature."""
    blocks: list[Block] = []
    for part in message.parts:
        match part:
            case TextPart(text=text) if text.strip():  # an empty block is refused
                blocks.append({"type": "text", "text": text})
            case ToolResultPart():
                blocks.append(_tool_result(part))
            case ImagePart():
                blocks.append({"type": "image", "source": _image(part, provider)})
            case FilePart():
                source = _document(part, provider)
                blocks.append(
                    {"type": "document", "source": source, "title": part.name}
                )
    return blocks


def assistant_blocks(
    message: Message, request: ChatRequest, *, is_last: bool
) -> list[Block]:
    """The blocks of an answer. `is_last`: the vendor paused and is asked to go on."""
    blocks = [
        block
        for part in message.parts
        if (block := _assistant_block(part, message, request)) is not None
    ]
    if is_last:
        return blocks
    blocks = _without_halves(blocks)
    # Thinking that led to nothing (the limit came first) may not end a message.
    while blocks and blocks[-1]["type"] in THINKING:
        blocks.pop()
    return blocks


def _assistant_block(
    part: Part, message: Message, request: ChatRequest
) -> Block | None:
    match part:
        case TextPart(text=text) if text.strip():
            notes = state_for({"raw": part.citations}, message, request) or {}
            cited = [c for note in notes.get("raw", ()) if (c := _citation(note))]
            block: Block = {"type": "text", "text": text}
            return {**block, "citations": cited} if cited else block
        case RefusalPart(text=text) if text.strip():
            return {"type": "text", "text": text}
        case ReasoningPart():
            return _thinking(part, state_for(part.state, message, request) or {})
        case ToolCallPart():
            return _tool_use(part, state_for(part.state, message, request) or {})
        case ServerToolPart():
            state = state_for(part.state, message, request) or {}
            block = state.get("block") or {}
            return block if isinstance(block, dict) and "type" in block else None
    return None


def _thinking(part: ReasoningPart, state: dict[str, Any]) -> Block | None:
    if "data" in state:
        return {"type": "redacted_thinking", "data": state["data"]}
    if "signature" in state:
        signature = state["signature"]
        return {"type": "thinking", "thinking": part.text, "signature": signature}
    return None


def _tool_use(part: ToolCallPart, state: dict[str, Any]) -> Block:
    arguments = part.arguments
    if part.arguments_raw is not None:
        # The wire wants an object; this is the vendor's advice for what was none.
        arguments = {"INVALID_JSON": part.arguments_raw}
    return {
        "type": "tool_use",
        "id": _call_id(part.call_id),
        "name": part.name,
        "input": arguments,
        **{k: state[k] for k in ("caller", "toolset_name") if k in state},
    }


def _tool_result(part: ToolResultPart) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": _call_id(part.call_id)}
    if part.text:
        block["content"] = part.text
    if part.is_error:
        block["is_error"] = True
    return block


def _call_id(call_id: str) -> str:
    """Ids of other vendors hold characters that this one refuses."""
    return _FOREIGN_TO_AN_ID.sub("_", call_id)


def _citation(note: dict[str, Any]) -> dict[str, Any] | None:
    raw = note.get("raw")
    if not isinstance(raw, dict):
        return None
    known = _CITATION_FIELDS.get(str(raw.get("type")))
    if known is None:
        return None
    return {k: v for k, v in raw.items() if k in known or k in ("type", "cited_text")}


def _without_halves(blocks: list[Block]) -> list[Block]:
    """Drop uses of the vendor's own tools that never got a result (the answer was cut)."""
    answered = {b.get("tool_use_id") for b in blocks if b["type"].endswith("_result")}
    return [
        b
        for b in blocks
        if b["type"] not in SERVER_TOOL_USES or b.get("id") in answered
    ]


def _image(part: ImagePart, provider: str) -> Block:
    if part.url:
        return {"type": "url", "url": part.url}
    media_type = part.media_type or "image/png"
    if media_type not in _IMAGE_TYPES:
        raise UnsupportedFeature(
            f"Anthropic takes PNG, JPEG, GIF and WebP images, not {media_type}. "
            "Convert the image, or leave it out.",
            provider=provider,
        )
    return {"type": "base64", "media_type": media_type, "data": part.data}


def _document(part: FilePart, provider: str) -> Block:
    """PDF as it is; everything that is text as text."""
    if part.media_type == "application/pdf":
        return {"type": "base64", "media_type": part.media_type, "data": part.data}
    try:
        text = base64.b64decode(part.data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise UnsupportedFeature(
            f"Anthropic takes PDF and text files; {part.name!r} is {part.media_type}. "
            "Convert the file, or leave it out.",
            provider=provider,
        ) from exc
    return {"type": "text", "media_type": "text/plain", "data": text}
