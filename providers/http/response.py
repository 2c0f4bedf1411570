"""`StreamingResponse`: the bytes of one streamed answer, as promptly as they come.

Made by `HttpClient.open_stream`, read by `ChatStream`. One thread reads; any thread may
`abort()`. The connection goes back to its pool when the body was read to its end, and is
closed in every other case.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from providers.errors import (
    ProtocolError,
    ProviderError,
    ProviderUnavailable,
    StreamCut,
    StreamStalled,
)
from providers.http.body import Body, body_of
from providers.http.connection import Call

_DRAIN_BYTES = 1024 * 1024
_END_WAIT_S = 0.02  # for the few bytes after the last event that end the body


class StreamingResponse:
    """A 2xx answer whose body is on its way. `headers` are the vendor's, lower case."""

    def __init__(
        self,
        raw: Any,
        call: Call,
        *,
        provider: str,
        status: int,
        headers: dict[str, str],
        idle_timeout_s: float,
        max_bytes: int,
    ) -> None:
        self.status = status
        self.headers = headers
        self._provider = provider
        self._raw = raw
        self._call = call
        self._idle_timeout_s = idle_timeout_s
        self._bytes_left = max_bytes
        self._lock = threading.Lock()
        self._is_reading = False
        self._is_over = False
        self._body: Body = body_of(raw)

    def __repr__(self) -> str:
        return f"<StreamingResponse {self._provider} {self.status}>"

    def chunks(self, tick_s: float = 0.0) -> Iterator[bytes]:
        """The body in pieces, never empty. To be called once.

        With `tick_s`: what comes after a silence goes out at once, then what arrived
        within each tick in one piece. Ends quietly after `abort()`. Raises StreamStalled
        after the idle limit, StreamCut when the connection breaks, ProtocolError.
        """
        naps = tick_s > 0 and self._body.can_drain
        try:
            while data := self._next(self._idle_timeout_s):
                yield data
                while naps:
                    time.sleep(tick_s)
                    joined, error = self._drain()
                    if joined:
                        yield joined
                    if error is not None:
                        raise error
                    if not joined:
                        break
        finally:
            self._settle()

    def abort(self) -> None:
        """End the answer now: a blocked reader wakes up, the connection closes."""
        with self._lock:
            if self._is_over:
                return
            self._call.abort()
            if not self._is_reading:
                self._dispose()

    def read_all(self, max_bytes: int, deadline_s: float) -> bytes:
        """The whole body, bounded in size and time.

        Raises ProviderUnavailable (late), StreamCut, ProtocolError (size).
        """
        self._bytes_left = max_bytes
        end = time.monotonic() + deadline_s
        pieces: list[bytes] = []
        is_late = False
        try:
            while data := self._read(
                min(self._idle_timeout_s, max(end - time.monotonic(), 0.001))
            ):
                pieces.append(data)
            is_late = data is None
        finally:
            self._settle()
        if self._call.is_aborted:
            raise self._stopped()
        if is_late:
            raise ProviderUnavailable(
                "The provider began to answer and did not finish in time. Try again.",
                provider=self._provider,
                vendor_type="read_timeout",
            )
        return b"".join(pieces)

    def _next(self, wait_s: float) -> bytes:
        """The next bytes; b"" at the end or after an abort. Raises ProviderError."""
        data = self._read(wait_s)
        if data is None:
            raise StreamStalled(
                f"The provider sent nothing for {wait_s:g} s. What arrived is kept; try "
                "again, or pick another model.",
                provider=self._provider,
            )
        return data

    def _read(self, wait_s: float) -> bytes | None:
        """The same, and None when nothing came in time."""
        with self._lock:
            if self._is_over:
                return b""
            self._is_reading = True
        error: ProviderError | None = None
        data = b""
        try:
            data = self._body.read(wait_s)
        except ProviderError as exc:
            error = exc
        finally:
            with self._lock:
                self._is_reading = False
        if self._call.is_aborted:
            return b""
        if error is not None:
            error.provider = self._provider
            error.__context__ = None  # no foreign exception travels along
            raise error.with_traceback(None)
        if not data and not self._body.is_complete:
            return None
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise ProtocolError(
                "The provider's answer is far too long.", provider=self._provider
            )
        return data

    def _drain(self) -> tuple[bytes, ProviderError | None]:
        """What has come, without waiting, and what went wrong after it."""
        pieces: list[bytes] = []
        size = 0
        while size < _DRAIN_BYTES:
            try:
                data = self._read(0.0)
            except ProviderError as exc:
                return b"".join(pieces), exc
            if not data:
                break
            pieces.append(data)
            size += len(data)
        return b"".join(pieces), None

    def _settle(self) -> None:
        """The reader is done: keep the connection if the body is, else close it."""
        body = self._body
        if body.can_drain and not (
            body.is_complete or self._call.is_aborted or self._is_over
        ):
            # Most likely its last event was understood, and a line end is on its way.
            with contextlib.suppress(ProviderError):
                body.read(_END_WAIT_S)
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
            if not (self._call.detach() and body.release()):
                self._raw.close()

    def _dispose(self) -> None:
        self._is_over = True
        self._raw.close()

    def _stopped(self) -> StreamCut:
        return StreamCut(
            "The request was stopped.", provider=self._provider, vendor_type="stopped"
        )
