"""The one way from response bytes to events, for every provider and every caller.

    bytes ──▶ SSE decoder ──▶ dialect decoder ──▶ events

`parse_stream` pulls (commands, tests, audits); `StreamParser` is the same thing to push
into (runs, the shared reader). Nobody above parses, guesses or removes duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules

from providers import dialects
from providers.calls import Decoder
from providers.error_bodies import error_in_good_response
from providers.errors import ConfigurationError, ProviderError
from providers.events import TERMINAL, ErrorInfo, Event, Finished, StreamError
from providers.http.sse import SSEDecoder, SSEEvent

# Every package in providers/dialects is one: there is no list to edit.
DIALECTS = tuple(sorted(m.name for m in iter_modules(dialects.__path__) if m.ispkg))

_MAX_PLAIN_BYTES = 1024 * 1024


class StreamParser:
    """Feeds one response's bytes through SSE and dialect. Sans-IO; not thread-safe.

    `done` turns true with the terminal event; bytes after it are ignored. A body that
    begins like JSON or HTML is no event stream but an error under a good status (Gemini
    does this): it is kept to its end and becomes the error it describes.
    """

    __slots__ = ("_decoder", "_is_begun", "_plain", "_sse", "done")

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._sse = SSEDecoder()
        self._is_begun = False
        self._plain: bytearray | None = None
        self.done = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete, in order."""
        events: list[Event] = []
        if self.done:
            return events
        if not self._is_begun:
            self._begin(chunk)
        if self._plain is not None:
            self._plain += chunk[: _MAX_PLAIN_BYTES - len(self._plain)]
            return events
        try:
            arrived = self._sse.feed(chunk)
        except ProviderError as exc:  # an event without end: nothing after it counts
            return self.fail(exc.info())
        for sse in arrived:
            events.extend(self._decoder.feed(sse))
            if events and isinstance(events[-1], TERMINAL):
                self.done = True
                break
        return events

    def _begin(self, chunk: bytes) -> None:
        """Look at the first byte that is not a space: no field begins like these."""
        start = chunk.lstrip(b" \t\r\n")[:1]
        self._is_begun = bool(start)
        if start in (b"{", b"[", b"<"):
            self._plain = bytearray()

    def finish(self) -> list[Event]:
        """The body ended: what is pending, then the terminal event if it is missing."""
        if self.done:
            return []
        if self._plain is not None:
            return self.fail(
                error_in_good_response("", 200, {}, bytes(self._plain)).info()
            )
        self.done = True
        events = self._plain_error() or list(self._decoder.finish())
        if not (events and isinstance(events[-1], TERMINAL)):
            events.append(StreamError(error=cut()))
        return events

    def _plain_error(self) -> list[Event]:
        """An error that came as plain lines of JSON after events (Gemini does this)."""
        sse = SSEEvent("message", self._sse.stray())
        said = sse.json()
        if isinstance(said, list) and len(said) == 1:
            said = said[0]
        is_error = isinstance(said, dict) and bool(said.get("error"))
        return list(self._decoder.feed(sse)) if is_error else []

    def fail(self, error: ErrorInfo) -> list[Event]:
        """The transport broke: end the response with `error`, keeping what came.

        Where the vendor had already said everything (a finish reason, but no `[DONE]`
        and no end of the body), the response is over and whole: no error.
        """
        if self.done:
            return []
        self.done = True
        events = list(self._decoder.finish())
        if events and isinstance(events[-1], Finished):
            return events
        kept = [event for event in events if not isinstance(event, TERMINAL)]
        return [*kept, StreamError(error=error)]


def cut(provider: str = "") -> ErrorInfo:
    """The error of a response that ended without its terminal event."""
    return ErrorInfo(
        kind="StreamCut",
        provider=provider,
        vendor_type="stream_cut",
        message="The answer was cut off before its end. What arrived is kept; try "
        "again for the whole answer.",
    )


def decoder_for(dialect: str) -> Decoder:
    """A fresh decoder of a dialect by name. Raises ConfigurationError."""
    if dialect not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise ConfigurationError(f"No dialect {dialect!r}. Known dialects: {known}.")
    decoder: Decoder = import_module(f"providers.dialects.{dialect}").decoder()
    return decoder


def parse_stream(stream: Iterable[bytes], dialect: str | Decoder) -> Iterator[Event]:
    """Events of one response body, cut anywhere; ends with exactly one terminal event."""
    decoder = decoder_for(dialect) if isinstance(dialect, str) else dialect
    parser = StreamParser(decoder)
    for chunk in stream:
        yield from parser.feed(chunk)
        if parser.done:
            return
    yield from parser.finish()
