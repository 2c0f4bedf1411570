"""Daphne with a limit on request bodies: what is too large is refused as it comes in.

Daphne keeps a whole body, on disk and again in memory, before it calls the application;
`maestro/body_limit.py` alone would come too late. Used by `maestro/web.py`.
"""

from __future__ import annotations

from typing import Any

from daphne import server  # isort: skip  (chooses Twisted's reactor)
from daphne import http_protocol
from twisted.internet import reactor

from maestro.body_limit import refusal

_reactor: Any = reactor  # its stubs know less than it does

# How long a refused client may go on sending, in seconds: if the connection were closed
# at once, most clients would see a reset instead of the answer (RFC 9112, section 9.6).
LINGER_S = 30


class LimitedRequest(http_protocol.WebRequest):  # type: ignore[misc]
    """Answers 413 for a body larger than the server's limit, and forgets the body."""

    _size = 0
    _is_refused = False
    _end: Any = None

    def gotLength(self, length: int | None) -> None:
        """The head is here; `length` is None for a chunked body."""
        is_too_large = length is not None and length > self.server.max_body_bytes
        super().gotLength(0 if is_too_large else length)
        if is_too_large:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body."""
        self._size += len(data)
        if not self._is_refused and self._size > self.server.max_body_bytes:
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
        headers, body = refusal(self.server.max_body_bytes)
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


class LimitedServer(server.Server):  # type: ignore[misc]
    """Daphne's server; `max_body_bytes` is the largest body it takes."""

    def __init__(self, *, max_body_bytes: int, **options: Any) -> None:
        super().__init__(**options)
        self.max_body_bytes = max_body_bytes

    def run(self) -> None:
        """Serve until SIGTERM."""
        # `run` makes the factory itself and asks nobody which one.
        server.HTTPFactory = LimitedFactory
        super().run()
