"""One MCP endpoint over streamable HTTP: a request out, the messages of its answer back.

Called by `context_app/mcp/http_link.py`, which knows what the messages mean. Source:
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports. The address is
the operator's own, so it may be private; redirects are not followed, and nothing in an
answer is ever taken for an address (S-46). One connection pool per server and process.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from providers.errors import ProtocolError, ProviderError
from providers.http import exchange
from providers.http.bounded import bounded, sentence
from providers.http.connection import Call
from providers.http.exchange import Outgoing
from providers.http.response import StreamingResponse
from providers.http.sse import SSEDecoder
from providers.http.urls import host

MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_EVENT_BYTES = 4 * 1024 * 1024
_ERROR_BODY_BYTES = 64 * 1024
# What failed before anything could have reached the server.
_NOT_SENT = frozenset(
    {"connect_refused", "connect_timeout", "connect", "dns", "tls", "tls_untrusted",
     "bad_address", "bad_request", "proxy"}
)  # fmt: skip


class EndpointError(Exception):
    """No answer that can be used. The message names the host and nothing else of the
    address. `was_sent`: the server may have seen the request."""

    def __init__(self, message: str, *, was_sent: bool = True) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class EndpointEnded(EndpointError):
    """We ended it: `is_late` for its time limit, else somebody stopped it."""

    def __init__(self, *, is_late: bool) -> None:
        super().__init__("It took too long." if is_late else "It was stopped.")
        self.is_late = is_late


@dataclass(frozen=True, slots=True)
class Item:
    """One message of an answer: JSON, or None for what is none. In an event stream also
    the id of the event, and the time in milliseconds after which to ask again."""

    value: Any
    event_id: str = ""
    retry_ms: int | None = None


class McpEndpoint:
    """Requests to one address. Thread-safe; holds no state of a session."""

    def __init__(self, name: str, url: str, headers: Mapping[str, str]) -> None:
        self._name = f"mcp:{name}"
        self._url = url
        self._headers = dict(headers)

    def __repr__(self) -> str:
        return f"<McpEndpoint {self._name} {host(self._url)}>"

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        until: float,
        stop: threading.Event,
    ) -> Iterator[EndpointAnswer]:
        """Send it; inside, the answer may be read. `until`: monotonic time of its end.

        Raises EndpointError.
        """
        going = Outgoing(
            provider=self._name,
            method=method,
            url=self._url,
            body=body,
            headers={**self._headers, "Accept-Encoding": "identity", **headers},
        )
        if stop.is_set() or time.monotonic() >= until:
            raise EndpointEnded(is_late=not stop.is_set())
        with bounded(going.call, until, stop):
            response = self._sent(going, until)
            try:
                yield EndpointAnswer(response, going.call, host(self._url))
            finally:
                response.abort()

    def _sent(self, going: Outgoing, until: float) -> StreamingResponse:
        left_s = max(until - time.monotonic(), 0.001)
        failure: ProviderError | None = None
        try:
            return exchange.send(going, read_timeout_s=left_s + 1, deadline_s=left_s)
        except ProviderError as exc:
            failure = exc
        if going.call.is_aborted:
            raise EndpointEnded(is_late=going.call.reason == "deadline")
        raise EndpointError(
            sentence(failure, host(self._url)),
            was_sent=failure.vendor_type not in _NOT_SENT,
        )


class EndpointAnswer:
    """An answer whose headers have come. `headers` in lower case."""

    def __init__(self, response: StreamingResponse, call: Call, host: str) -> None:
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._call = call
        self._host = host

    @property
    def kind(self) -> str:
        """The content type without parameters."""
        stated = self.headers.get("content-type", "")
        return stated.partition(";")[0].strip().lower()

    def items(self) -> Iterator[Item]:
        """The messages, as they come. Raises EndpointError."""
        if self.kind == "text/event-stream":
            yield from self._events()
        elif self.kind == "application/json":
            yield Item(_json(self._whole(MAX_ANSWER_BYTES)))
        else:
            raise EndpointError(f"{self._host} answered with no JSON and no events.")

    def error(self) -> Any:
        """The JSON of a refusal, None when it has none. Never raises."""
        try:
            return _json(self._whole(_ERROR_BODY_BYTES))
        except EndpointError:
            return None

    def _events(self) -> Iterator[Item]:
        decoder, size = SSEDecoder(MAX_EVENT_BYTES), 0
        pieces = cast("Generator[bytes, None, None]", self._response.chunks())
        failure: ProviderError | None = None
        with contextlib.closing(pieces):
            try:
                for piece in pieces:
                    size += len(piece)
                    if size > MAX_ANSWER_BYTES:
                        raise EndpointError(f"The answer of {self._host} has no end.")
                    for event in decoder.feed(piece):
                        value = _json(event.data.encode()) if event.data else None
                        yield Item(value, event.id, event.retry)
            except ProviderError as exc:
                failure = exc
        self._look(failure)

    def _whole(self, limit: int) -> bytes:
        failure: ProviderError | None = None
        try:
            return self._response.read_all(limit, 3600.0)  # the watch knows the limit
        except ProviderError as exc:
            failure = exc
        self._look(failure)
        raise EndpointError(f"The answer of {self._host} broke off.")

    def _look(self, failure: ProviderError | None) -> None:
        if self._call.is_aborted:
            raise EndpointEnded(is_late=self._call.reason == "deadline")
        if isinstance(failure, ProtocolError):
            raise EndpointError(f"The answer of {self._host} is too long or broken.")
        # A stream that broke off may be taken up again: whoever reads it decides.


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
