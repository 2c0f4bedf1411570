"""The server: connections, requests, and what is sent back.

One asyncio task a connection, keep-alive, no threads: hundreds of streams cost little.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from providers.emulator import faults, http11, routes
from providers.emulator.control import PREFIX, control
from providers.emulator.conversation import converse
from providers.emulator.http11 import Gone, Reply, Request, TooLarge, read_request
from providers.emulator.state import State


class Emulator:
    """Serves `state` from `start()`, which returns the port, to `close()`."""

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

    def close(self) -> None:
        """Listen no more. Connections end with their tasks."""
        if self._server is not None:
            self._server.close()

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        begun = b""
        try:
            while (request := await read_request(reader, begun)) is not None:
                begun = await self._answer(request, reader, writer)
                if request.headers.get("connection", "").lower() == "close":
                    break
        except TooLarge as exc:
            with contextlib.suppress(ConnectionError):
                await _send(writer, routes.wire_of(exc.request).error(413))
                await http11.forget(reader)
        except faults.Cut as cut:
            if cut.is_reset:
                http11.reset(writer)
        except (Gone, ConnectionError, asyncio.IncompleteReadError, ValueError):
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
        if self.state.has_control and request.path.startswith(PREFIX):
            return await _send(writer, control(request, self.state))
        self.state.remember(request)
        found = routes.chat(request)
        if found is None:
            return await _send(writer, await self._plain(request))
        wire, dialect = found
        answered = await converse(request, wire, dialect, self.state, reader, writer)
        if isinstance(answered, bytes):
            return answered
        return await _send(writer, answered)

    async def _plain(self, request: Request) -> Reply:
        """A model list, a count, a step of a login, or nothing of that kind."""
        fault = self.state.fault_for(request)
        await faults.stall_headers(fault)
        wire = routes.wire_of(request)
        instead = faults.before(fault, wire) if fault else None
        if instead is not None:
            return instead
        try:
            reply = routes.plain(request, self.state)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            reply = wire.error(400)
        await faults.after(fault)
        return reply


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bytes:
    writer.write(reply.encoded())
    await writer.drain()
    return b""


async def run(
    state: State, host: str, port: int, announce: Callable[[int], None]
) -> int:
    """Serve until SIGTERM or SIGINT; the signal."""
    emulator = Emulator(state)
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(signum: int) -> None:
        if not ended.done():
            ended.set_result(signum)

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, end, signum)
    announce(await emulator.start(host, port))
    try:
        return await ended
    finally:
        emulator.close()


def write_port(path: Path | None, port: int) -> None:
    """Tell the port to whoever waits for the file; whole or not at all."""
    if path is not None:
        draft = path.with_suffix(".draft")
        draft.write_text(str(port), encoding="ascii")
        draft.replace(path)
