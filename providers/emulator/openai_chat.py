"""OpenAI Chat Completions: POST /v1/chat/completions, also as compatible servers speak it.

Source: openai-python `types/chat/*`, platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from providers.emulator import models
from providers.emulator.answers import Question, pieces
from providers.emulator.http11 import Reply, Request
from providers.emulator.openai_errors import error as openai_error
from providers.emulator.openai_errors import invalid, refuse_key
from providers.emulator.state import State
from providers.emulator.wire import Piece, Turn, text_of

_ROLES = {"system", "developer", "user", "assistant", "tool"}
_FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_use": "tool_calls",
    "refusal": "stop",
}


class ChatCompletions:
    """See `wire.Wire`. `is_compatible`: other models, and reasoning is shown."""

    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "x-request-id": "req_emulated",
    }

    def __init__(self, *, is_compatible: bool = False) -> None:
        self.is_compatible = is_compatible
        self.models = models.COMPATIBLE if is_compatible else models.OPENAI

    def error(self, status: int, retry_after_s: float | None = None) -> Reply:
        return openai_error(status, retry_after_s)

    def stream_error(self) -> bytes:
        failed = {
            "message": "The server had an error.",
            "type": "server_error",
            "code": None,
        }
        return _data({"error": failed})

    def understand(self, request: Request, state: State) -> Turn | Reply:
        refused = (
            None if self.is_compatible and _has_no_key(request) else refuse_key(request)
        )
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or invalid(
                "We could not parse the JSON body of your request."
            )
        model = str(body.get("model", ""))
        if model not in self.models:
            return openai_error(404, message=f"The model `{model}` does not exist.")
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return invalid("'messages' must not be empty.", "messages")
        wrong = _wrong(messages)
        if wrong is not None:
            return wrong
        question = _question(body, messages)
        return Turn(
            model, question, state.answer(question), bool(body.get("stream")), body
        )

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        answer = turn.answer
        base = {
            "id": f"chatcmpl-{state.number():024x}", "object": "chat.completion.chunk",
            "created": int(time.time()), "model": turn.model,
        }  # fmt: skip

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return _data({**base, "choices": [choice]})

        yield chunk({"role": "assistant", "content": "", "refusal": None}), False
        if self.is_compatible:
            for piece in pieces(answer.reasoning):
                yield chunk({"reasoning_content": piece}), True
        key = "refusal" if answer.stop == "refusal" else "content"
        for piece in pieces(answer.text):
            yield chunk({key: piece}), True
        for index, (name, arguments) in enumerate(answer.calls):
            for call in _call_pieces(index, name, arguments, state):
                yield chunk({"tool_calls": [call]}), True
        yield chunk({}, _FINISH[answer.stop]), False
        if (turn.body.get("stream_options") or {}).get("include_usage"):
            yield _data({**base, "choices": [], "usage": _usage(turn)}), False
        yield b"data: [DONE]\n\n", False

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        answer = turn.answer
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text,
            "refusal": None,
        }
        if answer.stop == "refusal":
            message |= {"content": None, "refusal": answer.text}
        if self.is_compatible and answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{state.number():024x}",
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(arguments)},
                }
                for name, arguments in answer.calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": _FINISH[answer.stop]}
        return {
            "id": f"chatcmpl-{state.number():024x}", "object": "chat.completion",
            "created": int(time.time()), "model": turn.model, "choices": [choice],
            "usage": _usage(turn),
        }  # fmt: skip


def _has_no_key(request: Request) -> bool:
    return "authorization" not in request.headers


def _data(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _usage(turn: Turn) -> dict[str, Any]:
    output = turn.output_tokens + turn.reasoning_tokens
    return {
        "prompt_tokens": turn.input_tokens,
        "completion_tokens": output,
        "total_tokens": turn.input_tokens + output,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
    }


def _call_pieces(
    index: int, name: str, arguments: dict[str, Any], state: State
) -> Iterator[dict[str, Any]]:
    call_id = f"call_{state.number():024x}"
    function = {"name": name, "arguments": ""}
    yield {"index": index, "id": call_id, "type": "function", "function": function}
    text = json.dumps(arguments, ensure_ascii=False)
    for start in range(0, len(text), 6):
        yield {"index": index, "function": {"arguments": text[start : start + 6]}}


def _wrong(messages: list[Any]) -> Reply | None:
    asked: set[str] = set()
    for i, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            return invalid(
                f"Invalid value for 'messages[{i}].role'.", f"messages[{i}].role"
            )
        for call in message.get("tool_calls") or ():
            asked.add(str(call.get("id")))
        if message["role"] == "tool" and message.get("tool_call_id") not in asked:
            return invalid(
                "messages with role 'tool' must be a response to a preceding message with "
                "'tool_calls'.",
                f"messages[{i}].role",
            )
    return None


def _question(body: dict[str, Any], messages: list[Any]) -> Question:
    said = ""
    results: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(text_of(message.get("content")))
        elif message["role"] == "user":
            said = text_of(message.get("content"))
            results = []
    tools = [str(tool["function"]["name"]) for tool in body.get("tools") or ()]
    return Question(said, tools, results, len(json.dumps(messages)))
