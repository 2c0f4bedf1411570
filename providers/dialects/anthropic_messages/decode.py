"""The Messages event stream → typed events.

    message_start
      content_block_start ─ content_block_delta* ─ content_block_stop   (per block)
    message_delta (stop reason, usage) ─ message_stop
    ping, error: at any time

A content block is a part. Thinking closes with a signature, tool input arrives as pieces
of JSON text; a call is ready when its block has closed and the limit did not cut it off.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming and
anthropic/types/raw_*_event.py, lib/streaming/_messages.py (how usage adds up).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from providers.dialects.anthropic_messages.meaning import (
    SERVER_TOOL_USES,
    STOP_REASONS,
    citation,
    finished_detail,
    tool_result_detail,
    usage,
)
from providers.dialects.anthropic_messages.open_block import (
    Block,
    arguments_of,
    call_ready,
    call_started,
    index_of,
)
from providers.dialects.anthropic_messages.quirks import DEFAULT, Quirks
from providers.dialects.failures import malformed, vendor_error
from providers.dialects.lenient_json import loads, obj, string
from providers.events import (
    Event,
    Finished,
    OpaqueState,
    ReasoningDelta,
    ServerTool,
    Started,
    StreamError,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from providers.http.sse import SSEEvent
from providers.streaming import cut

log = logging.getLogger(__name__)

# Reasons that break off in mid-word: the last block may be half of what was meant.
_CUTTING = ("max_tokens", "model_context_window_exceeded")

Json = dict[str, Any]


class MessagesDecoder:
    """One response's decoder; see `providers.interface.Decoder`."""

    __slots__ = (
        "_blocks",
        "_doubtful",
        "_over",
        "_parts",
        "_provider",
        "_stop",
        "_stop_reason",
        "_tools",
        "_usage",
    )

    def __init__(self, quirks: Quirks = DEFAULT) -> None:
        self._provider = quirks.provider
        self._blocks: dict[int, Block] = {}  # by the wire's index
        self._parts = 0
        self._doubtful: Block | None = None  # closed, and perhaps cut off
        self._tools: dict[str, ServerTool] = {}  # the vendor's own, by call id
        self._usage: Json = {}
        self._stop: Json = {}
        self._stop_reason: str | None = None
        self._over = False

    def feed(self, sse: SSEEvent) -> Iterable[Event]:
        """The events that one wire event means."""
        if self._over:
            return ()
        try:
            wire = loads(sse.data)
        except ValueError:
            wire = None
        if wire.__class__ is not dict:
            if sse.data.startswith("[DONE]"):  # a proxy's habit, no part of this wire
                return ()
            return self._end(malformed(self._provider))
        kind = wire.get("type")
        if kind == "content_block_delta":  # all but a handful are these
            return self._delta(wire)
        handler = _HANDLERS.get(kind if isinstance(kind, str) else sse.event)
        if handler is None:
            log.debug("anthropic.ignored", extra={"wire_type": str(kind)[:80]})
            return ()
        return handler(self, wire)

    def finish(self) -> Iterable[Event]:
        """The body ended: only `message_stop` makes that an end."""
        if self._over:
            return ()
        error = cut(self._provider)
        return self._end(StreamError(error=error, stop_reason_raw=self._stop_reason))

    def _end(self, event: Event) -> list[Event]:
        self._over = True
        return [event]

    def _delta(self, wire: Json) -> Iterable[Event]:
        delta = wire.get("delta")
        if delta.__class__ is not dict:
            return ()
        block = self._block(wire)
        kind = delta.get("type")
        if kind == "text_delta":
            text = string(delta.get("text"))
            return (TextDelta(text=text, part=block.part),) if text else ()
        if kind == "thinking_delta":
            text = string(delta.get("thinking"))
            return (ReasoningDelta(text=text, part=block.part),) if text else ()
        handler = _DELTAS.get(kind) if isinstance(kind, str) else None
        if handler is None:
            log.debug("anthropic.ignored", extra={"wire_type": str(kind)[:80]})
            return ()
        return handler(self, block, delta)

    def _input(self, block: Block, delta: Json) -> Iterable[Event]:
        piece = string(delta.get("partial_json"))
        if not piece:
            return ()
        block.pieces.append(piece)
        if block.kind != "tool_use":
            return ()
        call_id = string(block.start.get("id"))
        return (ToolCallDelta(part=block.part, call_id=call_id, text=piece),)

    def _signature(self, block: Block, holder: Json) -> Iterable[Event]:
        signature = string(holder.get("signature"))
        if not signature:
            return ()
        state = {"signature": signature}
        return (OpaqueState(part=block.part, kind="reasoning", state=state),)

    def _citation(self, block: Block, delta: Json) -> Iterable[Event]:
        note = obj(delta.get("citation"))
        return (citation(block.part, note),) if note else ()

    def _block(self, wire: Json) -> Block:
        """The block a delta belongs to; one whose start we missed is text."""
        index = index_of(wire)
        block = self._blocks.get(index)
        return block if block is not None else self._open(index, {"type": "text"})

    def _open(self, index: int, start: Json) -> Block:
        block = Block(part=self._parts, kind=string(start.get("type")), start=start)
        self._parts += 1
        self._blocks[index] = block
        return block

    def _message_start(self, wire: Json) -> Iterable[Event]:
        message = obj(wire.get("message"))
        self._usage = obj(message.get("usage"))
        started = Started(
            response_id=string(message.get("id")), model=string(message.get("model"))
        )
        return [started, *self._usage_so_far()]

    def _usage_so_far(self) -> list[Usage]:
        return [usage(self._usage)] if self._usage else []

    def _block_start(self, wire: Json) -> Iterable[Event]:
        # The model went on after the last call: that one was whole.
        events = self._settle(is_whole=True)
        start = obj(wire.get("content_block"))
        block = self._open(index_of(wire), start)
        match block.kind:
            case "text":
                if text := string(start.get("text")):
                    events.append(TextDelta(text=text, part=block.part))
                notes = start.get("citations")
                for note in notes if isinstance(notes, list) else ():
                    events.append(citation(block.part, obj(note)))
            case "thinking":
                if text := string(start.get("thinking")):
                    events.append(ReasoningDelta(text=text, part=block.part))
                events += self._signature(block, start)
            case "redacted_thinking":
                state = {"data": string(start.get("data"))}
                events.append(
                    OpaqueState(part=block.part, kind="reasoning", state=state)
                )
            case "tool_use":
                events += call_started(block)
            case kind if kind in SERVER_TOOL_USES:
                events.append(self._tool(block, "running"))
            case kind if kind.endswith("_tool_result"):
                events += self._tool_result(block)
            case kind:
                log.debug("anthropic.ignored", extra={"wire_type": kind[:80]})
        return events

    def _tool(self, block: Block, status: Any, **more: Any) -> ServerTool:
        tool = ServerTool(
            part=block.part,
            call_id=string(block.start.get("id")),
            name=block.kind,
            status=status,
            detail={"tool": string(block.start.get("name")), **more},
        )
        self._tools[tool.call_id] = tool
        return tool

    def _tool_result(self, block: Block) -> Iterable[Event]:
        call_id = string(block.start.get("tool_use_id"))
        detail, failed = tool_result_detail(block.start)
        result = ServerTool(
            part=block.part,
            call_id=call_id,
            name=block.kind,
            status="failed" if failed else "completed",
            detail=detail,
        )
        if (use := self._tools.pop(call_id, None)) is not None:
            yield msgspec.structs.replace(use, status=result.status)
        yield result
        yield OpaqueState(
            part=block.part, kind="server_tool", state={"block": block.start}
        )

    def _block_stop(self, wire: Json) -> Iterable[Event]:
        block = self._blocks.pop(index_of(wire), None)
        if block is None or block.kind not in ("tool_use", *SERVER_TOOL_USES):
            return ()
        arguments, raw = arguments_of(block)
        if block.kind == "tool_use":
            if raw is not None or not arguments:
                # No object, or none at all: meant so, or cut off by the limit? What
                # comes next tells.
                events = self._settle(is_whole=True)
                self._doubtful = block
                return events
            return call_ready(block, arguments, raw)
        if raw is not None:
            return ()
        state = {"block": {**block.start, "input": arguments}}
        return (
            self._tool(block, "running", input=arguments),
            OpaqueState(part=block.part, kind="server_tool", state=state),
        )

    def _settle(self, *, is_whole: bool) -> list[Event]:
        """The call we were not sure of is ready, or was never finished."""
        block, self._doubtful = self._doubtful, None
        if block is None or not is_whole:
            return []
        return call_ready(block, *arguments_of(block))

    def _message_delta(self, wire: Json) -> Iterable[Event]:
        self._stop = obj(wire.get("delta"))
        reason = self._stop.get("stop_reason")
        if isinstance(reason, str):
            self._stop_reason = reason
        events = self._settle(is_whole=self._stop_reason not in _CUTTING)
        # Totals, not differences: what is said replaces, what is left out stays.
        said = {k: v for k, v in obj(wire.get("usage")).items() if v is not None}
        if said:
            self._usage = self._usage | said
            events += self._usage_so_far()
        return events

    def _message_stop(self, wire: Json) -> Iterable[Event]:
        raw = self._stop_reason
        finished = Finished(
            stop_reason=STOP_REASONS.get(raw or "", "other"),
            stop_reason_raw=raw,
            detail=finished_detail(self._stop),
        )
        return [*self._settle(is_whole=raw is not None), *self._end(finished)]

    def _error(self, wire: Json) -> Iterable[Event]:
        return self._end(vendor_error(self._provider, wire))

    def _ping(self, wire: Json) -> Iterable[Event]:
        return ()


Handler = Callable[[MessagesDecoder, Json], Iterable[Event]]
DeltaHandler = Callable[[MessagesDecoder, Block, Json], Iterable[Event]]

_HANDLERS: dict[str, Handler] = {
    "message_start": MessagesDecoder._message_start,
    "content_block_start": MessagesDecoder._block_start,
    "content_block_stop": MessagesDecoder._block_stop,
    "message_delta": MessagesDecoder._message_delta,
    "message_stop": MessagesDecoder._message_stop,
    "error": MessagesDecoder._error,
    "ping": MessagesDecoder._ping,
}

_DELTAS: dict[str, DeltaHandler] = {
    "input_json_delta": MessagesDecoder._input,
    "signature_delta": MessagesDecoder._signature,
    "citations_delta": MessagesDecoder._citation,
}


def decoder(quirks: Quirks = DEFAULT) -> MessagesDecoder:
    """A fresh decoder."""
    return MessagesDecoder(quirks)
