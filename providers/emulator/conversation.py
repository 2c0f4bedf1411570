"""One chat request: its fault, its captured stream or its turn, whole or streamed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Coroutine, Iterable
from typing import Any

from providers.emulator import faults, oauth_gate, replay
from providers.emulator.http11 import Gone, Reply, Request, Stream
from providers.emulator.pace import Pace
from providers.emulator.state import Fault, OpenStream, State
from providers.emulator.wire import Piece, Turn, Wire


async def converse(
    request: Request,
    wire: Wire,
    dialect: str,
    state: State,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> Reply | bytes:
    """The reply to send; or what was read of the next request, after a stream.

    Raises Gone when the client goes away, faults.Cut when it has to.
    """
    try:
        fault, model = _fault(request, state)
    except ValueError as exc:  # a model's suffix that names no fault
        return wire.error(400, message=str(exc))
    reply = faults.before(fault, wire) if fault else None
    if reply is not None:
        return reply
    stream = Stream(writer)
    seen = OpenStream(0, request.path, model, 0.0)
    pace = Pace(seen)
    if state.replays or model.startswith("replay:"):
        pieces = replay.captured(state, dialect, model)
        if pieces is None:
            return wire.error(404, message="There is no captured stream of that name.")
    else:
        turn = _turn(wire, request, state)
        await faults.after(fault)
        if isinstance(turn, Reply) or not turn.streams:
            await faults.stall_headers(fault)
            return turn if isinstance(turn, Reply) else _whole(wire, turn, state)
        pieces = wire.pieces(turn, state)
        pace = Pace(seen, state.pace, turn.answer)
        stream.piece_bytes = turn.answer.piece_bytes
    state.open_stream(seen)
    return await _watched(seen, _play(pieces, stream, pace, fault, wire), reader)


async def _play(
    pieces: Iterable[Piece],
    stream: Stream,
    pace: Pace,
    fault: Fault | None,
    wire: Wire,
) -> None:
    await faults.stall_headers(fault)
    await stream.begin(wire.headers)
    if fault is not None:
        return await faults.inside(fault, pieces, stream, wire, pace)
    for piece in pieces:
        await stream.send(piece.data)
        await pace.keep(piece)
    await stream.end()


def _fault(request: Request, state: State) -> tuple[Fault | None, str]:
    """The fault of this request, queued or named by its model; and the plain model.

    A suffix is taken out of the request. Raises ValueError for one that is no fault.
    """
    body = request.json()
    model = str(body.get("model", "")) if isinstance(body, dict) else ""
    is_in_path = ":" in request.path
    if is_in_path:
        model = request.path.rsplit("/", 1)[1].rpartition(":")[0]
    name, mark, suffix = model.partition("!")
    if not mark:
        return state.fault_for(request, model), model
    if is_in_path:
        request.path = request.path.replace(model, name)
    else:
        request.body = json.dumps({**body, "model": name}).encode()
    return faults.from_name(suffix), name


def _turn(wire: Wire, request: Request, state: State) -> Turn | Reply:
    """The turn; a body of a form that no wire expects is refused as invalid."""
    try:
        return oauth_gate.refuse(request, state.oauth) or wire.understand(
            request, state
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return wire.error(400)


def _whole(wire: Wire, turn: Turn, state: State) -> Reply:
    if turn.answer.error is not None:
        return wire.error(500, message=turn.answer.error)
    headers = {
        name: value
        for name, value in wire.headers.items()
        if name not in ("content-type", "cache-control")
    }
    return Reply(200, wire.whole(turn, state), headers)


async def _watched(
    seen: OpenStream,
    speak: Coroutine[Any, Any, None],
    reader: asyncio.StreamReader,
) -> bytes:
    """Stream, and notice at once when the client goes away, also while silent.

    Returns what the watch has read of the next request.
    """
    speaking = asyncio.ensure_future(speak)
    watching = asyncio.ensure_future(_first_byte(reader))
    try:
        await asyncio.wait({speaking, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not speaking.done() and not watching.result():
            raise Gone
        await speaking
        seen.how = "finished"
        return watching.result() if watching.done() else b""
    except Gone:
        seen.how = "client_closed"
        raise
    except faults.Cut as cut:
        seen.how = cut.how
        raise
    finally:
        seen.ended_at = time.time()
        await _settle(watching)
        await _settle(speaking)


async def _first_byte(reader: asyncio.StreamReader) -> bytes:
    """What comes next from the client; nothing when it has gone, however it went."""
    try:
        return await reader.read(1)
    except ConnectionError:
        return b""


async def _settle(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task
