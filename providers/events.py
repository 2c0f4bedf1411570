"""Typed events: what a vendor's stream means, in one vocabulary for every dialect.

Decoders (`providers/dialects/`) make them; runs, commands and tests read them. Events
are msgspec structs because one is made per delta: building one costs a tenth of a
dataclass, and the same object encodes straight into the run log and the socket frame.

The grammar of one response:

    response = Started? (delta | state | tool | citation | Usage)* (Finished | StreamError)

`part` numbers the parts of the assistant message that is being written, from 0, in the
order in which they appear; all events of one part carry the same number. Nothing follows
`Finished` or `StreamError`, and exactly one of them ends every response.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

StopReason: TypeAlias = Literal[
    "stop",  # the model said what it had to say
    "length",  # the output limit was reached
    "tool_use",  # the model waits for tool results
    "refusal",  # the model declined
    "content_filter",  # the vendor withheld the answer
    "pause",  # the vendor asks to send the answer back and go on
    "context_full",  # the context window is exhausted
    "cancelled",  # somebody here stopped it
    "other",  # a reason this version does not know; see `stop_reason_raw`
]

# Of one response: no window and no answer is near it, and sums of it stay in a column.
MAX_TOKENS = 100_000_000


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class _Event(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake, gc=False
):
    """Base of all events; `type` on the wire is the class name in snake case."""


class Started(_Event, frozen=True):
    """The vendor accepted the request and named its response."""

    response_id: str = ""
    model: str = ""


class TextDelta(_Event, frozen=True):
    """More visible text of part `part`."""

    text: str
    part: int = 0


class ReasoningDelta(_Event, frozen=True):
    """More of the reasoning (or its summary) that the vendor lets us see."""

    text: str
    part: int = 0


class OpaqueState(_Event, frozen=True):
    """Vendor state that must be sent back unchanged, in the place of part `part`.

    `kind` names the part it belongs to, which may exist for nothing but this state (a
    redacted thinking block, an empty text part with a signature). `state` is opaque to
    everyone but the dialect that made it. A later state of the same part replaces keys.
    """

    part: int
    kind: Literal["text", "reasoning", "tool_call", "server_tool"]
    state: dict[str, Any]


class ToolCallStarted(_Event, frozen=True):
    """The model began to ask for a tool; arguments are still on their way."""

    part: int
    call_id: str
    name: str


class ToolCallDelta(_Event, frozen=True):
    """A fragment of the JSON text of a call's arguments: for display, never to parse."""

    part: int
    call_id: str
    text: str


class ToolCallReady(_Event, frozen=True):
    """The model asks for a tool. `arguments` is parsed and whole, never half a call.

    `arguments_raw` is set, and `arguments` empty, when the vendor closed the call with
    something that is not a JSON object; such a call must be answered with a correction,
    never run.
    """

    part: int
    call_id: str
    name: str
    arguments: dict[str, Any]
    arguments_raw: str | None = None


class RefusalDelta(_Event, frozen=True):
    """Text in which the model declines, kept apart from the answer."""

    text: str
    part: int = 0


class Citation(_Event, frozen=True):
    """A source the vendor gives for text of part `part`. `raw` is the vendor's object."""

    part: int
    kind: str
    url: str = ""
    title: str = ""
    cited_text: str = ""
    raw: dict[str, Any] = {}


class ServerTool(_Event, frozen=True):
    """A tool that the vendor ran itself. Sent again with the same part as it proceeds.

    `name` is the vendor's type (`web_search_call`, `server_tool_use` …), `status` is
    `running`, `completed` or `failed`, `detail` what may be shown (query, code, output).
    """

    part: int
    call_id: str
    name: str
    status: Literal["running", "completed", "failed"]
    detail: dict[str, Any] = {}


class Usage(_Event, frozen=True):
    """Tokens of this response so far: cumulative, the last one counts.

    Normalised: `input_tokens` includes cached tokens, `output_tokens` includes reasoning
    tokens; None where the vendor does not say. `raw` is the vendor's own object.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    raw: dict[str, Any] = {}


class Finished(_Event, frozen=True):
    """The vendor said that the response is over: its terminal event arrived."""

    stop_reason: StopReason
    stop_reason_raw: str | None = None
    detail: dict[str, Any] = {}


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as data: what `providers.errors` turns into an exception and back.

    `kind` is the name of the class in the error tree; `message` is fit for a user and
    free of secrets; `vendor_type` and `vendor_code` are the vendor's own words;
    `retry_after_s` seconds; `status` the HTTP status, None inside a stream.
    """

    kind: str
    message: str
    provider: str = ""
    status: int | None = None
    vendor_type: str | None = None
    vendor_code: str | None = None
    vendor_message: str | None = None
    request_id: str | None = None
    retry_after_s: float | None = None


class StreamError(_Event, frozen=True):
    """The response broke: an error inside the stream, or its end without an end event.

    What arrived before stays valid. Iterating a `ChatStream` raises it as an exception.
    `stop_reason_raw` is the vendor's own word for such an end, where it has one.
    """

    error: ErrorInfo
    stop_reason_raw: str | None = None


Event: TypeAlias = (
    Started
    | TextDelta
    | ReasoningDelta
    | OpaqueState
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallReady
    | RefusalDelta
    | Citation
    | ServerTool
    | Usage
    | Finished
    | StreamError
)

TERMINAL = (Finished, StreamError)
