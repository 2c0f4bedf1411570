"""The one way from response bytes to events, for every provider and every caller.

    bytes ──▶ SSE decoder ──▶ dialect decoder ──▶ events

`parse_stream` pulls (commands, tests, audits); `StreamParser` is the same thing to push
into (runs, the shared reader). Nobody above parses, guesses or removes duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module

from providers.errors import ConfigurationError
from providers.events import TERMINAL, ErrorInfo, Event, StreamError
from providers.http.sse import SSEDecoder
from providers.interface import Decoder

DIALECTS = ("openai_responses", "openai_chat", "anthropic_messages", "gemini_generate")


class StreamParser:
    """Feeds one response's bytes through SSE and dialect. Sans-IO; not thread-safe.

    `done` turns true with the terminal event; bytes after it are ignored.
    """

    __slots__ = ("_decoder", "_sse", "done")

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._sse = SSEDecoder()
        self.done = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete, in order."""
        events: list[Event] = []
        if self.done:
            return events
        for sse in self._sse.feed(chunk):
            events.extend(self._decoder.feed(sse))
            if events and isinstance(events[-1], TERMINAL):
                self.done = True
                break
        return events

    def finish(self) -> list[Event]:
        """The body ended: what is pending, then the terminal event if it is missing."""
        if self.done:
            return []
        self.done = True
        events = list(self._decoder.finish())
        if not (events and isinstance(events[-1], TERMINAL)):
            events.append(StreamError(error=cut()))
        return events

    def fail(self, error: ErrorInfo) -> list[Event]:
        """The transport broke: end the response with `error`, keeping what came."""
        if self.done:
            return []
        self.done = True
        return [StreamError(error=error)]


def cut(provider: str = "") -> ErrorInfo:
    """The error of a response that ended without its terminal event."""
    return ErrorInfo(
        kind="StreamCut",
        provider=provider,
        vendor_type="stream_cut",
        message="The answer was cut off before its end. What arrived is kept.",
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
