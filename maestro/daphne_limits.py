"""Daphne with a limit on request bodies: what is too large is refused as it comes in.

Daphne keeps a whole body, on disk and again in memory, before it calls the application;
`maestro/body_limit.py` alone would come too late. Used by `maestro/web.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from daphne import server  # isort: skip  (chooses Twisted's reactor)
from daphne import http_protocol, ws_protocol
from twisted.internet import defer, reactor

from maestro.body_limit import Limits, refusal

_reactor: Any = reactor  # its stubs know less than it does

FAREWELL_S = 2.0
# Pings of a quiet socket, in seconds: proxies cut what is silent for longer.
PING_S = 20
SERVERS_CODES = frozenset({1001, 1008, 1009, 1011, 1012, 1013})

# Messages of one socket that the application has not taken yet, and how often to look
# whether it has, in seconds.
MAX_WAITING = 256
LOOK_AGAIN_S = 0.02

# How long a refused client may go on sending, in seconds: if the connection were closed
# at once, most clients would see a reset instead of the answer (RFC 9112, section 9.6).
LINGER_S = 30


class LimitedRequest(http_protocol.WebRequest):  # type: ignore[misc]
    """Answers 413 for a body larger than the server's limit, and forgets the body."""

    _size = 0
    _limit = 0
    _is_refused = False
    _end: Any = None

    def gotLength(self, length: int | None) -> None:
        """The head is here; `length` is None for a chunked body."""
        path = getattr(self.channel, "_path", b"")  # Twisted parses it later
        self._limit = self.server.limits.of(path.decode("ascii", "replace"))
        is_too_large = length is not None and length > self._limit
        super().gotLength(0 if is_too_large else length)
        if is_too_large:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body."""
        self._size += len(data)
        if not self._is_refused and self._size > self._limit:
            self._refuse()
        if not self._is_refused:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The body is over."""
        if self._is_refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Any) -> None:
        """The client is gone."""
        if self._end is not None and self._end.active():
            self._end.cancel()
        super().connectionLost(reason)

    def _refuse(self) -> None:
        self._is_refused = True
        if self.content is not None:
            self.content.seek(0)
            self.content.truncate()
        headers, body = refusal(self._limit)
        lines = [b"HTTP/1.1 413 Content Too Large"]
        lines += [name + b": " + value for name, value in headers]
        self.channel.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        self._end = _reactor.callLater(LINGER_S, self.channel.loseConnection)


class LimitedFactory(http_protocol.HTTPFactory):  # type: ignore[misc]
    """Connections whose requests are limited."""

    def buildProtocol(self, addr: Any) -> Any:
        """One connection."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = LimitedRequest
        return protocol


class ClosingSocket(ws_protocol.WebSocketProtocol):  # type: ignore[misc]
    """Closes with the codes of RFC 6455 and its registry, too: autobahn keeps those from
    applications (1008, 1009, 1011, 1012, 1013), and Daphne's sockets are no browser's.

    And reads no faster than the application takes: Daphne's queue has no bound, so that
    a flood would be kept in memory while the application has its first look at it.
    """

    maxMessagePayloadSize: int
    _is_resting = False

    def sendMessage(self, *args: Any, **options: Any) -> None:
        """A whole message goes out. The limit is for what comes in; autobahn holds it
        against us, too, and would not send a long answer or a large context."""
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*args, **options)
        finally:
            self.maxMessagePayloadSize = limit

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """A whole message came in. What comes after a close is for nobody."""
        if self.state != self.STATE_OPEN:
            return
        super().onMessage(payload, isBinary)
        if not self._is_resting and self.application_queue.qsize() > MAX_WAITING:
            self._is_resting = True
            self.transport.pauseProducing()
            self._go_on()

    def _go_on(self) -> None:
        """Read again once most of it was taken, or when it is closed anyway."""
        if self.state == self.STATE_CLOSED:
            return
        is_open = self.state == self.STATE_OPEN
        if is_open and self.application_queue.qsize() > MAX_WAITING // 2:
            _reactor.callLater(LOOK_AGAIN_S, self._go_on)
            return
        self._is_resting = False
        self.transport.resumeProducing()

    def serverClose(self, code: int | None = None) -> None:
        """The application closes the socket."""
        if code in SERVERS_CODES and self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, isReply=False)
        else:
            super().serverClose(code)


class ClosingFactory(ws_protocol.WebSocketFactory):  # type: ignore[misc]
    """Makes them."""

    protocol = ClosingSocket


class LimitedServer(server.Server):  # type: ignore[misc]
    """Daphne's server; `limits` says how large a body may be.

    `on_stop` is awaited after SIGTERM, before the applications are cancelled, for a
    moment at most: what it sends still goes out.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        on_stop: Callable[[], Awaitable[None]],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.limits = limits
        self._on_stop = on_stop

    def kill_all_applications(self) -> Any:
        """Let them say farewell first."""
        last_words = asyncio.ensure_future(asyncio.wait_for(self._say(), FAREWELL_S))
        said = defer.Deferred.fromFuture(last_words)
        said.addErrback(lambda failure: None)
        said.addCallback(lambda _: super(LimitedServer, self).kill_all_applications())
        return said

    async def _say(self) -> None:
        await self._on_stop()
        await asyncio.sleep(0.1)  # until the frames have left

    def run(self) -> None:
        """Serve until SIGTERM."""
        # `run` makes the factory itself and asks nobody which one.
        server.HTTPFactory = LimitedFactory
        server.WebSocketFactory = ClosingFactory
        super().run()
