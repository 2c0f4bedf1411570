"""How things go wrong on demand: one kind of fault a name.

    before the answer   status, redirect, html, content_type, reset_before, stall_headers
    within a stream     slow_first_byte, stall, cut, reset, error, garbage, duplicate,
                        drip, endless, big_line

Chosen by the control API, or by the model's name: `MODEL!KIND` and `MODEL!429`.
Faults within a stream happen after a few words were said, so that there is text to keep;
only slow_first_byte comes between the head and the first event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from providers.emulator.http11 import Reply, Stream
from providers.emulator.state import Fault
from providers.emulator.wire import Piece, Wire

BEFORE = {
    "status", "redirect", "html", "content_type", "reset_before", "stall_headers",
}  # fmt: skip
INSIDE = {
    "slow_first_byte", "stall", "cut", "reset", "error", "garbage", "duplicate", "drip",
    "endless", "big_line",
}  # fmt: skip
_SAID_FIRST = 3  # pieces of text before a mid-stream fault
_BIG_LINE = 10 * 1024 * 1024


class Cut(Exception):
    """Close the connection now, without ending the body."""


def from_name(suffix: str) -> Fault:
    """The fault that a model's suffix names. Raises ValueError."""
    if suffix.isdigit():
        return Fault("status", status=int(suffix))
    return check(Fault(suffix))


def check(fault: Fault) -> Fault:
    """The same fault. Raises ValueError when there is no such kind."""
    if fault.kind not in BEFORE | INSIDE:
        known = ", ".join(sorted(BEFORE | INSIDE))
        raise ValueError(f"there is no fault {fault.kind!r}; known: {known}")
    return fault


def before(fault: Fault, wire: Wire) -> Reply | None:
    """What is answered instead, if this fault is another answer. May raise Cut."""
    match fault.kind:
        case "status":
            return wire.error(fault.status, fault.retry_after_s)
        case "redirect":
            status = fault.status if 300 <= fault.status < 400 else 307
            return Reply(status, {}, {"location": fault.location})
        case "html":
            page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
            return Reply(200, headers={"content-type": "text/html"}, body=page)
        case "content_type":
            return Reply(200, {"unexpected": True})
        case "reset_before":
            raise Cut
    return None


async def stall_headers(fault: Fault | None) -> None:
    """Silence before the head of an answer, if that is the fault."""
    if fault is not None and fault.kind == "stall_headers":
        await asyncio.sleep(fault.delay_s)


async def inside(
    fault: Fault, pieces: Iterable[Piece], stream: Stream, wire: Wire, pause_s: float
) -> None:
    """Send the answer up to its fault, then what the fault is. May raise Cut."""
    said = 0
    if fault.kind == "slow_first_byte":
        await asyncio.sleep(fault.delay_s)
    is_pending = fault.kind not in (*BEFORE, "slow_first_byte")
    for data, is_said in pieces:
        if is_pending and is_said and said >= _SAID_FIRST:
            await _happen(fault, data, stream, wire)
            if fault.kind in ("garbage", "duplicate", "big_line", "stall"):
                is_pending = False  # it happened; go on to the end
            else:
                return
        if fault.at_byte is not None and is_said:
            await stream.send(data[: fault.at_byte])
            raise Cut
        await stream.send(data)
        said += is_said
        if is_said and pause_s:
            await asyncio.sleep(pause_s)
    await stream.end()


async def _happen(fault: Fault, data: bytes, stream: Stream, wire: Wire) -> None:
    match fault.kind:
        case "stall":
            await asyncio.sleep(fault.delay_s)
        case "cut":
            await stream.send(data[: len(data) // 2])
            raise Cut
        case "reset":
            stream.reset()
            raise Cut
        case "error":
            await stream.send(wire.stream_error())
            await stream.end()
        case "garbage":
            await stream.send(b'data: {"this is": not json\n\n')
        case "duplicate":
            await stream.send(data)
        case "big_line":
            await stream.send(b": " + b"x" * _BIG_LINE + b"\n\n")
        case "drip":
            for byte in data * 30:
                await stream.send(bytes([byte]))
                await asyncio.sleep(0.05)
            raise Cut
        case "endless":
            while True:
                await stream.send(data)
                await asyncio.sleep(0.01)
