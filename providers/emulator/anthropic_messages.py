"""Anthropic Messages: POST /v1/messages and /v1/messages/count_tokens.

Source: anthropic-sdk-python `types/`, docs.claude.com (streaming, errors, thinking)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from providers.emulator import models
from providers.emulator.answers import Question, pieces
from providers.emulator.http11 import Reply, Request
from providers.emulator.state import State
from providers.emulator.wire import Piece, Turn, text_of

VERSIONS = {"2023-06-01", "2026-10-21"}
_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_use": "tool_use",
    "refusal": "refusal",
}
_ERRORS = {
    400: ("invalid_request_error", "Invalid request."),
    401: ("authentication_error", "invalid x-api-key"),
    403: (
        "permission_error",
        "Your API key does not have permission to use this resource.",
    ),
    404: ("not_found_error", "model: not found"),
    413: ("request_too_large", "Request exceeds the maximum size."),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    529: ("overloaded_error", "Overloaded"),
}


class Messages:
    """See `wire.Wire`."""

    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "request-id": "req_emulated",
    }

    def error(
        self, status: int, retry_after_s: float | None = None, message: str = ""
    ) -> Reply:
        kind, text = _ERRORS.get(status, _ERRORS[500])
        headers = {"request-id": "req_emulated"}
        if retry_after_s is not None:
            headers["retry-after"] = f"{retry_after_s:g}"
        found = {"type": kind, "message": message or text}
        return Reply(
            status,
            {"type": "error", "error": found, "request_id": "req_emulated"},
            headers,
        )

    def stream_error(self) -> bytes:
        found = {"type": "overloaded_error", "message": "Overloaded"}
        return _event("error", error=found)

    def refuse_key(self, request: Request) -> Reply | None:
        """401 without a good key, 400 without a known version."""
        key = request.headers.get("x-api-key", "")
        key = key or request.headers.get("authorization", "").removeprefix("Bearer ")
        if not key:
            return self.error(401, message="x-api-key header is required")
        if "bad" in key:
            return self.error(401)
        if request.headers.get("anthropic-version") not in VERSIONS:
            return self.error(400, message="anthropic-version: header is required")
        return None

    def understand(self, request: Request, state: State) -> Turn | Reply:
        refused = self.refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or self.error(
                400, message="The request body is not valid JSON."
            )
        model = str(body.get("model", ""))
        if model not in models.ANTHROPIC:
            return self.error(404, message=f"model: {model}")
        wrong = self._wrong(request, body, state)
        if wrong:
            return self.error(400, message=wrong)
        question = _question(body)
        return Turn(
            model, question, state.answer(question), bool(body.get("stream")), body
        )

    def count(self, request: Request) -> Reply:
        """POST /v1/messages/count_tokens."""
        refused = self.refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or self.error(400)
        size = len(json.dumps(body.get("messages"))) + len(str(body.get("system", "")))
        return Reply(200, {"input_tokens": max(1, size // 4)})

    def _wrong(self, request: Request, body: dict[str, Any], state: State) -> str:
        if "count_tokens" not in request.path and not isinstance(
            body.get("max_tokens"), int
        ):
            return "max_tokens: Field required"
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return "messages: at least one message is required"
        sampled = {"temperature", "top_p", "top_k"} & set(body)
        if sampled and request.headers.get("anthropic-version") == "2026-10-21":
            return f"{sampled.pop()}: Extra inputs are not permitted"
        if messages[-1].get("role") != "user":
            return "This model does not support assistant message prefill."
        return _wrong_blocks(messages, state)

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        answer = turn.answer
        usage = _usage(turn)
        message: dict[str, Any] = {
            "id": f"msg_{state.number():024x}", "type": "message", "role": "assistant",
            "model": turn.model, "content": [], "stop_reason": None, "stop_sequence": None,
            "usage": {**usage, "output_tokens": 1},
        }  # fmt: skip
        yield _event("message_start", message=message), False
        yield _event("ping"), False
        for index, (start, deltas, final) in enumerate(_blocks(turn, state)):
            yield _event("content_block_start", index=index, content_block=start), False
            for delta in deltas:
                yield _event("content_block_delta", index=index, delta=delta), True
            for delta in final:
                yield _event("content_block_delta", index=index, delta=delta), False
            yield _event("content_block_stop", index=index), False
        delta = {"stop_reason": _STOP[answer.stop], "stop_sequence": None}
        counted = {"output_tokens": usage["output_tokens"]}
        yield _event("message_delta", delta=delta, usage=counted), False
        yield _event("message_stop"), False

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        answer = turn.answer
        content: list[dict[str, Any]] = []
        for start, _, final in _blocks(turn, state):
            if start["type"] == "thinking":
                signature = final[0]["signature"]
                start |= {"thinking": answer.reasoning, "signature": signature}
            elif start["type"] == "text":
                start["text"] = answer.text
            content.append(start)
        calls = [block for block in content if block["type"] == "tool_use"]
        for block, (_, arguments) in zip(calls, answer.calls, strict=True):
            block["input"] = arguments
        return {
            "id": f"msg_{state.number():024x}", "type": "message", "role": "assistant",
            "model": turn.model, "content": content, "stop_reason": _STOP[answer.stop],
            "stop_sequence": None, "usage": _usage(turn),
        }  # fmt: skip


def _event(kind: str, **fields: Any) -> bytes:
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def _usage(turn: Turn) -> dict[str, Any]:
    return {
        "input_tokens": turn.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": turn.output_tokens + turn.reasoning_tokens,
    }


_Block = tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]


def _blocks(turn: Turn, state: State) -> Iterator[_Block]:
    """(content_block_start, paced deltas, unpaced last deltas) of each block."""
    answer = turn.answer
    if answer.reasoning:
        is_shown = (turn.body.get("thinking") or {}).get("display") != "omitted"
        shown = pieces(answer.reasoning) if is_shown else []
        yield (
            {"type": "thinking", "thinking": "", "signature": ""},
            [{"type": "thinking_delta", "thinking": piece} for piece in shown],
            [{"type": "signature_delta", "signature": state.seal("thinking")}],
        )
    if answer.text:
        text = [{"type": "text_delta", "text": piece} for piece in pieces(answer.text)]
        yield {"type": "text", "text": ""}, text, []
    for name, arguments in answer.calls:
        call_id = f"toolu_{state.number():024x}"
        start = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        json_text = json.dumps(arguments, ensure_ascii=False)
        parts = ["", *(json_text[i : i + 7] for i in range(0, len(json_text), 7))]
        yield (
            start,
            [{"type": "input_json_delta", "partial_json": p} for p in parts],
            [],
        )


def _wrong_blocks(messages: list[Any], state: State) -> str:
    asked: set[str] = set()
    for i, message in enumerate(messages):
        if message.get("role") not in ("user", "assistant"):
            return f"messages.{i}.role: Input should be 'user' or 'assistant'"
        content = message.get("content")
        if isinstance(content, str):
            continue
        if not isinstance(content, list) or not content:
            return f"messages.{i}: all messages must have non-empty content"
        for block in content:
            wrong = _wrong_block(block, asked, state)
            if wrong:
                return f"messages.{i}.{wrong}"
    return ""


def _wrong_block(block: dict[str, Any], asked: set[str], state: State) -> str:
    match block:
        case {"type": "text", "text": ""}:
            return "content: text content blocks must be non-empty"
        case {"type": "thinking", "signature": signature}:
            if not state.is_ours("thinking", signature):
                return "content: Invalid `signature` in `thinking` block"
        case {"type": "tool_use", "id": str(call_id)}:
            asked.add(call_id)
        case {"type": "tool_result", "tool_use_id": call_id} if call_id not in asked:
            return (
                f"content: unexpected `tool_use_id` in `tool_result` blocks: {call_id}"
            )
    return ""


def _question(body: dict[str, Any]) -> Question:
    said = ""
    results: list[str] = []
    for message in body["messages"]:
        if message["role"] != "user":
            continue
        content = message["content"]
        blocks = content if isinstance(content, list) else []
        found = [
            text_of(b.get("content")) for b in blocks if b.get("type") == "tool_result"
        ]
        said = text_of(
            [b for b in blocks if b.get("type") == "text"] if blocks else content
        )
        results = found
    tools = [str(tool["name"]) for tool in body.get("tools") or () if "name" in tool]
    chars = len(json.dumps(body["messages"])) + len(json.dumps(body.get("system", "")))
    return Question(said, tools, results, chars)
