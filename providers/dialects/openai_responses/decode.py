"""The Responses event stream → typed events.

    response.created
      output_item.added ─ deltas of text, reasoning, refusal, arguments ─ output_item.done
    response.completed | response.incomplete | response.failed | error

`output_item.done` is the authority on an item: it gives tool calls their arguments and
reasoning its encrypted content, which is incomplete in `.added` and sealed anew in the
terminal event. The terminal `response.output` counts only for items nobody finished; some
back ends leave it empty.

Source: openai/types/responses/*_event.py, response_output_item.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from providers.dialects.failures import malformed, vendor_error
from providers.dialects.lenient_json import array, obj, parse_arguments, string
from providers.dialects.openai_responses.quirks import DEFAULT, Quirks
from providers.dialects.openai_responses.wire import (
    Wire,
    citation,
    read,
    server_tool,
    usage,
)
from providers.events import (
    Event,
    Finished,
    OpaqueState,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StopReason,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
)
from providers.http.sse import SSEEvent
from providers.streaming import cut

_STOP_REASONS: dict[str, StopReason] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}


class _Part(msgspec.Struct, gc=False):
    """A part of our message: its number, and how much of it has been handed out."""

    number: int
    chars: int = 0
    citations: int = 0


Key = tuple[int, str, int]  # output index, kind, index within the item
Handler = Callable[["ResponsesDecoder", Wire], Iterable[Event]]


class ResponsesDecoder:
    """One response's decoder; see `providers.interface.Decoder`."""

    __slots__ = (
        "_calls",
        "_done",
        "_is_asking",
        "_over",
        "_parts",
        "_quirks",
        "_refused",
        "_started",
    )

    def __init__(self, quirks: Quirks = DEFAULT) -> None:
        self._quirks = quirks
        self._parts: dict[Key, _Part] = {}
        self._calls: dict[int, str] = {}  # output index → call id, once started
        self._done: set[int] = set()
        self._started = False
        self._refused = False
        self._is_asking = False  # a tool call became ready
        self._over = False

    def feed(self, sse: SSEEvent) -> Iterable[Event]:
        """The events that one wire event means."""
        if self._over:
            return ()
        wire = read(sse.data)
        if wire is None:
            if sse.data.startswith("[DONE]"):  # not part of this dialect, but harmless
                return ()
            self._over = True
            return (malformed(self._quirks.provider),)
        if not wire.type:  # some back ends name it in the SSE event only
            wire.type = "error" if obj(wire.error) else sse.event
        handler = _HANDLERS.get(wire.type)
        return handler(self, wire) if handler is not None else ()

    def finish(self) -> Iterable[Event]:
        """The body ended: only a terminal event makes that an end."""
        if self._over:
            return ()
        self._over = True
        return (StreamError(error=cut(self._quirks.provider)),)

    def _part(self, key: Key) -> _Part:
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = _Part(len(self._parts))
        return part

    def _created(self, wire: Wire) -> Iterable[Event]:
        if self._started:
            return ()
        self._started = True
        response = obj(wire.response)
        return (
            Started(
                response_id=string(response.get("id")),
                model=string(response.get("model")),
            ),
        )

    def _text(self, wire: Wire) -> Iterable[Event]:
        if not wire.delta:
            return ()
        part = self._part((wire.output_index, "content", wire.content_index))
        part.chars += len(wire.delta)
        return (TextDelta(text=wire.delta, part=part.number),)

    def _refusal(self, wire: Wire) -> Iterable[Event]:
        if not wire.delta:
            return ()
        self._refused = True
        part = self._part((wire.output_index, "content", wire.content_index))
        part.chars += len(wire.delta)
        return (RefusalDelta(text=wire.delta, part=part.number),)

    def _summary(self, wire: Wire) -> Iterable[Event]:
        return self._reasoning(wire, "summary", wire.summary_index)

    def _raw_reasoning(self, wire: Wire) -> Iterable[Event]:
        return self._reasoning(wire, "reasoning", wire.content_index)

    def _reasoning(self, wire: Wire, kind: str, index: int) -> Iterable[Event]:
        if not wire.delta:
            return ()
        part = self._part((wire.output_index, kind, index))
        part.chars += len(wire.delta)
        return (ReasoningDelta(text=wire.delta, part=part.number),)

    def _arguments(self, wire: Wire) -> Iterable[Event]:
        call_id = self._calls.get(wire.output_index)
        if call_id is None or not wire.delta:
            return ()
        part = self._part((wire.output_index, "item", 0))
        return (ToolCallDelta(part=part.number, call_id=call_id, text=wire.delta),)

    def _annotation(self, wire: Wire) -> Iterable[Event]:
        part = self._part((wire.output_index, "content", wire.content_index))
        part.citations += 1
        return (citation(part.number, obj(wire.annotation)),)

    def _item_added(self, wire: Wire) -> Iterable[Event]:
        item = obj(wire.item)
        match item.get("type"):
            case "function_call" | "custom_tool_call":
                return self._call_started(wire.output_index, item)
            case "message" | "reasoning" | None:
                return ()
        number = self._part((wire.output_index, "item", 0)).number
        return (server_tool(number, item, "running"),)

    def _item_done(self, wire: Wire) -> Iterable[Event]:
        return self._whole_item(wire.output_index, obj(wire.item))

    def _whole_item(self, index: int, item: dict[str, Any]) -> list[Event]:
        """What an item says beyond its deltas, from its final form."""
        if index in self._done or not item:
            return []
        self._done.add(index)
        match item.get("type"):
            case "message":
                return self._whole_message(index, item)
            case "reasoning":
                return self._whole_reasoning(index, item)
            case "function_call" | "custom_tool_call":
                return self._whole_call(index, item)
        number = self._part((index, "item", 0)).number
        return [
            server_tool(number, item, "completed"),
            OpaqueState(part=number, kind="server_tool", state={"item": item}),
        ]

    def _whole_message(self, index: int, item: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        for at, piece in enumerate(map(obj, array(item.get("content")))):
            part = self._part((index, "content", at))
            if piece.get("type") == "refusal":
                if rest := string(piece.get("refusal"))[part.chars :]:
                    self._refused = True
                    events.append(RefusalDelta(text=rest, part=part.number))
                continue
            if rest := string(piece.get("text"))[part.chars :]:
                events.append(TextDelta(text=rest, part=part.number))
            notes = array(piece.get("annotations"))[part.citations :]
            events += [citation(part.number, obj(note)) for note in notes]
            # Id and phase go back with the text; without them the model takes a remark
            # between two tool calls for its final answer.
            state = {k: item[k] for k in ("id", "status", "phase") if item.get(k)}
            if state:
                events.append(OpaqueState(part=part.number, kind="text", state=state))
        return events

    def _whole_reasoning(self, index: int, item: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        for kind, pieces in (("summary", "summary"), ("reasoning", "content")):
            for at, piece in enumerate(map(obj, array(item.get(pieces)))):
                part = self._part((index, kind, at))
                if rest := string(piece.get("text"))[part.chars :]:
                    events.append(ReasoningDelta(text=rest, part=part.number))
        # Unstored and unencrypted, the vendor would look for it in vain: not sent back.
        if item.get("encrypted_content"):
            mine = [p for (at, _, _), p in self._parts.items() if at == index]
            part = mine[0] if mine else self._part((index, "summary", 0))
            events.append(
                OpaqueState(part=part.number, kind="reasoning", state={"item": item})
            )
        return events

    def _call_started(self, index: int, item: dict[str, Any]) -> list[Event]:
        if index in self._calls:
            return []
        call_id = string(item.get("call_id")) or string(item.get("id"))
        self._calls[index] = call_id
        number = self._part((index, "item", 0)).number
        name = string(item.get("name"))
        return [ToolCallStarted(part=number, call_id=call_id, name=name)]

    def _whole_call(self, index: int, item: dict[str, Any]) -> list[Event]:
        if item.get("status") not in (None, "completed"):
            return []  # cut off in its arguments: never ready
        events = self._call_started(index, item)
        number = self._part((index, "item", 0)).number
        state = {k: item[k] for k in ("id", "namespace") if item.get(k)}
        if state:
            events.append(OpaqueState(part=number, kind="tool_call", state=state))
        arguments, raw = parse_arguments(string(item.get("arguments")))
        if item.get("type") == "custom_tool_call":  # its input is any text
            arguments, raw = {}, string(item.get("input"))
        self._is_asking = True
        events.append(
            ToolCallReady(
                part=number,
                call_id=self._calls[index],
                name=string(item.get("name")),
                arguments=arguments,
                arguments_raw=raw,
            )
        )
        return events

    def _terminal(self, wire: Wire) -> Iterable[Event]:
        self._over = True
        response = obj(wire.response)
        status = string(response.get("status")) or wire.type.removeprefix("response.")
        events: list[Event] = []
        for index, item in enumerate(map(obj, array(response.get("output")))):
            events += self._whole_item(index, item)
        if numbers := obj(response.get("usage")):
            events.append(usage(numbers))
        if status == "failed":
            error = response.get("error")
            events.append(vendor_error(self._quirks.provider, error, status))
            return events
        raw = string(obj(response.get("incomplete_details")).get("reason")) or status
        events.append(Finished(stop_reason=self._stop_reason(raw), stop_reason_raw=raw))
        return events

    def _stop_reason(self, raw: str) -> StopReason:
        if raw != "completed":
            return _STOP_REASONS.get(raw, "other")
        if self._is_asking:
            return "tool_use"
        return "refusal" if self._refused else "stop"

    def _error(self, wire: Wire) -> Iterable[Event]:
        self._over = True
        error = obj(wire.error)
        if not error:  # the documented form: the fields stand in the event itself
            error = {"code": wire.code, "message": wire.message}
        return (vendor_error(self._quirks.provider, error),)


_HANDLERS: dict[str, Handler] = {
    "response.created": ResponsesDecoder._created,
    "response.in_progress": ResponsesDecoder._created,
    "response.output_text.delta": ResponsesDecoder._text,
    "response.refusal.delta": ResponsesDecoder._refusal,
    "response.reasoning_summary_text.delta": ResponsesDecoder._summary,
    "response.reasoning_text.delta": ResponsesDecoder._raw_reasoning,
    "response.function_call_arguments.delta": ResponsesDecoder._arguments,
    "response.custom_tool_call_input.delta": ResponsesDecoder._arguments,
    "response.output_text.annotation.added": ResponsesDecoder._annotation,
    "response.output_item.added": ResponsesDecoder._item_added,
    "response.output_item.done": ResponsesDecoder._item_done,
    "response.completed": ResponsesDecoder._terminal,
    "response.incomplete": ResponsesDecoder._terminal,
    "response.failed": ResponsesDecoder._terminal,
    "error": ResponsesDecoder._error,
}


def decoder(quirks: Quirks = DEFAULT) -> ResponsesDecoder:
    """A fresh decoder."""
    return ResponsesDecoder(quirks)
