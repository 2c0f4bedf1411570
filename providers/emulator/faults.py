"""How things go wrong on demand: one kind of fault a name.

    before the answer   status, redirect, html, content_type, close_before, reset_before,
                        stall_headers, html_error
    after the work      slow, lost_response (done, and then the answer comes late or not
                        at all)
    within a stream     slow_first_byte, stall, cut, reset, error, garbage, duplicate,
                        drip, endless, big_line

Chosen by the control API, or by the model's name: `MODEL!KIND` and `MODEL!429`.
Faults within a stream happen after a few words were said, so that there is text to keep,
or at the byte `at_byte` of the body; only slow_first_byte comes between the head and the
first event. They befall captured streams as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from providers.emulator.http11 import Reply, Stream
from providers.emulator.pace import Pace
from providers.emulator.state import Fault
from providers.emulator.wire import Errors, Piece, Wire

BEFORE = {
    "status", "redirect", "html", "content_type", "close_before", "reset_before",
    "stall_headers", "html_error",
}  # fmt: skip
INSIDE = {
    "slow_first_byte", "stall", "cut", "reset", "error", "garbage", "duplicate", "drip",
    "endless", "big_line",
}  # fmt: skip
AFTER = {"slow", "lost_response"}
_SAID_FIRST = 3  # pieces of text before a mid-stream fault
_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_BIG_LINE = 10 * 1024 * 1024
_DELIVERY_S = 0.05  # a reset throws away what the peer has not read yet


class Cut(Exception):
    """Close the connection now, without ending the body; with RST if `is_reset`.

    `how`: what is said of the stream, as in `OpenStream.how`.
    """

    def __init__(self, *, is_reset: bool = False, how: str = "fault") -> None:
        super().__init__()
        self.is_reset = is_reset
        self.how = how


def from_name(suffix: str) -> Fault:
    """The fault that a model's suffix names. Raises ValueError."""
    if suffix.isdecimal():
        return check(Fault("status", status=int(suffix)))
    return check(Fault(suffix))


def check(fault: Fault) -> Fault:
    """The same fault. Raises ValueError when there is no such thing."""
    if fault.kind not in BEFORE | AFTER | INSIDE:
        known = ", ".join(sorted(BEFORE | AFTER | INSIDE))
        raise ValueError(f"there is no fault {fault.kind!r}; known: {known}")
    if not 200 <= fault.status <= 599:
        raise ValueError(f"{fault.status} is no status; use 200 to 599")
    return fault


def before(fault: Fault, wire: Errors) -> Reply | None:
    """What is answered instead, if this fault is another answer. May raise Cut."""
    match fault.kind:
        case "status":
            return wire.error(
                fault.status,
                retry_after_s=fault.retry_after_s,
                code=fault.code,
                message=fault.message,
            )
        case "redirect":
            status = fault.status if 300 <= fault.status < 400 else 307
            return Reply(status, {}, {"location": fault.location})
        case "html":
            return Reply(200, headers={"content-type": "text/html"}, body=_PAGE)
        case "html_error":
            headers = {"content-type": "text/html"}
            return Reply(fault.status, headers=headers, body=_PAGE)
        case "content_type":
            return Reply(200, {"unexpected": True})
        case "close_before":
            raise Cut
        case "reset_before":
            raise Cut(is_reset=True)
    return None


async def after(fault: Fault | None) -> None:
    """What happens to the answer of a request that was done. May raise Cut."""
    if fault is not None and fault.kind == "lost_response":
        raise Cut
    if fault is not None and fault.kind == "slow":
        await asyncio.sleep(fault.delay_s)


async def stall_headers(fault: Fault | None) -> None:
    """Silence before the head of an answer, if that is the fault."""
    if fault is not None and fault.kind == "stall_headers":
        await asyncio.sleep(fault.delay_s)


async def inside(
    fault: Fault, pieces: Iterable[Piece], stream: Stream, wire: Wire, pace: Pace
) -> None:
    """Send the answer up to its fault, then what the fault is. May raise Cut."""
    if fault.kind == "slow_first_byte":
        await asyncio.sleep(fault.delay_s)
    planned = list(pieces)
    where, at = _moment(fault, planned)
    for i, piece in enumerate(planned):
        if i == where:
            await stream.send(piece.data[:at])
            if not await _goes_on(fault, piece.data, stream, wire):
                return
        await stream.send(piece.data[at:] if i == where else piece.data)
        await pace.keep(piece)
    await stream.end()


def _moment(fault: Fault, planned: list[Piece]) -> tuple[int, int]:
    """Before which byte of which piece it happens; no piece at all for other kinds."""
    if fault.kind not in INSIDE or fault.kind == "slow_first_byte" or not planned:
        return -1, 0
    if fault.at_byte is not None:
        left = fault.at_byte
        for i, piece in enumerate(planned):
            if left <= len(piece.data):
                return i, left
            left -= len(piece.data)
        return len(planned) - 1, len(planned[-1].data)
    said = [i for i, piece in enumerate(planned) if piece.is_said]
    if not said:
        return len(planned) // 2, 0
    where = said[min(_SAID_FIRST, len(said) - 1)]
    return where, len(planned[where].data) // 2 if fault.kind == "cut" else 0


async def _goes_on(fault: Fault, data: bytes, stream: Stream, wire: Wire) -> bool:
    """Let it happen; whether the answer goes on afterwards."""
    match fault.kind:
        case "stall":
            await asyncio.sleep(fault.delay_s)
        case "garbage":
            await stream.send(b'data: {"this is": not json\n\n')
        case "duplicate":
            await stream.send(data)
        case "big_line":
            await stream.send(b": " + b"x" * _BIG_LINE + b"\n\n")
        case _:
            await _end(fault, data, stream, wire)
            return False
    return True


async def _end(fault: Fault, data: bytes, stream: Stream, wire: Wire) -> None:
    match fault.kind:
        case "cut":
            raise Cut
        case "reset":
            await asyncio.sleep(_DELIVERY_S)
            raise Cut(is_reset=True)
        case "error":
            await stream.send(wire.stream_error(fault.message))
            await stream.end()
        case "drip":
            for byte in data * 30:
                await stream.send(bytes([byte]))
                await asyncio.sleep(0.05)
            raise Cut
        case "endless":
            while True:
                await stream.send(data)
                await asyncio.sleep(0.01)
