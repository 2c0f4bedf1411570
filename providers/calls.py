"""What a vendor's package says is to be asked; `providers.http` asks it.

Values without behaviour, so that the HTTP client and the interface can both know them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from providers.events import Event

if TYPE_CHECKING:
    from providers.http.sse import SSEEvent


class Decoder(Protocol):
    """One dialect's stream → events. One instance per response, its whole life.

    Does no I/O, reads no clock, never raises on what a vendor sends: an error inside the
    stream is a `StreamError` event. Nothing comes after a terminal event.
    """

    def feed(self, sse: SSEEvent) -> Iterable[Event]:
        """The events one SSE event means (often none, sometimes several)."""
        ...

    def finish(self) -> Iterable[Event]:
        """The body ended. A `StreamError` of kind `StreamCut` unless the end was seen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCall:
    """One streaming request, ready to send. `url` is absolute; `decoder` is fresh.

    `headers` may hold the secret: it is never logged and its repr is hidden.
    `optional_fields`: body fields a compatible server may refuse with 400; the call is
    repeated once without them, and the refusal remembered for that origin.
    """

    url: str
    body: Mapping[str, Any]
    decoder: Decoder
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    optional_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountCall:
    """One request for the size of another. `path` is relative to the credential's base
    URL; `field` names the number of tokens in the JSON of the answer."""

    path: str
    body: Mapping[str, Any]
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """One plain JSON request. `path` is relative to the credential's base URL."""

    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
