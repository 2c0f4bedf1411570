"""The rules for a wire that the emulator does not speak: the vendor's captured streams.

A vendor with a dialect of its own brings a folder (`Provider.captures`) of

    NAME.sse    one response body, byte for byte as it came
    NAME.json   what it means: {"text", "stop_reason", "tool_calls"?, "error"?}
                tool_calls: [{"name", "arguments"}, …]; error: true where it ends with one

and the suite replays each of them whole, cut, shortened, and with foreign events between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.accumulate import Accumulator
from providers.calls import Decoder, StreamCall
from providers.conformance.lab import KEY
from providers.conformance.rules import Broken, must
from providers.errors import ConfigurationError
from providers.events import TERMINAL, Event, Finished
from providers.interface import Provider
from providers.provider import build_api_key_credential
from providers.streaming import parse_stream
from providers.types import ChatRequest, Credential, Message, Secret, TextPart

_PIECES = (1, 2, 3, 7, 64, 1400)  # bytes a read
_MAX_ENDS = 400  # places at which one stream is shortened


@dataclass(frozen=True, slots=True)
class Capture:
    """One response of the vendor, and what it means."""

    name: str
    body: bytes
    means: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """A named promise and its check."""

    name: str
    promise: str
    check: Callable[[Provider, list[Capture]], None]


def captures_of(manifest: Provider) -> list[Capture]:
    """The vendor's captures. Raises ConfigurationError when there are none to read."""
    folder = Path(manifest.captures)
    found = []
    for path in sorted(folder.glob("*.sse")) if manifest.captures else []:
        try:
            means = json.loads(path.with_suffix(".json").read_text("utf-8"))
        except (OSError, ValueError) as exc:
            raise ConfigurationError(
                f"{path.name} has no readable {path.stem}.json beside it that says what "
                f"the stream means ({type(exc).__name__}).",
                provider=manifest.slug,
            ) from None
        found.append(Capture(path.stem, path.read_bytes(), means))
    if not found:
        raise ConfigurationError(
            f"There is no captured stream (*.sse) in {manifest.captures or 'captures'!r}.",
            provider=manifest.slug,
        )
    return found


def call_of(manifest: Provider) -> StreamCall:
    """What the vendor's package would ask, with a fresh decoder."""
    request = ChatRequest(
        model=manifest.default_model or "any",
        messages=[Message(role="user", parts=[TextPart(text="hello")])],
    )
    return manifest.streaming.call(request, _credential(manifest))


def _credential(manifest: Provider) -> Credential:
    base_url = manifest.base_url or manifest.usual_url or "https://api.example.com"
    if manifest.api_key is not None:
        return build_api_key_credential(
            manifest.slug, "conformance", KEY, base_url=base_url
        )
    return Credential(
        provider=manifest.slug,
        auth_type="oauth",
        name="conformance",
        secrets={"access_token": Secret(KEY)},
        base_url=base_url,
    )


def _events(manifest: Provider, pieces: Iterable[bytes]) -> list[Event]:
    decoder: Decoder = call_of(manifest).decoder
    return list(parse_stream(pieces, decoder))


def _in_pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def _request(manifest: Provider, _captures: list[Capture]) -> None:
    call = call_of(manifest)
    body = json.dumps(call.body)  # TypeError: not JSON
    must(KEY not in call.url and KEY not in body, "the key is in the URL or the body")
    must(any(KEY in value for value in _headers(manifest, call)), "no header is signed")


def _headers(manifest: Provider, call: StreamCall) -> list[str]:
    signed = manifest.api_key or manifest.oauth
    more = signed.headers(_credential(manifest)) if signed else {}
    return [*call.headers.values(), *more.values()]


def _meaning(manifest: Provider, captures: list[Capture]) -> None:
    for capture in captures:
        found = Accumulator()
        for event in _events(manifest, [capture.body]):
            found.add(event)
        means = capture.means
        if means.get("error"):
            must(found.error is not None, f"{capture.name}: it ended without its error")
            continue
        must(found.error is None, f"{capture.name}: an error: {found.error}")
        must(found.text == means["text"], f"{capture.name}: text was {found.text!r}")
        reason = found.finished.stop_reason if found.finished else None
        must(reason == means["stop_reason"], f"{capture.name}: it ended with {reason}")
        calls = [{"name": c.name, "arguments": c.arguments} for c in found.tool_calls]
        must(calls == means.get("tool_calls", []), f"{capture.name}: calls {calls}")


def _cuts(manifest: Provider, captures: list[Capture]) -> None:
    for capture in captures:
        whole = _events(manifest, [capture.body])
        for size in _PIECES:
            cut = _events(manifest, _in_pieces(capture.body, size))
            must(cut == whole, f"{capture.name}: differs in reads of {size} bytes")


def _one_end(manifest: Provider, captures: list[Capture]) -> None:
    for capture, events in _shortened(manifest, captures):
        ends = [event for event in events if isinstance(event, TERMINAL)]
        is_one = len(ends) == 1 and events[-1] is ends[0]
        must(
            is_one, f"{capture.name}: {len(ends)} terminal events in a shortened stream"
        )


def _no_false_end(manifest: Provider, captures: list[Capture]) -> None:
    for capture, events in _shortened(manifest, captures):
        found = Accumulator()
        for event in events:
            found.add(event)
        is_whole = capture.means.get("text", "") == found.text
        good = isinstance(events[-1], Finished)
        must(
            is_whole or not good, f"{capture.name}: half of it passed as a whole answer"
        )


def _shortened(
    manifest: Provider, captures: list[Capture]
) -> Iterator[tuple[Capture, list[Event]]]:
    for capture in captures:
        step = max(1, len(capture.body) // _MAX_ENDS)
        for end in range(0, len(capture.body), step):
            yield capture, _events(manifest, [capture.body[:end]])


def _foreign(manifest: Provider, captures: list[Capture]) -> None:
    """Vendors add event types within a version; proxies add comments."""
    for capture in captures:
        newline = b"\r\n" if b"\r\n\r\n" in capture.body else b"\n"
        blank = newline * 2
        first, blank_line, rest = capture.body.partition(blank)
        for extra in (b": ping", b'event: new\ndata: {"type":"of.tomorrow","new":1}'):
            between = extra.replace(b"\n", newline) + blank
            body = first + blank_line + between + rest
            events = _events(manifest, [body])
            same = events == _events(manifest, [capture.body])
            must(same, f"{capture.name}: changed by {extra[:12]!r} between its events")


def _garbage(manifest: Provider, captures: list[Capture]) -> None:
    for capture in captures:
        for junk in (b"data: {\n\n", b"data: null\n\n", b"data: [[]]\n\n", b"\xff\xfe"):
            events = _events(manifest, [junk + capture.body])
            ends = [event for event in events if isinstance(event, TERMINAL)]
            must(len(ends) == 1, f"{capture.name}: {len(ends)} ends after {junk!r}")


CAPTURE_RULES = [
    CaptureRule(
        "request", "a request is JSON, and the key is in a header only", _request
    ),
    CaptureRule("meaning", "every captured stream means what its file says", _meaning),
    CaptureRule("cut", "it means the same wherever the network cuts it", _cuts),
    CaptureRule(
        "one_end", "a shortened stream has exactly one terminal event", _one_end
    ),
    CaptureRule("no_false_end", "half an answer never ends well", _no_false_end),
    CaptureRule(
        "foreign", "events and comments it does not know change nothing", _foreign
    ),
    CaptureRule("garbage", "whatever comes, it ends once and raises nothing", _garbage),
]

__all__ = ["CAPTURE_RULES", "Broken", "Capture", "CaptureRule", "captures_of"]
