"""A vendor with a wire of its own is held to its captured streams, by the same command."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from providers import resolver
from providers.conformance import suite
from providers.conformance.captures import CAPTURE_RULES
from providers.conformance.lab import KEY
from providers.events import (
    ErrorInfo,
    Event,
    Finished,
    StreamError,
    TextDelta,
    ToolCallReady,
)
from providers.interface import Provider, StreamCall
from providers.streaming import DIALECTS, cut

WORDS = "".join(
    f"data: {json.dumps({'say': word})}\n\n" for word in ("Grüße, ", "wo", "rld")
)
ENDED = 'data: {"end": "stop"}\n\n'
CALL = 'data: {"call": {"id": "c1", "name": "look", "arguments": {"at": "x"}}}\n\n'


class Lines:
    """The decoder of a wire that nobody else speaks."""

    def __init__(self) -> None:
        self.is_over = False

    def feed(self, sse) -> Iterator[Event]:
        match sse.json():
            case {"say": str(text)}:
                yield TextDelta(text=text)
            case {"call": {"id": i, "name": n, "arguments": dict(a)}}:
                yield ToolCallReady(part=1, call_id=i, name=n, arguments=a)
            case {"end": str(reason)}:
                self.is_over = True
                yield Finished(stop_reason=reason)
            case {"broke": str(message)}:
                self.is_over = True
                error = ErrorInfo(kind="ServerError", provider="lines", message=message)
                yield StreamError(error=error)

    def finish(self) -> Iterator[Event]:
        if not self.is_over:
            yield StreamError(error=cut())


class SaysItIsOver(Lines):
    """The end of the body is taken for the end of the answer."""

    def finish(self):
        if not self.is_over:
            yield Finished(stop_reason="stop")


class ShowsWhatItDoesNotKnow(Lines):
    """An event type of tomorrow becomes text."""

    def feed(self, sse):
        if sse.json() and "new" in sse.json():
            yield TextDelta(text="?")
        yield from super().feed(sse)


class FallsOverGarbage(Lines):
    def feed(self, sse):
        if not isinstance(sse.json(), dict):
            raise KeyError("say")
        yield from super().feed(sse)


class ForgetsItsEnd(Lines):
    def feed(self, sse):
        for event in super().feed(sse):
            if not isinstance(event, TextDelta) or event.text != "rld":
                yield event


class Streaming:
    def __init__(self, decoder=Lines, **headers: str) -> None:
        self.decoder, self.headers = decoder, headers or {"Authorization": "Bearer {}"}

    def call(self, request, credential) -> StreamCall:
        key = credential.secrets["api_key"].reveal()
        return StreamCall(
            url=f"{credential.base_url}/talk",
            body={"words": [part.text for part in request.messages[0].parts]},
            headers={k: v.format(key) for k, v in self.headers.items()},
            decoder=self.decoder(),
        )


@pytest.fixture
def manifest(tmp_path: Path) -> Provider:
    (tmp_path / "text.sse").write_text(WORDS + ENDED)
    means = {"text": "Grüße, world", "stop_reason": "stop"}
    (tmp_path / "text.json").write_text(json.dumps(means))
    (tmp_path / "call.sse").write_text(CALL + ENDED.replace("stop", "tool_use"))
    calls = [{"name": "look", "arguments": {"at": "x"}}]
    means = {"text": "", "stop_reason": "tool_use", "tool_calls": calls}
    (tmp_path / "call.json").write_text(json.dumps(means))
    (tmp_path / "broken.sse").write_text(WORDS + 'data: {"broke": "tired"}\n\n')
    (tmp_path / "broken.json").write_text(json.dumps({"error": True}))
    # Keys as another vendor has them: what is checked here is the wire.
    return dataclasses.replace(
        resolver.provider("openrouter"),
        slug="lines",
        dialect="lines",
        base_url="https://lines.example/v1",
        streaming=Streaming(),
        captures=str(tmp_path),
    )


def broken(manifest: Provider, install) -> dict[str, str]:
    report = suite.check(install(manifest))
    assert KEY not in str(report)
    return {v.rule: v.reason for v in report.verdicts if v.result == "broken"}


def test_captured_streams_stand_for_the_emulator(manifest, install) -> None:
    report = suite.check(install(manifest))

    assert [v.rule for v in report.verdicts] == [rule.name for rule in CAPTURE_RULES]
    assert report.broken == [], report


@pytest.mark.parametrize(
    ("decoder", "rules"),
    [
        (SaysItIsOver, {"no_false_end"}),
        (ShowsWhatItDoesNotKnow, {"foreign"}),
        (FallsOverGarbage, {"garbage"}),
        (ForgetsItsEnd, {"meaning", "no_false_end"}),
    ],
)
def test_a_decoder_that_is_wrong_breaks_the_rule_that_says_so(
    decoder, rules, manifest, install
) -> None:
    wrong = dataclasses.replace(manifest, streaming=Streaming(decoder))

    found = broken(wrong, install)

    assert found.keys() & rules, found
    assert found.keys() <= rules, found


def test_a_key_in_the_wrong_place_is_named(manifest, install) -> None:
    class InTheBody(Streaming):
        def call(self, request, credential):
            said = super().call(request, credential)
            key = credential.secrets["api_key"].reveal()
            return dataclasses.replace(said, body={**said.body, "key": key})

    wrong = dataclasses.replace(manifest, streaming=InTheBody())

    assert set(broken(wrong, install)) == {"request"}


def test_a_capture_without_its_meaning_is_a_word_not_a_traceback(
    manifest, install
) -> None:
    (Path(manifest.captures) / "text.json").unlink()

    with pytest.raises(CommandError, match=r"text\.sse has no readable text\.json"):
        call_command("provider_check", install(manifest), stdout=StringIO())


def test_a_wire_that_nobody_knows_needs_captures(manifest, install) -> None:
    bare = dataclasses.replace(manifest, captures="")

    with pytest.raises(CommandError, match="captures"):
        call_command("provider_check", install(bare), stdout=StringIO())


def test_dialects_are_found_not_listed() -> None:
    folder = Path(suite.__file__).parent.parent / "dialects"

    assert set(DIALECTS) == {
        p.name for p in folder.iterdir() if (p / "decode.py").is_file()
    }
