"""Providers that are wrong in one way each: a good one with one fault, and nothing else.

`SAMPLES` maps a name to the rule it must break and to its manifest. They are narrow on
purpose: a fault that shows in two rules would prove neither of them.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from providers import resolver
from providers.events import (
    Event,
    Finished,
    OpaqueState,
    StreamError,
    TextDelta,
    ToolCallReady,
    Usage,
)
from providers.http.sse import SSEEvent
from providers.interface import Decoder, Models, Provider, StreamCall
from providers.types import ChatRequest, Credential, Model


class Wrapped:
    """A decoder around a good one."""

    def __init__(self, inner: Decoder) -> None:
        self.inner = inner

    def feed(self, sse: SSEEvent) -> Iterator[Event]:
        for event in self.inner.feed(sse):
            yield from self.change(event)

    def finish(self) -> Iterable[Event]:
        for event in self.inner.finish():
            yield from self.change(event)

    def change(self, event: Event) -> Iterable[Event]:
        yield event


class RepeatsTheLastWord(Wrapped):
    """It flushes a sentence that it has already sent."""

    def change(self, event: Event) -> Iterable[Event]:
        yield event
        if isinstance(event, TextDelta) and event.text.endswith("."):
            yield event


class DropsWhatIsNotAscii(Wrapped):
    def change(self, event: Event) -> Iterable[Event]:
        if isinstance(event, TextDelta):
            plain = event.text.encode("ascii", "ignore").decode()
            event = msgspec.structs.replace(event, text=plain)
        yield event


class CrashesOnAnEmoji(Wrapped):
    def change(self, event: Event) -> Iterable[Event]:
        if isinstance(event, TextDelta) and any(ord(c) > 0xFFFF for c in event.text):
            raise ValueError("narrow build")
        yield event


class AlwaysStops(Wrapped):
    """Every end is a good end."""

    def change(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Finished) and event.stop_reason == "length":
            event = msgspec.structs.replace(event, stop_reason="stop")
        yield event


class LosesArguments(Wrapped):
    """It keeps no argument with an umlaut."""

    def change(self, event: Event) -> Iterable[Event]:
        if isinstance(event, ToolCallReady):
            kept = {k: v for k, v in event.arguments.items() if v.isascii()}
            event = msgspec.structs.replace(event, arguments=kept)
        yield event


class MergesParallelCalls(Wrapped):
    """The second call of an answer takes the place of the first."""

    part: int | None = None

    def change(self, event: Event) -> Iterable[Event]:
        if isinstance(event, ToolCallReady):
            self.part = event.part if self.part is None else self.part
            event = msgspec.structs.replace(event, part=self.part)
        yield event


class DropsOpaqueState(Wrapped):
    def change(self, event: Event) -> Iterable[Event]:
        if not isinstance(event, OpaqueState):
            yield event


class HasNoUsage(Wrapped):
    def change(self, event: Event) -> Iterable[Event]:
        if not isinstance(event, Usage):
            yield event


class HidesTheVendorsUsage(Wrapped):
    def change(self, event: Event) -> Iterable[Event]:
        if isinstance(event, Usage):
            event = msgspec.structs.replace(event, raw={})
        yield event


class _KnowsTheTime(Wrapped):
    """The end comes in `finish`; how long nothing came before it?"""

    fed_at = 0.0

    def feed(self, sse: SSEEvent) -> Iterator[Event]:
        self.fed_at = time.monotonic()
        return super().feed(sse)

    def silence_s(self) -> float:
        return time.monotonic() - self.fed_at


class TakesACutForAnEnd(_KnowsTheTime):
    def finish(self) -> Iterable[Event]:
        if self.silence_s() < 0.3:
            return [Finished(stop_reason="stop")]
        return super().finish()


class TakesSilenceForAnEnd(_KnowsTheTime):
    def finish(self) -> Iterable[Event]:
        if self.silence_s() > 0.3:
            return [Finished(stop_reason="stop")]
        return super().finish()


class IgnoresWhatIsNoJson(Wrapped):
    def feed(self, sse: SSEEvent) -> Iterator[Event]:
        if sse.json() is not None or sse.data.startswith("["):
            yield from super().feed(sse)


class SwallowsErrors(Wrapped):
    """What the vendor says of an error inside the stream is thrown away."""

    def change(self, event: Event) -> Iterable[Event]:
        kept = ("ProtocolError", "StreamCut")
        if isinstance(event, StreamError) and event.error.kind not in kept:
            event = Finished(stop_reason="stop")
        yield event


@dataclass(frozen=True, slots=True)
class WrappedStreaming:
    """Streaming with another decoder, or with a request that is changed."""

    inner: Any
    decoder: Callable[[Decoder], Decoder] = Wrapped
    changed: Callable[[StreamCall, Credential], StreamCall] = lambda call, _: call

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        call: StreamCall = self.inner.call(request, credential)
        call = dataclasses.replace(call, decoder=self.decoder(call.decoder))
        return self.changed(call, credential)


def key_in_url(call: StreamCall, credential: Credential) -> StreamCall:
    mark = "&" if "?" in call.url else "?"
    key = credential.secret("api_key")
    return dataclasses.replace(call, url=f"{call.url}{mark}key={key}")


def key_in_body(call: StreamCall, credential: Credential) -> StreamCall:
    body = {**call.body, "user": credential.secret("api_key")}
    return dataclasses.replace(call, body=body)


@dataclass(frozen=True, slots=True)
class OnePage:
    """A client that never says that there is more."""

    client: Any

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        page = self.client.get_json(path, params)
        return {k: v for k, v in page.items() if k not in ("has_more", "nextPageToken")}


@dataclass(frozen=True, slots=True)
class FirstPageOnly:
    inner: Models

    def list_models(self, client: Any) -> Sequence[Model]:
        return self.inner.list_models(OnePage(client))


@dataclass(frozen=True, slots=True)
class ListsTwice:
    inner: Models

    def list_models(self, client: Any) -> Sequence[Model]:
        found = list(self.inner.list_models(client))
        return [*found, found[0]]


@dataclass(frozen=True, slots=True)
class Sample:
    """A broken provider and the one rule it breaks."""

    rule: str
    manifest: Provider


def _of(base: str, name: str, **changes: Any) -> Provider:
    return dataclasses.replace(
        resolver.provider(base), slug=f"broken-{name}", **changes
    )


def _decoding(base: str, name: str, decoder: type[Wrapped]) -> Provider:
    streaming = WrappedStreaming(resolver.provider(base).streaming, decoder)
    return _of(base, name, streaming=streaming)


def _asking(base: str, name: str, changed: Callable[..., StreamCall]) -> Provider:
    inner = resolver.provider(base).streaming
    return _of(base, name, streaming=WrappedStreaming(inner, changed=changed))


def _listing(base: str, name: str, models: Callable[[Models], Models]) -> Provider:
    return _of(base, name, models=models(resolver.provider(base).models))


_DECODERS: list[tuple[str, str, type[Wrapped], str]] = [
    ("doubled", "openai", RepeatsTheLastWord, "text"),
    ("ascii", "anthropic", DropsWhatIsNotAscii, "multi_byte"),
    ("emoji", "groq", CrashesOnAnEmoji, "multi_byte"),
    ("always-stops", "groq", AlwaysStops, "end"),
    ("arguments", "openai", LosesArguments, "tool_call"),
    ("merged", "mistral", MergesParallelCalls, "parallel_calls"),
    ("forgetful", "gemini", DropsOpaqueState, "tool_result"),
    ("unsigned", "anthropic", DropsOpaqueState, "tool_result"),
    ("sealed", "openai", DropsOpaqueState, "tool_result"),
    ("uncounted", "anthropic", HasNoUsage, "usage"),
    ("no-raw", "openai", HidesTheVendorsUsage, "usage"),
    ("cut", "anthropic", TakesACutForAnEnd, "cut"),
    ("silent", "openai", TakesSilenceForAnEnd, "stall"),
    ("lenient", "groq", IgnoresWhatIsNoJson, "malformed"),
    ("swallows", "anthropic", SwallowsErrors, "stream_error"),
]

SAMPLES: dict[str, Sample] = {
    name: Sample(rule, _decoding(base, name, decoder))
    for name, base, decoder, rule in _DECODERS
} | {
    "one-page": Sample("models", _listing("anthropic", "one-page", FirstPageOnly)),
    "listed-twice": Sample("models", _listing("groq", "listed-twice", ListsTwice)),
    "key-in-url": Sample("secret", _asking("gemini", "key-in-url", key_in_url)),
    "key-in-body": Sample("secret", _asking("groq", "key-in-body", key_in_body)),
}
