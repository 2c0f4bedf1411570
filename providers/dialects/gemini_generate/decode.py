"""The Gemini chunk stream → typed events.

    data: {candidates: [{content: {parts}, finishReason?, …}], usageMetadata, …}   (per chunk)
    data: {promptFeedback: {blockReason}}     instead of an answer
    data: {error: {code, message, status}}    instead of a chunk

There are no block boundaries: neighbouring text pieces are one part until another kind
comes or a piece carries a signature, which makes that piece a part of its own. Function
calls arrive whole. The chunk with a `finishReason` is the last one.

Source: google/genai/types.py, https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from providers.dialects.failures import malformed, vendor_error
from providers.dialects.gemini_generate.meaning import (
    SERVER_TOOLS,
    citations,
    finished_detail,
    missing_signature,
    server_tool,
    stop_reason,
    usage,
)
from providers.dialects.gemini_generate.quirks import DEFAULT, Quirks
from providers.dialects.lenient_json import array, loads, obj, string
from providers.events import (
    Event,
    Finished,
    OpaqueState,
    ReasoningDelta,
    ServerTool,
    Started,
    StreamError,
    TextDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
)
from providers.http.sse import SSEEvent
from providers.streaming import cut

log = logging.getLogger(__name__)

Json = dict[str, Any]

_BARE = {"thought", "thoughtSignature"}  # a signature may come without any text


class GeminiDecoder:
    """One response's decoder; see `providers.interface.Decoder`."""

    __slots__ = (
        "_call_ids",
        "_is_open",
        "_kind",
        "_over",
        "_parts",
        "_provider",
        "_response_id",
        "_sources",
        "_started",
        "_text_part",
        "_tier",
        "_tool",
        "_usage",
        "_usage_is_new",
    )

    def __init__(self, quirks: Quirks = DEFAULT) -> None:
        self._provider = quirks.provider
        self._parts = 0
        self._kind = ""  # of the latest part
        self._is_open = False  # more text may still join it
        self._text_part: int | None = None  # the latest one, for citations
        self._call_ids: set[str] = set()
        self._tool: ServerTool | None = None  # the vendor's own, while it runs
        self._sources: set[tuple[str, str]] = set()
        self._started = False
        self._response_id = ""
        self._tier = ""
        self._usage: Json = {}
        self._usage_is_new = False
        self._over = False

    def feed(self, sse: SSEEvent) -> Iterable[Event]:
        """The events that one chunk means."""
        if self._over:
            return ()
        chunk = _read(sse.data)
        if chunk is None:
            # [DONE] is a proxy's habit, no part of this wire.
            is_done = sse.data.startswith("[DONE]")
            return () if is_done else self._end([], malformed(self._provider))
        events: list[Event] = []
        if numbers := obj(chunk.get("usageMetadata")):
            # Not a number of tokens: it is told with the end.
            self._tier = string(numbers.pop("serviceTier", ""))
            self._usage = numbers
            self._usage_is_new = True
        if not self._started:
            self._start(chunk, events)
        if chunk.get("error"):
            return self._end(events, vendor_error(self._provider, chunk))
        candidates = array(chunk.get("candidates"))
        if candidates:
            return self._candidate(obj(candidates[0]), events)
        feedback = obj(chunk.get("promptFeedback"))
        if feedback.get("blockReason"):
            blocked = Finished(stop_reason="content_filter", detail=feedback)
            return self._end(events, blocked)
        return events

    def finish(self) -> Iterable[Event]:
        """The body ended: only a finish reason makes that an end."""
        if self._over:
            return ()
        return self._end([], StreamError(error=cut(self._provider)))

    def _end(self, events: list[Event], last: Event) -> list[Event]:
        self._over = True
        return [*events, *self._latest_usage(), last]

    def _latest_usage(self) -> list[Usage]:
        """Chunks repeat the growing totals: the first and the last of them are told."""
        if not self._usage_is_new:
            return []
        self._usage_is_new = False
        return [usage(self._usage)]

    def _start(self, chunk: Json, events: list[Event]) -> None:
        self._response_id = string(chunk.get("responseId"))
        model = string(chunk.get("modelVersion"))
        if self._response_id or model:
            self._started = True
            events.append(Started(response_id=self._response_id, model=model))
            events += self._latest_usage()

    def _candidate(self, candidate: Json, events: list[Event]) -> list[Event]:
        for part in array(obj(candidate.get("content")).get("parts")):
            if part.__class__ is dict:
                self._part(part, events)
        events += citations(candidate, self._text_part or 0, self._sources)
        reason = string(candidate.get("finishReason"))
        if not reason or reason == "FINISH_REASON_UNSPECIFIED":
            return events
        if token := string(candidate.get("continuationToken")):
            state = {"continuationToken": token}
            events.append(OpaqueState(part=self._new("text"), kind="text", state=state))
        return self._end(events, self._finished(reason, candidate))

    def _finished(self, reason: str, candidate: Json) -> Event:
        if reason == "MISSING_THOUGHT_SIGNATURE":
            error = missing_signature(self._provider, candidate)
            return StreamError(error=error, stop_reason_raw=reason)
        return Finished(
            stop_reason=stop_reason(reason, asks_for_tools=bool(self._call_ids)),
            stop_reason_raw=reason,
            detail=finished_detail(candidate, self._tier),
        )

    def _new(self, kind: str) -> int:
        """Begin a part; what came before it is closed."""
        self._kind = kind
        self._is_open = kind in ("text", "reasoning")
        if kind == "text":
            self._text_part = self._parts
        self._parts += 1
        return self._parts - 1

    def _part(self, part: Json, events: list[Event]) -> None:
        text = part.get("text")
        if text.__class__ is str or part.keys() <= _BARE:
            self._text(part, text, events)
        elif "functionCall" in part:
            self._call(part, obj(part["functionCall"]), events)
        else:
            name = next((key for key in SERVER_TOOLS if key in part), None)
            if name is None:
                log.debug("gemini.ignored", extra={"wire_type": ",".join(part)[:80]})
                return
            self._server_tool(part, name, events)

    def _text(self, part: Json, text: str | None, events: list[Event]) -> None:
        signature = part.get("thoughtSignature")
        if not text and not signature:
            return
        thought = part.get("thought") is True
        kind = "reasoning" if thought else "text"
        if signature or not self._is_open or self._kind != kind:
            number = self._new(kind)
        else:
            number = self._parts - 1
        if text:
            made = ReasoningDelta if thought else TextDelta
            events.append(made(text=text, part=number))
        if signature:
            self._is_open = False
            state: Json = {"thoughtSignature": signature}
            if text is None:
                state["is_bare"] = True
            events.append(
                OpaqueState(
                    part=number, kind="reasoning" if thought else "text", state=state
                )
            )

    def _call(self, part: Json, call: Json, events: list[Event]) -> None:
        if call.get("willContinue"):
            return  # in pieces, which this API does not send: not a call we understand
        number = self._new("tool_call")
        given = string(call.get("id"))
        call_id = given
        if not given or given in self._call_ids:
            # Unique in the conversation, and the same wherever the network cuts.
            call_id = f"{self._response_id or 'call'}_{number}"
        self._call_ids.add(call_id)
        name = string(call.get("name"))
        events.append(ToolCallStarted(part=number, call_id=call_id, name=name))
        state = {"id": given} if given else {}
        if signature := part.get("thoughtSignature"):
            state["thoughtSignature"] = signature
        if state:
            events.append(OpaqueState(part=number, kind="tool_call", state=state))
        arguments = call.get("args")
        is_object = arguments is None or isinstance(arguments, dict)
        events.append(
            ToolCallReady(
                part=number,
                call_id=call_id,
                name=name,
                arguments=obj(arguments),
                arguments_raw=None
                if is_object
                else msgspec.json.encode(arguments).decode(),
            )
        )

    def _server_tool(self, part: Json, name: str, events: list[Event]) -> None:
        number = self._new("server_tool")
        tool, closed = server_tool(
            number, name, obj(part[name]), self._tool, self._response_id
        )
        self._tool = tool if tool.status == "running" else None
        if closed is not None:
            events.append(closed)
        events.append(tool)
        events.append(
            OpaqueState(part=number, kind="server_tool", state={"part": part})
        )


def _read(data: str) -> Json | None:
    """One chunk; None for what is not a JSON object. An error may come in an array."""
    try:
        chunk = loads(data)
    except ValueError:
        return None
    if chunk.__class__ is list and len(chunk) == 1:
        chunk = chunk[0]
    return chunk if isinstance(chunk, dict) else None


def decoder(quirks: Quirks = DEFAULT) -> GeminiDecoder:
    """A fresh decoder."""
    return GeminiDecoder(quirks)
