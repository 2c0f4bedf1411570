"""OpenAI Chat Completions: POST /v1/chat/completions, also as compatible servers speak it.

Source: openai-python `types/chat/*`, platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from providers.emulator import models
from providers.emulator import openai_chat_checks as checks
from providers.emulator.answers import Block, Question
from providers.emulator.http11 import Reply, Request
from providers.emulator.openai_checks import needed
from providers.emulator.openai_errors import HEADERS, invalid, no_model, refuse_key
from providers.emulator.openai_errors import error as openai_error
from providers.emulator.state import State, new_id
from providers.emulator.wire import (
    Piece,
    Turn,
    Wrong,
    as_text,
    spoken,
    text_of,
    turn_of,
)

_FINISH = {
    "stop": "stop",
    "length": "length",
    "tool_use": "tool_calls",
    "refusal": "stop",
}


class ChatCompletions:
    """See `wire.Wire`. `is_compatible`: other models, reasoning is shown, less is checked.

    A compatible server asks for no key, and refuses a bad one.
    """

    headers = {"content-type": "text/event-stream; charset=utf-8", **HEADERS}

    def __init__(self, *, is_compatible: bool = False) -> None:
        self.is_compatible = is_compatible
        self.models = models.COMPATIBLE if is_compatible else models.OPENAI

    def error(
        self,
        status: int,
        *,
        retry_after_s: float | None = None,
        code: str = "",
        message: str = "",
    ) -> Reply:
        return openai_error(
            status, retry_after_s=retry_after_s, code=code, message=message
        )

    def stream_error(self, message: str = "") -> bytes:
        failed = {
            "message": message or "The server had an error.",
            "type": "server_error",
            "code": None,
        }
        return _data({"error": failed})

    def understand(self, request: Request, state: State) -> Turn | Reply:
        refused = None
        if not self.is_compatible or "authorization" in request.headers:
            refused = refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or invalid(
                "We could not parse the JSON body of your request."
            )
        messages = body.get("messages")
        try:
            model = str(needed(body, "model", "model"))
            if model not in self.models:
                return no_model(model)
            if not isinstance(messages, list) or not messages:
                raise Wrong("'messages' must not be empty.", param="messages")
            if not self.is_compatible:
                checks.check_parameters(body)
            checks.check_messages(messages)
        except Wrong as wrong:
            return invalid(wrong.message, wrong.param, wrong.code)
        prompt = [body.get("tools"), *messages]
        streams = bool(body.get("stream"))
        return turn_of(
            model, _question(body, messages), body, prompt, state, streams=streams
        )

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        answer = turn.answer
        base: dict[str, Any] = {
            "id": new_id("chatcmpl-"), "object": "chat.completion.chunk",
            "created": int(time.time()), "model": turn.model,
        }  # fmt: skip
        wants_usage = (turn.body.get("stream_options") or {}).get("include_usage")
        more = {"usage": None} if wants_usage else {}

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return _data({**base, "choices": [choice], **more})

        yield Piece(chunk({"role": "assistant", "content": "", "refusal": None}))
        calls = 0
        for block in answer.blocks:
            yield from self._block(block, calls, turn, chunk)
            calls += block.kind == "call"
        if answer.error is not None:
            yield Piece(self.stream_error(answer.error))
            return
        yield Piece(chunk({}, _FINISH[answer.stop]))
        if wants_usage:
            yield Piece(_data({**base, "choices": [], "usage": _usage(turn)}))
        yield Piece(b"data: [DONE]\n\n")

    def _block(
        self,
        block: Block,
        index: int,
        turn: Turn,
        chunk: Callable[[dict[str, Any]], bytes],
    ) -> Iterator[Piece]:
        if block.kind == "call":
            function = {"name": block.name, "arguments": ""}
            opened = {"index": index, "id": new_id("call_"), "type": "function"}
            yield Piece(chunk({"tool_calls": [{**opened, "function": function}]}))
            yield from spoken(
                block.words,
                lambda word: chunk(
                    {"tool_calls": [{"index": index, "function": {"arguments": word}}]}
                ),
            )
            return
        words = block.words
        key = "refusal" if turn.answer.stop == "refusal" else "content"
        if block.kind == "reasoning":
            key = "reasoning_content"
            if not self.is_compatible:  # OpenAI itself does not show it on this wire
                words = [word for word in words if not isinstance(word, str)]
        yield from spoken(words, lambda word: chunk({key: word}))

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        answer = turn.answer
        is_refusal = answer.stop == "refusal"
        text, thought = answer.said("text"), answer.said("reasoning")
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if is_refusal or not text else text,
            "refusal": text if is_refusal else None,
        }
        if self.is_compatible and thought:
            message["reasoning_content"] = thought
        calls = [
            {
                "id": new_id("call_"),
                "type": "function",
                "function": {"name": block.name, "arguments": block.text},
            }
            for block in answer.blocks
            if block.kind == "call"
        ]
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": _FINISH[answer.stop]}
        return {
            "id": new_id("chatcmpl-"), "object": "chat.completion",
            "created": int(time.time()), "model": turn.model, "choices": [choice],
            "usage": _usage(turn),
        }  # fmt: skip


def _data(data: dict[str, Any]) -> bytes:
    return f"data: {as_text(data)}\n\n".encode()


def _usage(turn: Turn) -> dict[str, Any]:
    output = turn.output_tokens + turn.reasoning_tokens
    return {
        "prompt_tokens": turn.input_tokens,
        "completion_tokens": output,
        "total_tokens": turn.input_tokens + output,
        "prompt_tokens_details": {"cached_tokens": turn.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
    }


def _question(body: dict[str, Any], messages: list[Any]) -> Question:
    said: list[str] = []
    results: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            results.append(text_of(message.get("content")))
        elif message["role"] == "user":
            said.append(text_of(message.get("content")))
            results = []
    tools = [str(tool["function"]["name"]) for tool in body.get("tools") or ()]
    is_forbidden = body.get("tool_choice") == "none"
    schemas = {
        str(tool["function"]["name"]): tool["function"].get("parameters")
        for tool in body.get("tools") or ()
    }
    named = (body.get("response_format") or {}).get("json_schema") or {}
    return Question(
        said[-1] if said else "",
        [] if is_forbidden else tools,
        results,
        schemas,
        named.get("schema"),
        said,
    )
