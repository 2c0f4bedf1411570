"""Anthropic Messages: POST /v1/messages and /v1/messages/count_tokens.

Source: anthropic-sdk-python `types/`, docs.claude.com (streaming, errors, thinking)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from providers.emulator import anthropic_checks as checks
from providers.emulator import models
from providers.emulator.answers import Block, Question
from providers.emulator.anthropic_errors import error as anthropic_error
from providers.emulator.anthropic_errors import refuse_key
from providers.emulator.http11 import Reply, Request
from providers.emulator.state import State, new_id
from providers.emulator.wire import (
    Piece,
    Turn,
    Wrong,
    as_text,
    counted,
    spoken,
    text_of,
    turn_of,
)

_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_use": "tool_use",
    "refusal": "refusal",
}


class Messages:
    """See `wire.Wire`."""

    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "request-id": "req_emulated",
    }

    def error(
        self,
        status: int,
        *,
        retry_after_s: float | None = None,
        code: str = "",
        message: str = "",
    ) -> Reply:
        return anthropic_error(
            status, retry_after_s=retry_after_s, code=code, message=message
        )

    def stream_error(self, message: str = "") -> bytes:
        found = {"type": "overloaded_error", "message": message or "Overloaded"}
        return _event("error", error=found)

    def understand(self, request: Request, state: State) -> Turn | Reply:
        body = self._checked(request, state)
        if isinstance(body, Reply):
            return body
        prompt = [body.get("tools"), body.get("system"), *body["messages"]]
        streams = bool(body.get("stream"))
        return turn_of(
            body["model"], _question(body), body, prompt, state, streams=streams
        )

    def count(self, request: Request, state: State) -> Reply:
        """POST /v1/messages/count_tokens."""
        body = self._checked(request, state)
        if isinstance(body, Reply):
            return body
        read = [body.get("tools"), body.get("system"), *body["messages"]]
        headers = {"request-id": "req_emulated"}
        return Reply(200, {"input_tokens": counted(read)}, headers)

    def _checked(self, request: Request, state: State) -> dict[str, Any] | Reply:
        """The body, or the refusal."""
        refused = refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or self.error(
                400, message="The request body is not valid JSON."
            )
        model = body.get("model")
        if isinstance(model, str) and model not in models.ANTHROPIC:
            return self.error(404, message=f"model: {model}")
        try:
            checks.check(request, body, state)
        except Wrong as wrong:
            return self.error(400, message=wrong.message)
        return body

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        usage = _usage(turn)
        message = _message(turn) | {"usage": {**usage, "output_tokens": 1}}
        message["usage"].pop("output_tokens_details", None)
        yield Piece(_event("message_start", message=message))
        yield Piece(_event("ping"))
        for index, block in enumerate(turn.answer.blocks):
            yield from _block(index, block, turn, state)
        if turn.answer.error is not None:
            yield Piece(self.stream_error(turn.answer.error))
            return
        ended = _ended(turn)
        counted = {"output_tokens": usage["output_tokens"]}
        if "output_tokens_details" in usage:
            counted["output_tokens_details"] = usage["output_tokens_details"]
        yield Piece(_event("message_delta", delta=ended, usage=counted))
        yield Piece(_event("message_stop"))

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        content = []
        for block in turn.answer.blocks:
            start = _start(block)
            match block.kind:
                case "reasoning":
                    shown = block.text if _is_shown(turn) else ""
                    start["thinking"] = shown
                    start["signature"] = state.seal("thinking", shown)
                case "text":
                    start["text"] = block.text
                case "call":
                    start["input"] = block.arguments
            content.append(start)
        return {
            **_message(turn),
            "content": content,
            **_ended(turn),
            "usage": _usage(turn),
        }


def _event(kind: str, **fields: Any) -> bytes:
    data = as_text({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def _message(turn: Turn) -> dict[str, Any]:
    return {
        "id": new_id("msg_"), "type": "message", "role": "assistant",
        "model": turn.model, "content": [], "stop_reason": None, "stop_sequence": None,
    }  # fmt: skip


def _ended(turn: Turn) -> dict[str, Any]:
    ended: dict[str, Any] = {
        "stop_reason": _STOP[turn.answer.stop],
        "stop_sequence": None,
    }
    if turn.answer.stop == "refusal":
        ended["stop_details"] = {
            "type": "refusal",
            "category": None,
            "explanation": "The emulator was asked to refuse.",
        }
    return ended


def _usage(turn: Turn) -> dict[str, Any]:
    """The three input counts do not overlap. Nothing is cached unless it was asked for."""
    is_cached = "cache_control" in as_text(turn.body)
    read = turn.cached_tokens if is_cached else 0
    rest = turn.input_tokens - read
    written = rest if is_cached and turn.input_tokens >= 1024 else 0
    usage: dict[str, Any] = {
        "input_tokens": rest - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": turn.output_tokens + turn.reasoning_tokens,
    }
    if turn.reasoning_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": turn.reasoning_tokens}
    return usage


def _is_shown(turn: Turn) -> bool:
    """Whether the thinking is seen, and not only its signature."""
    asked = (turn.body.get("thinking") or {}).get("display")
    if asked is None:
        return not models.claude_hides_thinking(turn.model)
    return bool(asked == "summarized")


def _start(block: Block) -> dict[str, Any]:
    match block.kind:
        case "reasoning":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "text":
            return {"type": "text", "text": ""}
    call_id = new_id("toolu_")
    return {"type": "tool_use", "id": call_id, "name": block.name, "input": {}}


_DELTAS = {
    "reasoning": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "call": ("input_json_delta", "partial_json"),
}


def _block(index: int, block: Block, turn: Turn, state: State) -> Iterator[Piece]:
    def delta(kind: str, key: str, word: str) -> bytes:
        found = {"type": kind, key: word}
        return _event("content_block_delta", index=index, delta=found)

    kind, key = _DELTAS[block.kind]
    start = _start(block)
    yield Piece(_event("content_block_start", index=index, content_block=start))
    is_hidden = block.kind == "reasoning" and not _is_shown(turn)
    if block.kind == "call":
        yield Piece(delta(kind, key, ""))  # the vendor's first one is empty
    words = [w for w in block.words if not (is_hidden and isinstance(w, str))]
    yield from spoken(words, lambda word: delta(kind, key, word))
    if block.kind == "reasoning":
        signature = state.seal("thinking", "" if is_hidden else block.text)
        yield Piece(delta("signature_delta", "signature", signature))
    yield Piece(_event("content_block_stop", index=index))


def _question(body: dict[str, Any]) -> Question:
    said: list[str] = []
    results: list[str] = []
    for message in body["messages"]:
        if message["role"] != "user":
            continue
        content = message["content"]
        blocks = content if isinstance(content, list) else []
        found = [
            text_of(b.get("content")) for b in blocks if b["type"] == "tool_result"
        ]
        texts = [block for block in blocks if block["type"] == "text"]
        if texts or not found:
            said.append(text_of(texts if blocks else content))
        results = results + found if found else []
    tools = [str(tool["name"]) for tool in body.get("tools") or () if "name" in tool]
    is_forbidden = (body.get("tool_choice") or {}).get("type") == "none"
    schemas = {
        str(tool.get("name")): tool.get("input_schema")
        for tool in body.get("tools") or ()
    }
    form = (body.get("output_config") or {}).get("format") or {}
    return Question(
        said[-1] if said else "",
        [] if is_forbidden else tools,
        results,
        schemas,
        form.get("schema"),
        said,
    )
