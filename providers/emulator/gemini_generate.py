"""Gemini: POST /v1beta/models/{model}:streamGenerateContent?alt=sse and its relatives.

Source: python-genai `types.py`, ai.google.dev/api/generate-content
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from providers.emulator import models
from providers.emulator.answers import Question, pieces
from providers.emulator.http11 import Reply, Request
from providers.emulator.state import State
from providers.emulator.wire import Piece, Turn

_STOP = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_use": "STOP",
    "refusal": "SAFETY",
}
_STATUS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    404: ("NOT_FOUND", "The model is not found for API version v1beta."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}
_FOREIGN = "skip_thought_signature_validator"


class Generate:
    """See `wire.Wire`."""

    headers = {"content-type": "text/event-stream"}

    def error(
        self,
        status: int,
        retry_after_s: float | None = None,
        message: str = "",
        reason: str = "",
    ) -> Reply:
        word, text = _STATUS.get(status, _STATUS[500])
        details: list[dict[str, Any]] = []
        if reason:
            details.append({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                "domain": "googleapis.com",
            })  # fmt: skip
        if retry_after_s is not None:
            details.append({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": f"{retry_after_s:g}s",
            })  # fmt: skip
        found = {
            "code": status,
            "message": message or text,
            "status": word,
            "details": details,
        }
        return Reply(status, {"error": found})

    def stream_error(self) -> bytes:
        return _data(self.error(503).data)

    def refuse_key(self, request: Request) -> Reply | None:
        """400 for a bad key and for two, 401 for none."""
        key = request.headers.get("x-goog-api-key", "") or request.query.get("key", "")
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key and bearer:
            return self.error(
                400, message="Multiple authentication credentials received."
            )
        if not key and not bearer:
            return self.error(401)
        if "bad" in key + bearer:
            return self.error(
                400, message="API key not valid.", reason="API_KEY_INVALID"
            )
        return None

    def understand(self, request: Request, state: State) -> Turn | Reply:
        refused = self.refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or self.error(400, message="Invalid JSON payload received.")
        model, _, method = request.path.rsplit("/", 1)[1].partition(":")
        if model not in models.GEMINI:
            return self.error(
                404, message=f"models/{model} is not found for API version v1beta."
            )
        contents = body.get("contents")
        if not isinstance(contents, list) or not contents:
            return self.error(400, message="contents are required")
        wrong = _wrong(contents, state)
        if wrong:
            return self.error(400, message=wrong)
        question = _question(body, contents)
        streams = (
            method == "streamGenerateContent" and request.query.get("alt") == "sse"
        )
        return Turn(model, question, state.answer(question), streams, body)

    def count(self, request: Request) -> Reply:
        """POST …:countTokens."""
        refused = self.refuse_key(request)
        size = len(request.body) // 4
        return refused or Reply(200, {"totalTokens": max(1, size)})

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        answer = turn.answer
        base = {"modelVersion": turn.model, "responseId": f"emulated-{state.number()}"}
        for parts in _parts(turn, state):
            content = {"parts": parts, "role": "model"}
            chunk = {"candidates": [{"content": content, "index": 0}], **base}
            yield _data({**chunk, "usageMetadata": _usage(turn, is_end=False)}), True
        content = {"parts": [{"text": ""}], "role": "model"}
        last = {"content": content, "finishReason": _STOP[answer.stop], "index": 0}
        yield (
            _data({"candidates": [last], **base, "usageMetadata": _usage(turn)}),
            False,
        )

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        parts = [part for parts in _parts(turn, state) for part in parts]
        candidate = {
            "content": {"parts": parts, "role": "model"},
            "finishReason": _STOP[turn.answer.stop],
            "index": 0,
        }
        usage = _usage(turn)
        return {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": turn.model,
        }


def _data(data: Any) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\r\n\r\n".encode()


def _usage(turn: Turn, *, is_end: bool = True) -> dict[str, Any]:
    found = {"promptTokenCount": turn.input_tokens}
    if is_end:
        found["candidatesTokenCount"] = turn.output_tokens
        if turn.reasoning_tokens:
            found["thoughtsTokenCount"] = turn.reasoning_tokens
    return {**found, "totalTokenCount": sum(found.values())}


def _parts(turn: Turn, state: State) -> Iterator[list[dict[str, Any]]]:
    answer = turn.answer
    thinking = (turn.body.get("generationConfig") or {}).get("thinkingConfig") or {}
    # Google takes both spellings, and its own client sends the second.
    is_asked = thinking.get("includeThoughts") or thinking.get("include_thoughts")
    if answer.reasoning and is_asked:
        for piece in pieces(answer.reasoning):
            yield [{"text": piece, "thought": True}]
    for piece in pieces(answer.text):
        yield [{"text": piece}]
    calls: list[dict[str, Any]] = []
    for i, (name, arguments) in enumerate(answer.calls):
        part: dict[str, Any] = {"functionCall": {"name": name, "args": arguments}}
        if i == 0:  # only the first of parallel calls carries it
            part["thoughtSignature"] = state.seal("thought")
        calls.append(part)
    if calls:
        yield calls


def _wrong(contents: list[Any], state: State) -> str:
    for content in contents:
        if content.get("role", "user") not in ("user", "model", "function"):
            return "Please use a valid role: user, model."
        for part in content.get("parts") or ():
            signature = part.get("thoughtSignature")
            if signature in (None, _FOREIGN):
                continue
            if not state.is_ours("thought", signature):
                return "Thought signature is not valid."
    return _missing_signature(contents)


def _missing_signature(contents: list[Any]) -> str:
    """Calls of the turn that is being answered must carry their signature."""
    turn: list[Any] = []
    for content in contents:
        parts = content.get("parts") or [{}]
        if content.get("role", "user") == "user" and "functionResponse" not in parts[0]:
            turn = []
        else:
            turn.append(content)
    for content in turn:
        calls = [part for part in content.get("parts") or () if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"].get("name")
            return f"Function call `{name}` is missing a `thought_signature`."
    return ""


def _question(body: dict[str, Any], contents: list[Any]) -> Question:
    said = ""
    results: list[str] = []
    for content in contents:
        parts = content.get("parts") or ()
        found = [
            json.dumps(part["functionResponse"].get("response"), ensure_ascii=False)
            for part in parts
            if "functionResponse" in part
        ]
        if found:
            results = found
        elif content.get("role", "user") == "user":
            said = "".join(part.get("text", "") for part in parts)
            results = []
    tools = [
        str(declared["name"])
        for tool in body.get("tools") or ()
        for declared in tool.get("functionDeclarations") or ()
    ]
    chars = len(json.dumps(contents)) + len(
        json.dumps(body.get("systemInstruction", ""))
    )
    return Question(said, tools, results, chars)
