"""The layers between socket and body, sans-IO: chunked coding and compression.

Used by `body.py`. Chunks are taken apart here and not by `http.client`, because its
reader blocks for the *next* chunk's size while bytes that already came wait (RFC 9112
section 7.1). Compression is undone in bounded steps, so a bomb cannot fill the memory.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from providers.errors import ProtocolError

_MAX_LINE = 4096
_MAX_TRAILERS = 64 * 1024
_INFLATE_STEP = 1024 * 1024


class Framing(Protocol):
    """Turns bytes of the connection into bytes of the body."""

    is_complete: bool  # the end of the body was seen; more would be another message

    def feed(self, wire: bytes) -> bytes:
        """The body bytes in `wire`. Raises ProtocolError."""
        ...


class UntilClose:
    """No length given: the body ends when the peer closes."""

    is_complete = False

    def feed(self, wire: bytes) -> bytes:
        return wire


class Counted:
    """Content-Length."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_complete = length == 0

    def feed(self, wire: bytes) -> bytes:
        body = wire[: self._left]
        self._left -= len(body)
        self.is_complete = self._left == 0
        return body


class Chunked:
    """Transfer-Encoding: chunked. Cut anywhere; extensions and trailers are dropped."""

    def __init__(self) -> None:
        self.is_complete = False
        self._left = 0  # of the current chunk's data
        self._line = b""  # a size, a line end or a trailer that is not whole yet
        self._state = "size"
        self._trailer_bytes = 0

    def feed(self, wire: bytes) -> bytes:
        body: list[bytes] = []
        at = 0
        while at < len(wire) and not self.is_complete:
            if self._state == "data":
                piece = wire[at : at + self._left]
                body.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = "data_end"
                continue
            end = wire.find(b"\n", at)
            self._line += wire[at:] if end < 0 else wire[at:end]
            if len(self._line) > _MAX_LINE:
                raise ProtocolError("The provider's answer is framed wrongly.")
            if end < 0:
                break
            at = end + 1
            line, self._line = self._line.removesuffix(b"\r"), b""
            self._ended(line)
        return body[0] if len(body) == 1 else b"".join(body)

    def _ended(self, line: bytes) -> None:
        if self._state == "size":
            digits = line.partition(b";")[0].strip(b" \t")
            if (
                not digits
                or digits.strip(b"0123456789abcdefABCDEF")
                or len(digits) > 16
            ):
                raise ProtocolError("The provider's answer is framed wrongly.")
            self._left = int(digits, 16)
            self._state = "data" if self._left else "trailers"
        elif self._state == "data_end":
            if line:
                raise ProtocolError("The provider's answer is framed wrongly.")
            self._state = "size"
        else:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > _MAX_TRAILERS:
                raise ProtocolError("The provider's answer is framed wrongly.")
            self.is_complete = not line


class Inflate:
    """Undo gzip or deflate, at most a megabyte of text per step."""

    def __init__(self, coding: str) -> None:
        self._is_raw_deflate_possible = coding == "deflate"
        self._window = zlib.MAX_WBITS | (16 if coding != "deflate" else 0)
        self._zlib = zlib.decompressobj(self._window)
        self._input = b""

    @property
    def has_more(self) -> bool:
        """Whether `feed(b"")` would give more text without more bytes."""
        return bool(self._input)

    def feed(self, data: bytes) -> bytes:
        """Some of the text; ask again while `has_more`. Raises ProtocolError."""
        data = self._input + data
        self._input = b""
        if not data:
            return b""
        try:
            text = self._step(data)
        except zlib.error:
            raise ProtocolError(
                "The provider's answer is compressed in a broken way."
            ) from None
        self._is_raw_deflate_possible = False
        if (
            self._zlib.eof and self._zlib.unused_data
        ):  # gzip members may follow each other
            self._input = self._zlib.unused_data.lstrip(b"\0")
            self._zlib = zlib.decompressobj(self._window)
        else:
            self._input = self._zlib.unconsumed_tail
        return text

    def _step(self, data: bytes) -> bytes:
        try:
            return self._zlib.decompress(data, _INFLATE_STEP)
        except zlib.error:
            if not self._is_raw_deflate_possible:
                raise
        # "deflate" means zlib (RFC 9110 section 8.4.1.2), and some send it without.
        self._window = -zlib.MAX_WBITS
        self._zlib = zlib.decompressobj(self._window)
        return self._zlib.decompress(data, _INFLATE_STEP)
