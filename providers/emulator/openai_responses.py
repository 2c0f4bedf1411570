"""OpenAI Responses: POST /v1/responses.

Source: openai-python `types/responses/*`, platform.openai.com/docs/api-reference/responses
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

_ROLES = {"user", "assistant", "system", "developer"}


class Responses:
    """See `wire.Wire`."""

    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "x-request-id": "req_emulated",
    }

    def error(self, status: int, retry_after_s: float | None = None) -> Reply:
        return openai_error(status, retry_after_s)

    def stream_error(self) -> bytes:
        failed = {"code": "server_error", "message": "The server had an error."}
        response = {
            "id": "resp_emulated",
            "object": "response",
            "status": "failed",
            "output": [],
        }
        return _event("response.failed", 9999, response=response | {"error": failed})

    def understand(self, request: Request, state: State) -> Turn | Reply:
        refused = refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or invalid(
                "We could not parse the JSON body of your request."
            )
        model = str(body.get("model", ""))
        if model not in models.OPENAI:
            return openai_error(404, message=f"The model `{model}` does not exist.")
        items = body.get("input")
        if isinstance(items, str):
            items = [{"type": "message", "role": "user", "content": items}]
        if not isinstance(items, list) or not items:
            return invalid("Missing required parameter: 'input'.", "input")
        wrong = _wrong(items, state)
        if wrong is not None:
            return wrong
        question = _question(body, items)
        streams = bool(body.get("stream"))
        return Turn(model, question, state.answer(question), streams, body)

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        writer = _Writer(turn, state)
        yield from writer.stream()

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        writer = _Writer(turn, state)
        for _ in writer.stream():
            pass
        return writer.response


class _Writer:
    """Renders one response; `response` is the final object."""

    def __init__(self, turn: Turn, state: State) -> None:
        self.turn = turn
        self.state = state
        self.number = -1
        self.output: list[dict[str, Any]] = []
        self.response: dict[str, Any] = {
            "id": f"resp_{state.number():024x}", "object": "response",
            "created_at": int(time.time()), "status": "in_progress", "model": turn.model,
            "output": self.output, "error": None, "incomplete_details": None,
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": None,
        }  # fmt: skip

    def say(self, kind: str, **fields: Any) -> bytes:
        self.number += 1
        return _event(kind, self.number, **fields)

    def stream(self) -> Iterator[Piece]:
        answer = self.turn.answer
        empty = {**self.response, "output": []}
        yield self.say("response.created", response=empty), False
        yield self.say("response.in_progress", response=empty), False
        if answer.reasoning:
            yield from self._reasoning(answer.reasoning)
        if answer.text:
            yield from self._message(answer.text, is_refusal=answer.stop == "refusal")
        for name, arguments in answer.calls:
            yield from self._call(name, arguments)
        self._settle()
        done = (
            "response.incomplete" if answer.stop == "length" else "response.completed"
        )
        yield self.say(done, response=self.response), False

    def _settle(self) -> None:
        turn = self.turn
        is_cut = turn.answer.stop == "length"
        self.response["status"] = "incomplete" if is_cut else "completed"
        if is_cut:
            self.response["incomplete_details"] = {"reason": "max_output_tokens"}
        output = turn.output_tokens + turn.reasoning_tokens
        self.response["usage"] = {
            "input_tokens": turn.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
            "total_tokens": turn.input_tokens + output,
        }

    def _item(
        self, kind: str, prefix: str, **fields: Any
    ) -> tuple[int, dict[str, Any]]:
        item = {"id": f"{prefix}_{self.state.number():024x}", "type": kind, **fields}
        self.output.append(item)
        return len(self.output) - 1, item

    def _reasoning(self, text: str) -> Iterator[Piece]:
        index, item = self._item("reasoning", "rs", summary=[])
        where = {"item_id": item["id"], "output_index": index, "summary_index": 0}
        yield (
            self.say("response.output_item.added", output_index=index, item=item),
            False,
        )
        part: dict[str, Any] = {"type": "summary_text", "text": ""}
        yield (
            self.say("response.reasoning_summary_part.added", **where, part=part),
            False,
        )
        for piece in pieces(text):
            yield (
                self.say("response.reasoning_summary_text.delta", **where, delta=piece),
                True,
            )
        yield (
            self.say("response.reasoning_summary_text.done", **where, text=text),
            False,
        )
        part = {"type": "summary_text", "text": text}
        yield (
            self.say("response.reasoning_summary_part.done", **where, part=part),
            False,
        )
        item["summary"] = [part]
        if "reasoning.encrypted_content" in (self.turn.body.get("include") or ()):
            item["encrypted_content"] = self.state.seal("reasoning")
        yield (
            self.say("response.output_item.done", output_index=index, item=item),
            False,
        )

    def _message(self, text: str, *, is_refusal: bool) -> Iterator[Piece]:
        kind, key = ("refusal", "refusal") if is_refusal else ("output_text", "text")
        index, item = self._item(
            "message", "msg", role="assistant", status="in_progress", content=[]
        )
        where = {"item_id": item["id"], "output_index": index, "content_index": 0}
        yield (
            self.say("response.output_item.added", output_index=index, item=item),
            False,
        )
        extra: dict[str, Any] = (
            {} if is_refusal else {"annotations": [], "logprobs": []}
        )
        part = {"type": kind, key: "", **extra}
        yield self.say("response.content_part.added", **where, part=part), False
        more: dict[str, Any] = {} if is_refusal else {"logprobs": []}
        for piece in pieces(text):
            yield self.say(f"response.{kind}.delta", **where, delta=piece, **more), True
        yield self.say(f"response.{kind}.done", **where, **{key: text}, **more), False
        part = {"type": kind, key: text, **extra}
        yield self.say("response.content_part.done", **where, part=part), False
        item["content"] = [part]
        item["status"] = "completed"
        yield (
            self.say("response.output_item.done", output_index=index, item=item),
            False,
        )

    def _call(self, name: str, arguments: dict[str, Any]) -> Iterator[Piece]:
        call_id = f"call_{self.state.number():024x}"
        text = json.dumps(arguments, ensure_ascii=False)
        index, item = self._item(
            "function_call",
            "fc",
            call_id=call_id,
            name=name,
            arguments="",
            status="in_progress",
        )
        where = {"item_id": item["id"], "output_index": index}
        yield (
            self.say("response.output_item.added", output_index=index, item=item),
            False,
        )
        for start in range(0, len(text), 6):
            delta = text[start : start + 6]
            yield (
                self.say(
                    "response.function_call_arguments.delta", **where, delta=delta
                ),
                True,
            )
        done = {"arguments": text, "name": name}
        yield self.say("response.function_call_arguments.done", **where, **done), False
        item["arguments"] = text
        item["status"] = "completed"
        yield (
            self.say("response.output_item.done", output_index=index, item=item),
            False,
        )


def _event(kind: str, number: int, **fields: Any) -> bytes:
    data = {"type": kind, "sequence_number": number, **fields}
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _wrong(items: list[Any], state: State) -> Reply | None:
    """What the vendor would refuse in the history."""
    asked: set[str] = set()
    for i, item in enumerate(items):
        if not isinstance(item, dict):
            return invalid(f"Invalid type for 'input[{i}]'.", f"input[{i}]")
        kind = item.get("type", "message")
        if kind == "message" and item.get("role") not in _ROLES:
            return invalid(f"Invalid value for 'input[{i}].role'.", f"input[{i}].role")
        if kind == "function_call":
            asked.add(str(item.get("call_id")))
        if kind == "function_call_output" and item.get("call_id") not in asked:
            return invalid(
                f"No tool call found for function call output {item.get('call_id')}."
            )
        if kind == "reasoning":
            sealed = item.get("encrypted_content")
            if sealed is not None and not state.is_ours("reasoning", sealed):
                return openai_error(
                    400,
                    code="invalid_encrypted_content",
                    message="The encrypted content could not be verified.",
                )
    return None


def _question(body: dict[str, Any], items: list[Any]) -> Question:
    said = ""
    results: list[str] = []
    for item in items:
        if item.get("type") == "function_call_output":
            results.append(text_of(item.get("output")))
        elif item.get("type", "message") == "message" and item.get("role") == "user":
            said = text_of(item.get("content"))
            results = []
    tools = [
        str(tool.get("name"))
        for tool in body.get("tools") or ()
        if tool.get("type") == "function"
    ]
    chars = len(json.dumps(items)) + len(str(body.get("instructions") or ""))
    return Question(said, tools, results, chars)
