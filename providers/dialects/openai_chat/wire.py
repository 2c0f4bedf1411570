"""Reading one Chat Completions chunk, with the liberties servers take.

The usual chunk is read straight into structs; one that does not fit their types is read
again as plain JSON, keeping what does fit.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.dialects.lenient_json import (
    array,
    count,
    is_too_deep,
    loads,
    obj,
    string,
)
from providers.events import StopReason, Usage


class Delta(msgspec.Struct, gc=False):
    """What a chunk adds. The fields are `Any` where servers disagree about the type."""

    content: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    reasoning_details: Any = None
    refusal: Any = None
    tool_calls: Any = None
    annotations: Any = None


class Choice(msgspec.Struct, gc=False):
    """One answer; we only ever ask for one. `message`: the whole of it, unasked."""

    delta: Delta | None = None
    finish_reason: str | None = None
    index: int | None = None
    message: msgspec.Raw = msgspec.Raw()


class Chunk(msgspec.Struct, gc=False):
    """One event of the stream."""

    choices: list[Choice] | None = None
    id: str | None = None
    model: str | None = None
    usage: Any = None
    error: Any = None
    citations: msgspec.Raw = msgspec.Raw()
    search_results: msgspec.Raw = msgspec.Raw()
    x_groq: Any = None


_decode = msgspec.json.Decoder(Chunk).decode


def read(data: str) -> Chunk | None:
    """One chunk; None for what is not a JSON object."""
    if is_too_deep(data):
        return None
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _lenient(data)


def _lenient(data: str) -> Chunk | None:
    try:
        value = loads(data)
        if not isinstance(value, dict):
            return None
        return Chunk(
            choices=[_choice(obj(choice)) for choice in array(value.get("choices"))],
            id=string(value.get("id")),
            model=string(value.get("model")),
            usage=value.get("usage"),
            error=value.get("error"),
            citations=_raw(value.get("citations")),
            search_results=_raw(value.get("search_results")),
            x_groq=value.get("x_groq"),
        )
    except (ValueError, TypeError, RecursionError):
        return None


def _choice(value: dict[str, Any]) -> Choice:
    delta = value.get("delta")
    return Choice(
        delta=delta_of(delta) if isinstance(delta, dict) else None,
        finish_reason=string(value.get("finish_reason")) or None,
        index=count(value.get("index")),
        message=_raw(value.get("message")),
    )


def delta_of(value: dict[str, Any]) -> Delta:
    """A delta out of a plain object."""
    return Delta(**{name: value.get(name) for name in Delta.__struct_fields__})


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def split_content(content: Any) -> list[tuple[str, str]]:
    """(kind, text) of a content that is a list: Mistral sends its thinking that way."""
    pieces: list[tuple[str, str]] = []
    for part in map(obj, array(content)):
        if part.get("type") == "thinking":
            pieces.append(("reasoning", _flat(part.get("thinking"))))
        else:
            pieces.append(("text", string(part.get("text"))))
    return pieces


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return "".join(string(obj(piece).get("text")) for piece in value)
    return string(value)


def details_text(details: list[Any]) -> str:
    """The readable part of `reasoning_details`."""
    return "".join(
        string(detail.get("text")) or string(detail.get("summary"))
        for detail in map(obj, details)
    )


def merge_details(kept: list[dict[str, Any]], more: list[Any]) -> None:
    """Put streamed `reasoning_details` together as they must be sent back.

    Pieces of one text come one after the other under one index, its signature last.
    """
    for detail in map(obj, more):
        if not detail:
            continue
        last = kept[-1] if kept else {}
        is_same = (last.get("type"), last.get("index")) == (
            detail.get("type"),
            detail.get("index"),
        )
        if not is_same or "data" in detail:  # encrypted pieces are whole
            kept.append(dict(detail))
            continue
        for key, value in detail.items():
            if key in ("text", "summary") and isinstance(value, str):
                last[key] = string(last.get(key)) + value
            elif value is not None:
                last[key] = value


STOP_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",  # Mistral: the model's own limit
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filter",
}


def usage(raw: dict[str, Any]) -> Usage:
    """Normalised: input with cached tokens, output with reasoning tokens.

    xAI counts reasoning beside the completion, which its total gives away.
    """
    given = obj(raw.get("prompt_tokens_details"))
    made = obj(raw.get("completion_tokens_details"))
    prompt = count(raw.get("prompt_tokens"))
    completion = count(raw.get("completion_tokens"))
    reasoning = count(made.get("reasoning_tokens"))
    total = count(raw.get("total_tokens"))
    if (
        prompt is not None
        and completion is not None
        and reasoning
        and total == prompt + completion + reasoning
    ):
        completion += reasoning
    cached = count(given.get("cached_tokens"))
    if cached is None:
        cached = count(raw.get("prompt_cache_hit_tokens"))  # DeepSeek
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cached_input_tokens=cached,
        cache_write_tokens=count(given.get("cache_write_tokens")),
        reasoning_tokens=reasoning,
        raw=raw,
    )
