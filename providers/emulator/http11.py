"""As much HTTP/1.1 as the emulator needs, on asyncio streams. RFC 9112.

Own code instead of a framework, because a fault is often a wrong byte at this level: a
body cut in mid-chunk, a reset, a header that never comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
MAX_BODY = 32 * 1024 * 1024  # Anthropic's limit; the others publish none


class Gone(Exception):
    """The client went away."""


class TooLarge(Exception):
    """A body of more than `MAX_BODY`; it was not read. Carries its request."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


@dataclass(slots=True)
class Request:
    """One request; header names in lower case, `path` without the query."""

    method: str
    path: str
    query: dict[str, str]
    target: str
    headers: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(slots=True)
class Reply:
    """A whole answer."""

    status: int
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def encoded(self) -> bytes:
        """Status line, headers and body."""
        body = json.dumps(self.data).encode() if self.body is None else self.body
        headers = {"content-type": "application/json", **self.headers}
        headers["content-length"] = str(len(body))
        return head(self.status, headers) + body


def head(status: int, headers: dict[str, str]) -> bytes:
    """Status line and headers."""
    reason = _PHRASES.get(status, "Overloaded" if status == 529 else "Status")
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def read_request(
    reader: asyncio.StreamReader, begun: bytes = b""
) -> Request | None:
    """The next request of a connection, None at its end. `begun`: what was read of it.

    Raises TooLarge.
    """
    try:
        raw = begun + await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
        return None
    lines = raw.decode("latin-1").split("\r\n")
    method, target, _ = (*lines[0].split(" "), "", "")[:3]
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    parts = urlsplit(target)
    request = Request(
        method, unquote(parts.path), dict(parse_qsl(parts.query)), target, headers
    )
    if "chunked" in headers.get("transfer-encoding", "").lower():
        request.body = await _chunks(reader, request)
    length = headers.get("content-length", "0")
    size = int(length) if length.isdecimal() else 0
    if size > MAX_BODY:
        raise TooLarge(request)
    if size and not request.body:
        request.body = await reader.readexactly(size)
    return request


async def _chunks(reader: asyncio.StreamReader, request: Request) -> bytes:
    """A chunked body, joined. Raises TooLarge, ValueError for a size that is none."""
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        if size < 0 or len(body) + size > MAX_BODY:
            raise TooLarge(request)
        body += await reader.readexactly(size + 2)
        del body[-2:]
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return bytes(body)


async def forget(reader: asyncio.StreamReader, within_s: float = 5.0) -> None:
    """Read on and throw away, so that the client can read what it was told."""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(within_s):
            while await reader.read(1 << 16):
                pass


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a crashed peer does."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        linger = struct.pack("ii", 1, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class Stream:
    """A chunked answer on its way; every write is flushed at once."""

    def __init__(self, writer: asyncio.StreamWriter, piece_bytes: int = 0) -> None:
        self._writer = writer
        self.piece_bytes = piece_bytes

    async def begin(self, headers: dict[str, str], status: int = 200) -> None:
        """Send the head."""
        await self._flush(head(status, {**headers, "transfer-encoding": "chunked"}))

    async def send(self, data: bytes) -> None:
        """Send some of the body, as one chunk or as many small ones."""
        size = self.piece_bytes or len(data)
        for start in range(0, len(data), max(size, 1)):
            piece = data[start : start + size]
            await self._flush(b"%x\r\n%s\r\n" % (len(piece), piece))
            if self.piece_bytes:
                await asyncio.sleep(0)

    async def end(self) -> None:
        """The body is complete."""
        await self._flush(b"0\r\n\r\n")

    async def _flush(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise Gone
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            raise Gone from None
