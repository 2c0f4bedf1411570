"""OpenAI Responses: POST /v1/responses.

Source: openai-python `types/responses/*`, platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from providers.emulator import models
from providers.emulator import openai_responses_checks as checks
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
    counted,
    spoken,
    text_of,
    turn_of,
)


class Responses:
    """See `wire.Wire`."""

    headers = {"content-type": "text/event-stream; charset=utf-8", **HEADERS}
    repeats_output = True  # in the final event, what `output_item.done` has said

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
        return _event("response.failed", 9999, response=_failed(message))

    def understand(self, request: Request, state: State) -> Turn | Reply:
        checked = self._checked(request, state)
        if isinstance(checked, Reply):
            return checked
        body, items = checked
        question, streams = question_of(body, items), bool(body.get("stream"))
        return turn_of(
            str(body["model"]),
            question,
            body,
            _prompt(body, items),
            state,
            streams=streams,
        )

    def _checked(
        self, request: Request, state: State
    ) -> tuple[dict[str, Any], list[Any]] | Reply:
        """The body and its input, or the refusal."""
        refused = refuse_key(request)
        body = request.json()
        if refused or not isinstance(body, dict):
            return refused or invalid(
                "We could not parse the JSON body of your request."
            )
        items = body.get("input")
        if isinstance(items, str):
            items = [{"type": "message", "role": "user", "content": items}]
        try:
            model = str(needed(body, "model", "model"))
            if model not in models.OPENAI:
                return no_model(model)
            if not isinstance(items, list) or not items:
                raise Wrong("Missing required parameter: 'input'.", param="input")
            checks.check(body, items, state)
        except Wrong as wrong:
            return invalid(wrong.message, wrong.param, wrong.code)
        return body, items

    def count(self, request: Request, state: State) -> Reply:
        """POST /v1/responses/input_tokens."""
        body = request.json()
        for name in body if isinstance(body, dict) else ():
            if name not in checks.COUNTED:
                return invalid(f"Unknown parameter: '{name}'.", name)
        checked = self._checked(request, state)
        if isinstance(checked, Reply):
            return checked
        tokens = counted(_prompt(*checked))
        found = {"object": "response.input_tokens", "input_tokens": tokens}
        return Reply(200, found, dict(HEADERS))

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        writer = _Writer(turn, state, repeats_output=self.repeats_output)
        yield from writer.stream()

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        writer = _Writer(turn, state)
        for _ in writer.stream():
            pass
        return writer.response


def _prompt(body: dict[str, Any], items: list[Any]) -> list[Any]:
    """What the model reads, in its order."""
    return [body.get("tools"), body.get("instructions"), *items]


class _Writer:
    """Renders one response; `response` is the final object."""

    def __init__(
        self, turn: Turn, state: State, *, repeats_output: bool = True
    ) -> None:
        self.repeats_output = repeats_output
        self.namespaces = _namespaces(turn.body)
        self.turn = turn
        self.state = state
        self.number = -1
        self.output: list[dict[str, Any]] = []
        self.response: dict[str, Any] = {
            "id": new_id("resp_"), "object": "response",
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
        yield Piece(self.say("response.created", response=empty))
        yield Piece(self.say("response.in_progress", response=empty))
        for block in answer.blocks:
            match block.kind:
                case "reasoning":
                    yield from self._reasoning(block)
                case "text":
                    yield from self._message(block)
                case "call":
                    yield from self._call(block)
        if answer.error is not None:
            error = _failed(answer.error)["error"]
            failed = self.response | {"status": "failed", "error": error}
            yield Piece(self.say("response.failed", response=failed))
            return
        self._settle()
        is_cut = answer.stop == "length"
        done = "response.incomplete" if is_cut else "response.completed"
        last = self.response if self.repeats_output else self.response | {"output": []}
        yield Piece(self.say(done, response=last))

    def _settle(self) -> None:
        turn = self.turn
        is_cut = turn.answer.stop == "length"
        self.response["status"] = "incomplete" if is_cut else "completed"
        if is_cut:
            self.response["incomplete_details"] = {"reason": "max_output_tokens"}
        output = turn.output_tokens + turn.reasoning_tokens
        self.response["usage"] = {
            "input_tokens": turn.input_tokens,
            "input_tokens_details": {
                "cached_tokens": turn.cached_tokens,
                "cache_write_tokens": 0,
            },
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
            "total_tokens": turn.input_tokens + output,
        }

    def _item(
        self, kind: str, prefix: str, **fields: Any
    ) -> tuple[int, dict[str, Any], bytes]:
        """Its index, the item that is filled in later, and the event that opens it."""
        item = {"id": new_id(prefix), "type": kind, **fields}
        self.output.append(item)
        index = len(self.output) - 1
        opened = self.say("response.output_item.added", output_index=index, item=item)
        return index, item, opened

    def _done(self, index: int, item: dict[str, Any]) -> Piece:
        return Piece(
            self.say("response.output_item.done", output_index=index, item=item)
        )

    def _reasoning(self, block: Block) -> Iterator[Piece]:
        """The summary is seen only when it is asked for, the sealed text likewise."""
        index, item, opened = self._item("reasoning", "rs_", summary=[])
        yield Piece(opened)
        if (self.turn.body.get("reasoning") or {}).get("summary"):
            item["summary"] = [{"type": "summary_text", "text": block.text}]
            yield from self._summary(index, item["id"], block)
        else:
            silences = [word for word in block.words if not isinstance(word, str)]
            yield from spoken(silences, str.encode)
        if "reasoning.encrypted_content" in (self.turn.body.get("include") or ()):
            item["encrypted_content"] = self.state.seal("reasoning")
        yield self._done(index, item)

    def _summary(self, index: int, item_id: str, block: Block) -> Iterator[Piece]:
        where = {"item_id": item_id, "output_index": index, "summary_index": 0}
        name = "response.reasoning_summary"
        part = {"type": "summary_text", "text": ""}
        yield Piece(self.say(f"{name}_part.added", **where, part=part))
        yield from spoken(
            block.words, lambda w: self.say(f"{name}_text.delta", **where, delta=w)
        )
        yield Piece(self.say(f"{name}_text.done", **where, text=block.text))
        part = {"type": "summary_text", "text": block.text}
        yield Piece(self.say(f"{name}_part.done", **where, part=part))

    def _message(self, block: Block) -> Iterator[Piece]:
        is_refusal = self.turn.answer.stop == "refusal"
        kind, key = ("refusal", "refusal") if is_refusal else ("output_text", "text")
        index, item, opened = self._item(
            "message", "msg_", role="assistant", status="in_progress", content=[]
        )
        yield Piece(opened)
        where = {"item_id": item["id"], "output_index": index, "content_index": 0}
        more: dict[str, Any] = {} if is_refusal else {"logprobs": []}
        extra = more if is_refusal else {"annotations": [], **more}
        part = {"type": kind, key: "", **extra}
        yield Piece(self.say("response.content_part.added", **where, part=part))
        yield from spoken(
            block.words,
            lambda w: self.say(f"response.{kind}.delta", **where, delta=w, **more),
        )
        said = {key: block.text}
        yield Piece(self.say(f"response.{kind}.done", **where, **said, **more))
        part = {"type": kind, **said, **extra}
        yield Piece(self.say("response.content_part.done", **where, part=part))
        item |= {"content": [part], "status": "completed"}
        yield self._done(index, item)

    def _call(self, block: Block) -> Iterator[Piece]:
        index, item, opened = self._item(
            "function_call", "fc_", call_id=new_id("call_"), name=block.name,
            arguments="", status="in_progress", **self.namespaces.get(block.name, {}),
        )  # fmt: skip
        yield Piece(opened)
        where = {"item_id": item["id"], "output_index": index}
        name = "response.function_call_arguments"
        yield from spoken(
            block.words, lambda w: self.say(f"{name}.delta", **where, delta=w)
        )
        done = {"arguments": block.text, "name": block.name}
        yield Piece(self.say(f"{name}.done", **where, **done))
        item |= {"arguments": block.text, "status": "completed"}
        yield self._done(index, item)


def _failed(message: str) -> dict[str, Any]:
    """What a response that failed has to say."""
    return {
        "id": "resp_emulated", "object": "response", "status": "failed", "output": [],
        "error": {
            "code": "server_error", "message": message or "The server had an error.",
        },
    }  # fmt: skip


def _event(kind: str, number: int, **fields: Any) -> bytes:
    data = {"type": kind, "sequence_number": number, **fields}
    return f"event: {kind}\ndata: {as_text(data)}\n\n".encode()


def _tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """All that are declared, also by an item of the input."""
    found = list(body.get("tools") or ())
    items = body.get("input")
    for item in items if isinstance(items, list) else ():
        if item.get("type") == "additional_tools":
            found += item.get("tools") or ()
    return found


def _namespaces(body: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Name of a function → what its calls say of where it is declared."""
    return {
        str(function.get("name")): {"namespace": str(tool.get("name"))}
        for tool in _tools(body)
        if tool.get("type") == "namespace"
        for function in tool.get("tools") or ()
    }


def question_of(body: dict[str, Any], items: list[Any]) -> Question:
    """What is asked, with the results that came and the tools there are."""
    said: list[str] = []
    results: list[str] = []
    for item in items:
        if item.get("type") == "function_call_output":
            results.append(text_of(item.get("output")))
        elif item.get("type", "message") == "message" and item.get("role") == "user":
            said.append(text_of(item.get("content")))
            results = []
    tools = [
        str(tool.get("name")) for tool in _tools(body) if tool.get("type") == "function"
    ] + list(_namespaces(body))
    is_forbidden = body.get("tool_choice") == "none"
    schemas = {
        str(function.get("name")): function.get("parameters")
        for tool in _tools(body)
        for function in tool.get("tools") or [tool]
    }
    form = (body.get("text") or {}).get("format") or {}
    return Question(
        said[-1] if said else "",
        [] if is_forbidden else tools,
        results,
        schemas,
        form.get("schema"),
        said,
    )
