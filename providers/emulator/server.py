"""The server: connections, requests, and what is sent back.

One asyncio task a connection, keep-alive, no threads: hundreds of streams cost little.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from providers.emulator import faults, replay, routes
from providers.emulator.control import PREFIX, control
from providers.emulator.http11 import (
    Gone,
    Reply,
    Request,
    Stream,
    TooLarge,
    read_request,
)
from providers.emulator.state import Fault, State
from providers.emulator.wire import Turn, Wire


class Emulator:
    """Serves `state`. `start()` returns the port; `serve_forever()` until cancelled."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port, also when it was 0."""
        self._server = await asyncio.start_server(
            self._connection, host, port, backlog=1024, limit=1 << 20
        )
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def serve_forever(self) -> None:
        """Until the task is cancelled."""
        assert self._server is not None, "call start() first"
        await self._server.serve_forever()

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        begun = b""
        try:
            while (request := await read_request(reader, begun)) is not None:
                begun = await self._answer(request, reader, writer)
                if request.headers.get("connection", "").lower() == "close":
                    break
        except TooLarge:
            with contextlib.suppress(ConnectionError):
                await _send(writer, Reply(413, {"error": {"message": "too large"}}))
        except (Gone, faults.Cut, ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            pass  # the server ends; asyncio would report it as a fault
        finally:
            with contextlib.suppress(Exception):
                writer.close()

    async def _answer(
        self,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bytes:
        """Answer; what came meanwhile of the next request, mostly nothing."""
        if request.path.startswith(PREFIX):
            return await _send(writer, control(request, self.state))
        self.state.remember(request)
        found = routes.chat(request)
        if found is not None:
            return await self._chat(request, *found, reader, writer)
        fault = self.state.fault_for(request.path)
        await faults.stall_headers(fault)
        reply = faults.before(fault, _wire_of(request)) if fault else None
        return await _send(writer, reply or _plain_reply(request))

    async def _chat(
        self,
        request: Request,
        wire: Wire,
        dialect: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bytes:
        try:
            fault, model = self._fault(request)
        except ValueError as exc:  # a model's suffix that names no fault
            return await _send(writer, Reply(400, {"error": {"message": str(exc)}}))
        reply = faults.before(fault, wire) if fault else None
        if reply is not None:
            return await _send(writer, reply)
        if self.state.replays or model.startswith("replay:"):
            return await self._replay(request, dialect, model, wire, reader, writer)
        turn = _turn(wire, request, self.state)
        if isinstance(turn, Turn) and turn.streams:
            return await self._stream(request, turn, wire, fault, reader, writer)
        await faults.stall_headers(fault)
        if isinstance(turn, Turn):
            whole = wire.whole(turn, self.state)
            turn = Reply(200, whole, dict(_plain(wire.headers)))
        return await _send(writer, turn)

    def _fault(self, request: Request) -> tuple[Fault | None, str]:
        """The fault of this request, queued or named by its model; and the plain model."""
        data = request.json()
        model = str(data.get("model", "")) if isinstance(data, dict) else ""
        if ":" in request.path:
            model = request.path.rsplit("/", 1)[1].partition(":")[0]
        name, mark, suffix = model.partition("!")
        if not mark:
            return self.state.fault_for(request.path), model
        request.body = request.body.replace(f'"{model}"'.encode(), f'"{name}"'.encode())
        request.path = request.path.replace(model, name)
        return faults.from_name(suffix), name

    async def _stream(
        self,
        request: Request,
        turn: Turn,
        wire: Wire,
        fault: Fault | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bytes:
        stream = Stream(writer, turn.answer.piece_bytes)
        pace = self.state.pace if turn.answer.pace is None else turn.answer.pace
        pause_s = 1 / pace if pace else 0.0

        async def speak() -> None:
            await faults.stall_headers(fault)
            await stream.begin(wire.headers)
            pieces = wire.pieces(turn, self.state)
            if fault is not None:
                return await faults.inside(fault, pieces, stream, wire, pause_s)
            said = 0
            for data, is_said in pieces:
                if is_said and turn.answer.stall_s and said == 2:
                    await asyncio.sleep(turn.answer.stall_s)
                await stream.send(data)
                said += is_said
                if is_said and pause_s:
                    await asyncio.sleep(pause_s)
            await stream.end()

        return await self._watched(request.path, turn.model, speak, reader)

    async def _replay(
        self,
        request: Request,
        dialect: str,
        model: str,
        wire: Wire,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bytes:
        queued = self.state.replays.pop(0) if self.state.replays else ""
        name = queued or model.removeprefix("replay:")
        path = replay.find(self.state.replay_dir, dialect, name)
        if path is None:
            return await _send(writer, wire.error(404))
        body = path.read_bytes()

        async def speak() -> None:
            stream = Stream(writer)
            await stream.begin(wire.headers)
            for piece in replay.pieces(body, self.state.replay_piece):
                await stream.send(piece)
                await asyncio.sleep(0)
            await stream.end()

        return await self._watched(request.path, model, speak, reader)

    async def _watched(
        self,
        path: str,
        model: str,
        speak: Callable[[], Coroutine[Any, Any, None]],
        reader: asyncio.StreamReader,
    ) -> bytes:
        """Stream, and notice at once when the client goes away, also while silent.

        Returns what the watch has read of the next request.
        """
        seen = self.state.open_stream(path, model)
        speaking = asyncio.ensure_future(speak())
        watching = asyncio.ensure_future(_first_byte(reader))
        try:
            await asyncio.wait(
                {speaking, watching}, return_when=asyncio.FIRST_COMPLETED
            )
            if not speaking.done() and not watching.result():
                speaking.cancel()
                seen.how = "client_closed"
                raise Gone
            await speaking
            seen.how = "finished"
            return watching.result() if watching.done() else b""
        except Gone:
            seen.how = "client_closed"
            raise
        except faults.Cut:
            seen.how = "fault"
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


def _turn(wire: Wire, request: Request, state: State) -> Turn | Reply:
    """The turn; a body of a form that no wire expects is refused as invalid."""
    try:
        return wire.understand(request, state)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return wire.error(400)


def _plain_reply(request: Request) -> Reply:
    try:
        return routes.plain(request)
    except ValueError:
        return _wire_of(request).error(400)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bytes:
    writer.write(reply.encoded())
    await writer.drain()
    return b""


def _plain(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "content-type"}


def _wire_of(request: Request) -> Wire:
    """The wire whose error bodies a plain endpoint uses."""
    kind = request.path.split("/")[1]
    probe = {
        "anthropic": "/anthropic/v1/messages",
        "gemini": "/gemini/v1beta/models/x:generateContent",
    }.get(kind, "/openai/v1/responses")
    found = routes.chat(Request("POST", probe, {}, probe, {}))
    assert found is not None, probe
    return found[0]


async def run(
    state: State, host: str, port: int, announce: Callable[[int], None]
) -> None:
    """Serve until SIGTERM or SIGINT."""
    emulator = Emulator(state)
    announce(await emulator.start(host, port))
    serving = asyncio.ensure_future(emulator.serve_forever())
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def write_port(path: Path | None, port: int) -> None:
    """Tell the port to whoever waits for the file; whole or not at all."""
    if path is not None:
        draft = path.with_suffix(".draft")
        draft.write_text(str(port), encoding="ascii")
        draft.replace(path)
