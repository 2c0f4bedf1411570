"""Folds the events of one response into the message that they describe.

Called by runs (the stored message), by `inspect_stream`, by audits and by the conformance
suite. An event costs one look-up and one append: pieces of text are joined when somebody
asks, not when they arrive.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.events import (
    Citation,
    ErrorInfo,
    Event,
    Finished,
    OpaqueState,
    ReasoningDelta,
    RefusalDelta,
    ServerTool,
    Started,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
)
from providers.types import (
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCallPart,
)


class _Slot(msgspec.Struct):
    """A part that is being written. `kind` is its tag in `providers.types`."""

    kind: str
    pieces: list[str] = []
    state: dict[str, Any] | None = None
    citations: list[dict[str, Any]] = []
    call: ToolCallReady | None = None
    tool: ServerTool | None = None
    detail: dict[str, Any] = {}


class Accumulator:
    """One response so far. `add` every event, in order; ask at any time.

    `finished` or `error` is set once the response is over; `events` counts what came.
    """

    __slots__ = (
        "_reasoning",
        "_slots",
        "_text",
        "citations",
        "error",
        "events",
        "finished",
        "model",
        "response_id",
        "stop_reason_raw",
        "tool_calls",
        "usage",
    )

    def __init__(self) -> None:
        self._slots: dict[tuple[int, str], _Slot] = {}
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self.events = 0
        self.response_id = ""
        self.model = ""
        self.tool_calls: list[ToolCallReady] = []
        self.citations: list[Citation] = []
        self.usage: Usage | None = None
        self.finished: Finished | None = None
        self.error: ErrorInfo | None = None
        self.stop_reason_raw: str | None = None

    def add(self, event: Event) -> None:
        """Take one event in."""
        self.events += 1
        # The deltas first: all but a handful of a response's events are these.
        match event:
            case TextDelta():
                self._text.append(event.text)
                self._slot(event.part, "text").pieces.append(event.text)
            case ReasoningDelta():
                self._reasoning.append(event.text)
                self._slot(event.part, "reasoning").pieces.append(event.text)
            case ToolCallDelta() | ToolCallStarted():
                pass  # for display; a call exists when it is whole
            case RefusalDelta():
                self._slot(event.part, "refusal").pieces.append(event.text)
            case _:
                self._add_rare(event)

    def _add_rare(self, event: Event) -> None:
        match event:
            case Started():
                self.response_id, self.model = event.response_id, event.model
            case OpaqueState():
                slot = self._slot(event.part, event.kind)
                slot.state = {**(slot.state or {}), **event.state}
            case ToolCallReady():
                self._slot(event.part, "tool_call").call = event
                self.tool_calls.append(event)
            case Citation():
                self._slot(event.part, "text").citations.append(_citation(event))
                self.citations.append(event)
            case ServerTool():
                slot = self._slot(event.part, "server_tool")
                slot.tool = event
                slot.detail = {**slot.detail, **event.detail}
            case Usage():
                self.usage = event
            case Finished():
                self.finished = event
                self.stop_reason_raw = event.stop_reason_raw
            case StreamError():
                self.error = event.error
                self.stop_reason_raw = event.stop_reason_raw

    def _slot(self, part: int, kind: str) -> _Slot:
        slot = self._slots.get((part, kind))
        if slot is None:
            slot = self._slots[part, kind] = _Slot(kind=kind)
        return slot

    def forget_from(self, part: int) -> None:
        """Parts from this number on were never said."""
        self._slots = {key: slot for key, slot in self._slots.items() if key[0] < part}
        self._text = self._pieces("text")
        self._reasoning = self._pieces("reasoning")
        known = [slot.call for slot in self._slots.values() if slot.call]
        self.tool_calls = [call for call in self.tool_calls if call in known]

    def _pieces(self, kind: str) -> list[str]:
        slots = (slot for slot in self._slots.values() if slot.kind == kind)
        return [piece for slot in slots for piece in slot.pieces]

    @property
    def text(self) -> str:
        """All visible text in order of arrival, nothing added between its parts."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """All reasoning that was shown, in order of arrival, nothing added."""
        return "".join(self._reasoning)

    @property
    def refusal(self) -> str:
        """The words in which the model declined."""
        return "".join(
            piece
            for slot in self._slots.values()
            if slot.kind == "refusal"
            for piece in slot.pieces
        )

    def parts(self) -> list[Part]:
        """The message's parts in order; calls that were not finished are left out."""
        ordered = sorted(self._slots.items(), key=lambda item: item[0][0])
        return [part for _, slot in ordered if (part := part_of(slot)) is not None]


def part_of(slot: _Slot) -> Part | None:
    """The part a slot became; None where nothing worth keeping arrived."""
    text = "".join(slot.pieces)
    match slot.kind:
        case "text" if text or slot.state or slot.citations:
            return TextPart(text=text, citations=slot.citations, state=slot.state)
        case "reasoning" if text or slot.state:
            return ReasoningPart(text=text, state=slot.state)
        case "refusal" if text:
            return RefusalPart(text=text)
        case "tool_call" if slot.call is not None:
            return ToolCallPart(
                call_id=slot.call.call_id,
                name=slot.call.name,
                arguments=slot.call.arguments,
                arguments_raw=slot.call.arguments_raw,
                state=slot.state,
            )
        case "server_tool" if slot.tool is not None or slot.state:
            return ServerToolPart(
                call_id=slot.tool.call_id if slot.tool else "",
                name=slot.tool.name if slot.tool else "",
                status=slot.tool.status if slot.tool else "completed",
                detail=slot.detail,
                state=slot.state,
            )
    return None


def _citation(event: Citation) -> dict[str, Any]:
    """A citation as a message keeps it: what is known, with the vendor's own object."""
    known = {
        "kind": event.kind,
        "url": event.url,
        "title": event.title,
        "cited_text": event.cited_text,
        "raw": event.raw,
    }
    return {key: value for key, value in known.items() if value}
