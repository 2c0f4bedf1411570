"""What the Gemini wire's small objects mean in our words: usage, stops, sources, tools.

Used by `decode` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from providers.dialects.lenient_json import array, count, obj, string
from providers.events import Citation, ErrorInfo, ServerTool, StopReason, Usage

Json = dict[str, Any]

# The vendor's own tools: what asks → what it gives back.
_RESULT_OF = {"executableCode": "codeExecutionResult", "toolCall": "toolResponse"}
SERVER_TOOLS = (*_RESULT_OF, *_RESULT_OF.values())

_STOP_REASONS: dict[str, StopReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "pause",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}


def stop_reason(raw: str, *, asks_for_tools: bool) -> StopReason:
    """The vendor says STOP also when it waits for the results of calls."""
    if raw == "STOP" and asks_for_tools:
        return "tool_use"
    return _STOP_REASONS.get(raw, "other")


def finished_detail(candidate: Json, tier: str) -> Json:
    """What the vendor says about the stop beyond its reason, and who answered."""
    keys = ("finishMessage", "safetyRatings")
    said = {key: candidate[key] for key in keys if candidate.get(key)}
    return {**said, "serviceTier": tier} if tier else said


def missing_signature(provider: str, candidate: Json) -> ErrorInfo:
    """The model stopped because history lacks a signature: repeat without opaque state."""
    return ErrorInfo(
        kind="StaleState",
        provider=provider,
        vendor_type="MISSING_THOUGHT_SIGNATURE",
        vendor_message=string(candidate.get("finishMessage")) or None,
        message=(
            "Gemini stopped because this conversation lacks a thought signature. "
            "Ask again; the answer then goes on without the earlier reasoning."
        ),
    )


def usage(raw: Json) -> Usage:
    """Normalised: the vendor counts thoughts beside the answer, not in it.

    What its own tools fed back (`toolUsePromptTokenCount`) is not part of the prompt,
    and not always billed: it stays in `raw`.
    """
    answered = count(raw.get("candidatesTokenCount"))
    thought = count(raw.get("thoughtsTokenCount"))
    is_known = answered is not None or thought is not None
    return Usage(
        input_tokens=count(raw.get("promptTokenCount")),
        output_tokens=(answered or 0) + (thought or 0) if is_known else None,
        cached_input_tokens=count(raw.get("cachedContentTokenCount")),
        reasoning_tokens=thought,
        raw=raw,
    )


def citations(
    candidate: Json, part: int, seen: set[tuple[str, str]]
) -> Iterator[Citation]:
    """The sources a chunk names, each once: chunks may repeat those before."""
    for kind, url, title, raw in _sources(candidate):
        if (url, title) not in seen:
            seen.add((url, title))
            yield Citation(part=part, kind=kind, url=url, title=title, raw=raw)


def _sources(candidate: Json) -> Iterator[tuple[str, str, str, Json]]:
    grounding = obj(candidate.get("groundingMetadata"))
    supports = array(grounding.get("groundingSupports"))
    for at, chunk in enumerate(map(obj, array(grounding.get("groundingChunks")))):
        segments = [
            support["segment"]
            for support in map(obj, supports)
            if at in array(support.get("groundingChunkIndices"))
            and "segment" in support
        ]
        for source in map(obj, chunk.values()):  # web, maps, retrievedContext, image
            url = string(source.get("uri")) or string(source.get("sourceUri"))
            raw = {**chunk, "segments": segments} if segments else chunk
            yield "grounding", url, string(source.get("title")), raw
    given = obj(candidate.get("citationMetadata"))
    notes = given.get("citationSources") or given.get("citations")
    for note in map(obj, array(notes)):
        yield "citation", string(note.get("uri")), string(note.get("title")), note


def server_tool(
    number: int, name: str, said: Json, asked: ServerTool | None, response_id: str
) -> tuple[ServerTool, ServerTool | None]:
    """(this part's tool event, the event that closes the one it answers)."""
    given = string(said.get("id"))
    if name in _RESULT_OF:
        call_id = given or f"{response_id or 'tool'}_{number}"
        return _tool(number, name, call_id, "running", said), None
    failed = string(said.get("outcome")) not in ("", "OUTCOME_OK")
    status: Literal["completed", "failed"] = "failed" if failed else "completed"
    call_id = given or (asked.call_id if asked is not None else "")
    result = _tool(number, name, call_id, status, said)
    if asked is None or _RESULT_OF[asked.name] != name:
        return result, None
    return result, msgspec.structs.replace(asked, status=status)


def _tool(number: int, name: str, call_id: str, status: Any, said: Json) -> ServerTool:
    detail = {key: value for key, value in said.items() if key != "id"}
    return ServerTool(
        part=number, call_id=call_id, name=name, status=status, detail=detail
    )
