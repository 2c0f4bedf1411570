"""What the Messages wire's small objects mean in our words: usage, stops, sources.

Used by `decode`, and by `blocks` for the names.
"""

from __future__ import annotations

from typing import Any

from providers.dialects.lenient_json import count, obj, string
from providers.events import Citation, StopReason, Usage

Json = dict[str, Any]

STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_use",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_full",
}

SERVER_TOOL_USES = ("server_tool_use", "mcp_tool_use")

# What of a result's entries a person may see. The pages themselves come encrypted, for
# the model alone, and stay in the state.
_RESULT_FIELDS = ("type", "title", "url", "page_age", "error_code")
_OUTPUT_FIELDS = ("stdout", "stderr", "return_code", "error_code", "url", "file_type")


def usage(raw: Json) -> Usage:
    """Normalised: the vendor counts fresh, cached and written input apart."""
    fresh = count(raw.get("input_tokens"))
    cached = count(raw.get("cache_read_input_tokens"))
    written = count(raw.get("cache_creation_input_tokens"))
    thought = obj(raw.get("output_tokens_details")).get("thinking_tokens")
    return Usage(
        input_tokens=None if fresh is None else fresh + (cached or 0) + (written or 0),
        output_tokens=count(raw.get("output_tokens")),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=count(thought),
        raw=raw,
    )


def citation(part: int, raw: Json) -> Citation:
    """A source of the text of part `part`."""
    title = string(raw.get("title")) or string(raw.get("document_title"))
    return Citation(
        part=part,
        kind=string(raw.get("type")),
        url=string(raw.get("url")),
        title=title,
        cited_text=string(raw.get("cited_text")),
        raw=raw,
    )


def finished_detail(stop: Json) -> Json:
    """What the vendor says about the stop beyond its reason."""
    keys = ("stop_sequence", "stop_details")
    return {key: stop[key] for key in keys if stop.get(key)}


def tool_result_detail(block: Json) -> tuple[Json, bool]:
    """(what may be shown of a tool's result, whether it failed)."""
    content = block.get("content")
    if isinstance(content, list):
        entries = [
            {key: entry[key] for key in _RESULT_FIELDS if entry.get(key)}
            for entry in map(obj, content)
        ]
        return {"results": entries}, bool(block.get("is_error"))
    content = obj(content)
    failed = string(content.get("type")).endswith("_error")
    shown = {key: content[key] for key in _OUTPUT_FIELDS if key in content}
    return shown, failed or bool(block.get("is_error"))
