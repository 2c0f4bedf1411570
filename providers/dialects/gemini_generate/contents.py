"""Messages → contents of the Gemini wire.

A thought signature goes back on the very part it came on, also when that part holds
nothing else; parts with a signature are never joined with others. Calls of another model
in the current turn get the filler that the vendor accepts in its place, on the first
call of each step, as its own signatures are.

Source: google/genai/types.py (Part), https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from providers.dialects.gemini_generate.quirks import Quirks
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

Json = dict[str, Any]

SIGNATURE = "thoughtSignature"
CONTINUATION = "continuationToken"
_FILLER = "skip_thought_signature_validator"


def contents(
    messages: Sequence[Message], request: ChatRequest, quirks: Quirks
) -> list[Json]:
    """The conversation so far; messages that came to nothing are left out."""
    found: list[Json] = []
    calls: list[ToolCallPart] = []  # of the last answer, in order
    results: list[ToolResultPart] = []  # that came since
    ids: dict[str, str] = {}  # our call id → the vendor's own, where it gave one
    current_turn = _start_of_turn(messages)
    for at, message in enumerate(messages):
        if message.role == "assistant":
            _append(found, "user", _responses(results, calls, ids))
            calls = [p for p in message.parts if isinstance(p, ToolCallPart)]
            ids |= _vendor_ids(calls, message, request)
            parts = _model_parts(message, request)
            if quirks.signs_calls and at >= current_turn:
                _fill_signature(parts)
            _append(found, "model", parts)
            continue
        results += [p for p in message.parts if isinstance(p, ToolResultPart)]
        if words := _user_parts(message):
            _append(found, "user", _responses(results, calls, ids))
            _append(found, "user", words)
    _append(found, "user", _responses(results, calls, ids))
    return found


def continuation_of(request: ChatRequest) -> str | None:
    """The token with which the vendor asked for the same request again, if it did.

    It lies on the last part of an answer that ended with CONTINUATION; that answer
    itself is not sent, the vendor has it.
    """
    last = request.messages[-1] if request.messages else None
    if last is None or last.role != "assistant" or not last.parts:
        return None
    part = last.parts[-1]
    state = state_for(getattr(part, "state", None), last, request) or {}
    token = state.get(CONTINUATION)
    return token if isinstance(token, str) else None


def _start_of_turn(messages: Sequence[Message]) -> int:
    """The index of the last message in which a person spoke."""
    spoken = [
        at
        for at, message in enumerate(messages)
        if message.role == "user"
        and any(not isinstance(p, ToolResultPart) for p in message.parts)
    ]
    return spoken[-1] if spoken else 0


def _append(found: list[Json], role: str, parts: list[Json]) -> None:
    """Add a content; neighbours of one role are one, results stay apart from words."""
    if not parts:
        return
    last = found[-1] if found else None
    if (
        last is not None
        and last["role"] == role
        and _is_response(last["parts"][-1]) == _is_response(parts[0])
    ):
        last["parts"] += parts
    else:
        found.append({"role": role, "parts": parts})


def _is_response(part: Json) -> bool:
    return "functionResponse" in part


def _user_parts(message: Message) -> list[Json]:
    parts: list[Json] = []
    for part in message.parts:
        match part:
            case TextPart(text=text) if text:
                parts.append({"text": text})
            case ImagePart(url=url) if url:
                media = {"mimeType": part.media_type} if part.media_type else {}
                parts.append({"fileData": {"fileUri": url, **media}})
            case ImagePart():
                parts.append(_inline(part.media_type or "image/png", part.data))
            case FilePart():
                parts.append(_inline(part.media_type, part.data))
    return parts


def _inline(media_type: str, data: str) -> Json:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _model_parts(message: Message, request: ChatRequest) -> list[Json]:
    return [
        wire
        for part in message.parts
        if (wire := _model_part(part, message, request)) is not None
    ]


def _model_part(part: Part, message: Message, request: ChatRequest) -> Json | None:
    state = state_for(getattr(part, "state", None), message, request) or {}
    signed = {SIGNATURE: state[SIGNATURE]} if SIGNATURE in state else {}
    match part:
        case TextPart(text=text) if text or signed:
            return signed if state.get("is_bare") else {"text": text, **signed}
        case RefusalPart(text=text) if text:
            return {"text": text}
        case ReasoningPart(text=text) if signed:  # unsigned summaries need not go back
            words = {} if state.get("is_bare") else {"text": text}
            return {**words, "thought": True, **signed}
        case ToolCallPart():
            return {"functionCall": _function_call(part, state), **signed}
        case ServerToolPart() if isinstance(state.get("part"), dict):
            whole: Json = state["part"]
            return whole
    return None


def _function_call(part: ToolCallPart, state: Json) -> Json:
    given = {"id": state["id"]} if "id" in state else {}
    arguments = part.arguments
    if part.arguments_raw is not None:  # another vendor's: here it is always an object
        arguments = {"INVALID_JSON": part.arguments_raw}
    return {**given, "name": part.name, "args": arguments}


def _responses(
    results: list[ToolResultPart], calls: list[ToolCallPart], ids: dict[str, str]
) -> list[Json]:
    """The results so far in the order of their calls; takes them off the list."""
    order = {call.call_id: n for n, call in enumerate(calls)}
    results.sort(key=lambda result: order.get(result.call_id, len(order)))
    parts = [_function_response(result, ids) for result in results]
    results.clear()
    return parts


def _function_response(part: ToolResultPart, ids: dict[str, str]) -> Json:
    given = {"id": ids[part.call_id]} if part.call_id in ids else {}
    response = {"error" if part.is_error else "output": part.text}
    return {"functionResponse": {**given, "name": part.name, "response": response}}


def _vendor_ids(
    calls: list[ToolCallPart], message: Message, request: ChatRequest
) -> dict[str, str]:
    """Ids the vendor gave itself; those we had to make up mean nothing to it."""
    found = {}
    for call in calls:
        state = state_for(call.state, message, request) or {}
        if "id" in state:
            found[call.call_id] = state["id"]
    return found


def _fill_signature(parts: list[Json]) -> None:
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None and SIGNATURE not in first:
        first[SIGNATURE] = _FILLER
