"""Gemini: POST /v1beta/models/{model}:streamGenerateContent?alt=sse and its relatives.

Source: python-genai `types.py`, ai.google.dev/api/generate-content
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from providers.emulator import gemini_checks as checks
from providers.emulator import models
from providers.emulator.answers import Block, Question
from providers.emulator.gemini_checks import camel
from providers.emulator.gemini_errors import error as gemini_error
from providers.emulator.gemini_errors import refuse_key
from providers.emulator.http11 import Reply, Request
from providers.emulator.state import State, new_id
from providers.emulator.wire import Piece, Turn, Wrong, as_text, counted, turn_of

_STOP = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_use": "STOP",
    "refusal": "SAFETY",
}


class Generate:
    """See `wire.Wire`."""

    headers = {"content-type": "text/event-stream"}

    def error(
        self,
        status: int,
        *,
        retry_after_s: float | None = None,
        code: str = "",
        message: str = "",
    ) -> Reply:
        return gemini_error(
            status, retry_after_s=retry_after_s, code=code, message=message
        )

    def stream_error(self, message: str = "") -> bytes:
        return _data(self.error(503, message=message).data)

    def understand(self, request: Request, state: State) -> Turn | Reply:
        refused = refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or self.error(400, message="Invalid JSON payload received.")
        body = camel(body)
        model, _, method = request.path.rsplit("/", 1)[1].rpartition(":")
        if model not in models.GEMINI:
            return self.error(404, message=_no_model(model, method))
        try:
            checks.check(body, model, state)
        except Wrong as wrong:
            return self.error(400, message=wrong.message)
        prompt = [body.get("tools"), body.get("systemInstruction"), *body["contents"]]
        is_sse = request.query.get("alt") == "sse"
        turn = turn_of(
            model,
            _question(body),
            body,
            prompt,
            state,
            streams=method == "streamGenerateContent" and is_sse,
        )
        turn.is_list = method == "streamGenerateContent" and not is_sse
        return turn

    def count(self, request: Request) -> Reply:
        """POST …:countTokens; the body is contents, or a whole request in a field."""
        refused = refuse_key(request)
        model = request.path.rsplit("/", 1)[1].rpartition(":")[0]
        if refused or model not in models.GEMINI:
            return refused or self.error(404, message=_no_model(model, "countTokens"))
        body = camel(request.json() or {})
        whole = body.get("generateContentRequest")
        if whole is not None:
            whole = camel(whole)
            if "contents" in body or whole.get("model") != f"models/{model}":
                return self.error(400)
            body = whole
        read = [body.get("tools"), body.get("systemInstruction")]
        return Reply(
            200, {"totalTokens": counted([*read, *(body.get("contents") or ())])}
        )

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        for chunk, is_said, sleep_s in _chunks(turn, state):
            yield Piece(_data(chunk) if chunk else b"", is_said, sleep_s)
        if turn.answer.error is not None:
            yield Piece(self.stream_error(turn.answer.error))

    def whole(self, turn: Turn, state: State) -> Any:
        """One answer; a list of chunks for a stream that is not asked for as events."""
        chunks = [chunk for chunk, _, _ in _chunks(turn, state) if chunk]
        if turn.is_list:
            return chunks
        parts = [
            part
            for chunk in chunks
            for part in chunk["candidates"][0]["content"]["parts"]
            if part != {"text": ""}
        ]
        last = chunks[-1]["candidates"][0]
        content = {"parts": parts, "role": "model"}
        return {**chunks[-1], "candidates": [{**last, "content": content}]}


_Chunk = tuple[dict[str, Any] | None, bool, float]


def _chunks(turn: Turn, state: State) -> Iterator[_Chunk]:
    """Each chunk, whether it is said, and seconds of silence."""
    base = {"modelVersion": turn.model, "responseId": new_id("")}
    begun = {**base, "usageMetadata": _usage(turn, is_end=False)}
    for parts, sleep_s in _parts(turn, state):
        if not parts:
            yield None, False, sleep_s
            continue
        content = {"parts": parts, "role": "model"}
        yield {"candidates": [{"content": content, "index": 0}], **begun}, True, 0.0
    if turn.answer.error is not None:
        return
    last: dict[str, Any] = {"text": ""}
    kinds = {block.kind for block in turn.answer.blocks}
    if "reasoning" in kinds and "call" not in kinds:
        last["thoughtSignature"] = state.seal("thought")
    candidate = {
        "content": {"parts": [last], "role": "model"},
        "finishReason": _STOP[turn.answer.stop],
        "index": 0,
    }
    yield {"candidates": [candidate], **base, "usageMetadata": _usage(turn)}, False, 0.0


def _data(data: Any) -> bytes:
    return f"data: {as_text(data)}\r\n\r\n".encode()


def _no_model(model: str, method: str) -> str:
    return (
        f"models/{model} is not found for API version v1beta, or is not supported for "
        f"{method}. Call ListModels to see the list of available models and their supported "
        "methods."
    )


def _usage(turn: Turn, *, is_end: bool = True) -> dict[str, Any]:
    """Cached tokens are part of the prompt's; thoughts are not part of the candidates'."""
    found = {"promptTokenCount": turn.input_tokens}
    if is_end:
        found["candidatesTokenCount"] = turn.output_tokens
        if turn.reasoning_tokens:
            found["thoughtsTokenCount"] = turn.reasoning_tokens
    found["totalTokenCount"] = sum(found.values())
    if turn.cached_tokens:
        found["cachedContentTokenCount"] = turn.cached_tokens
    return found


def _parts(turn: Turn, state: State) -> Iterator[tuple[list[dict[str, Any]], float]]:
    """The parts of each chunk, or none and a silence. Parallel calls share a chunk."""
    config = camel(turn.body.get("generationConfig") or {})
    is_asked = camel(config.get("thinkingConfig") or {}).get("includeThoughts")
    calls: list[dict[str, Any]] = []
    silence_s = 0.0
    for block in turn.answer.blocks:
        if block.kind == "call":
            calls.append(_call(block, state, is_first=not calls))
            silence_s += sum(w for w in block.words if not isinstance(w, str))
            continue
        if calls:
            yield calls, 0.0
            calls = []
        for word in block.words:
            if not isinstance(word, str):
                yield [], word
            elif block.kind == "text":
                yield [{"text": word}], 0.0
            elif is_asked:
                yield [{"text": word, "thought": True}], 0.0
    if silence_s:
        yield [], silence_s
    if calls:
        yield calls, 0.0


def _call(block: Block, state: State, *, is_first: bool) -> dict[str, Any]:
    """A call; only the first of parallel ones carries the signature."""
    part: dict[str, Any] = {
        "functionCall": {"name": block.name, "args": block.arguments}
    }
    if is_first:
        part["thoughtSignature"] = state.seal("thought", block.name)
    return part


def _question(body: dict[str, Any]) -> Question:
    said: list[str] = []
    results: list[str] = []
    for content in body["contents"]:
        parts = [camel(part) for part in content.get("parts") or ()]
        found = [
            as_text(part["functionResponse"].get("response"))
            for part in parts
            if "functionResponse" in part
        ]
        if found:
            results += found
        elif content.get("role", "user") == "user":
            said.append("".join(part.get("text", "") for part in parts))
            results = []
    tools = [
        str(declared["name"])
        for tool in body.get("tools") or ()
        for declared in camel(tool).get("functionDeclarations") or ()
    ]
    calling = camel(camel(body.get("toolConfig") or {}).get("functionCallingConfig"))
    is_forbidden = (calling or {}).get("mode") == "NONE"
    schemas = {
        str(declared.get("name")): camel(declared).get("parametersJsonSchema")
        or declared.get("parameters")
        for tool in body.get("tools") or ()
        for declared in camel(tool).get("functionDeclarations") or ()
    }
    config = camel(body.get("generationConfig") or {})
    return Question(
        said[-1] if said else "",
        [] if is_forbidden else tools,
        results,
        schemas,
        config.get("responseJsonSchema") or config.get("responseSchema"),
        said,
    )
