"""Reads one answer's body: promptly, in bounded pieces, never longer than asked to wait.

Made by `response.py` from a `requests` response whose headers have come. `SocketBody`
takes bytes straight from the connection without blocking, which is what lets a reader
collect "all that arrived" and be woken by a shutdown; `PlainBody` is for answers that
have no plain socket below them (TLS inside a TLS proxy; mocked answers in tests).
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import Any, Protocol

from providers.errors import ProtocolError, StreamCut
from providers.http.framing import Chunked, Counted, Framing, Inflate, UntilClose

_READ_SIZE = 64 * 1024


class Body(Protocol):
    """The body of one answer. Not thread-safe; one reader."""

    is_complete: bool  # the body ended as its framing said
    can_drain: bool  # read(0) is possible: it returns what came, without waiting

    def read(self, wait_s: float) -> bytes:
        """What is there, else what comes first within `wait_s`, else b"".

        b"" with `is_complete` is the end. Raises StreamCut, ProtocolError.
        """
        ...

    def release(self) -> bool:
        """Give the connection back to its pool, if it is at its end and reusable."""
        ...


def body_of(raw: Any) -> Body:
    """The right reader for `requests.Response.raw`."""
    buffered = getattr(getattr(raw, "_fp", None), "fp", None)
    # Not the connection's own reference: `http.client` drops that one at once when the
    # answer says "Connection: close".
    sock = getattr(getattr(buffered, "raw", None), "_sock", None)
    if isinstance(sock, socket.socket):
        return SocketBody(raw, sock, buffered)
    return PlainBody(raw)


class SocketBody:
    """Non-blocking reads from the connection's socket, plain or TLS."""

    can_drain = True

    def __init__(self, raw: Any, sock: socket.socket, buffered: Any) -> None:
        self._raw = raw
        self._sock = sock
        self._framing = _framing(raw)
        self._inflate = _inflate(raw)
        self._timeout = sock.gettimeout()
        self.is_complete = self._framing.is_complete
        # The header reader may have taken body bytes along; without blocking, read1
        # hands out exactly those.
        sock.settimeout(0)
        try:
            self._first = buffered.read1(_READ_SIZE) or b""
        except (BlockingIOError, ssl.SSLWantReadError):
            self._first = b""

    def read(self, wait_s: float) -> bytes:
        deadline = time.monotonic() + wait_s
        while True:
            if self._inflate is not None and self._inflate.has_more:
                text = self._inflate.feed(b"")
            elif self.is_complete:
                return b""
            else:
                wire = self._take()
                if wire is None:
                    if not self._wait(deadline - time.monotonic()):
                        return b""
                    continue
                text = self._unframe(wire)
            if text:
                return text

    def release(self) -> bool:
        if not self._is_reusable():
            return False
        self._sock.settimeout(self._timeout)
        fp = self._raw._fp
        fp.close()  # http.client then knows that its answer is read
        self._raw.release_conn()
        return True

    def _is_reusable(self) -> bool:
        return (
            self._framing.is_complete
            and not isinstance(self._framing, UntilClose)
            and not getattr(self._raw._fp, "will_close", True)
        )

    def _take(self) -> bytes | None:
        """Bytes of the connection, b"" at its end, None when none are there now."""
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            return self._sock.recv(_READ_SIZE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except (OSError, ValueError):  # reset, or a TLS layer that was cut off
            raise _cut() from None

    def _unframe(self, wire: bytes) -> bytes:
        if not wire:
            if not isinstance(self._framing, UntilClose):
                raise _cut()
            self.is_complete = True
            return b""
        data = self._framing.feed(wire)
        self.is_complete = self._framing.is_complete
        return data if self._inflate is None else self._inflate.feed(data)

    def _wait(self, wait_s: float) -> bool:
        if wait_s <= 0:
            return False
        poll = select.poll()
        try:
            poll.register(self._sock, select.POLLIN)
        except ValueError:  # closed under our feet by its owner
            raise _cut() from None
        return bool(poll.poll(wait_s * 1000))


class PlainBody:
    """Through urllib3's own reader: prompt, but it blocks; the socket's timeout rules."""

    can_drain = False

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.is_complete = False

    def read(self, wait_s: float) -> bytes:
        if self.is_complete or wait_s <= 0:
            return b""
        is_late = is_broken = False
        data: bytes = b""
        try:
            data = self._raw.read1(_READ_SIZE, decode_content=True) or b""
        except Exception as exc:  # urllib3 has a dozen; we know two things about them
            is_late = "Timeout" in type(exc).__name__
            is_broken = not is_late
        if is_broken:
            raise _cut()
        if not data and not is_late:
            self.is_complete = True
        return data

    def release(self) -> bool:
        return False


def _framing(raw: Any) -> Framing:
    if raw.chunked:
        return Chunked()
    if raw.length_remaining is not None:
        return Counted(raw.length_remaining)
    return UntilClose()


def _inflate(raw: Any) -> Inflate | None:
    coding = raw.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip", "deflate"):
        return Inflate(coding)
    raise ProtocolError(
        "The provider compressed its answer in a way it was not asked for."
    )


def _cut() -> StreamCut:
    return StreamCut(
        "The connection to the provider broke before the end of the answer. What "
        "arrived is kept; try again for the whole answer.",
        vendor_type="connection_broken",
    )
