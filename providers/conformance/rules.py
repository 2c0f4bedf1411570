"""The rules, one function each; `@rule` names it and says the promise in a sentence.

A rule gets a `Lab` and returns quietly, or raises `Broken` with what it saw. Anything
else it raises is broken too: a provider may only raise `ProviderError`, where expected.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from providers import errors
from providers.accumulate import Accumulator
from providers.conformance.lab import KEY, Lab
from providers.errors import ProviderError
from providers.events import Finished, StreamError, TextDelta, Usage
from providers.types import (
    Message,
    Origin,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)

SENTENCE = "The quick brown fox jumps over the lazy dog."
MULTI_BYTE = "Grüße, 世界 – 👩‍👩‍👧 ¿qué tal? \u2028 αβγ"
_IDLE_S = 0.6  # the limit of silence in rules about broken streams
WEATHER = Tool(
    name="get_weather",
    description="The weather of a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
)


class Broken(Exception):
    """A promise is not kept; the message says what was seen."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A named promise and its check."""

    name: str
    promise: str
    check: Callable[[Lab], None]


RULES: list[Rule] = []


def rule(
    name: str, promise: str
) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    """Register a check under a name."""

    def keep(check: Callable[[Lab], None]) -> Callable[[Lab], None]:
        RULES.append(Rule(name, promise, check))
        return check

    return keep


def must(claim: bool, seen: str) -> None:
    """Raise Broken with what was seen unless the claim holds."""
    if not claim:
        raise Broken(seen)


def _answer(lab: Lab, text: str = "hello", **options: object) -> Accumulator:
    found = Accumulator()
    for event in lab.events(
        [Message(role="user", parts=[TextPart(text=text)])], **options
    ):
        found.add(event)
    return found


def _whole(lab: Lab, text: str = "hello", **options: object) -> Accumulator:
    found = _answer(lab, text, **options)
    must(found.error is None, f"an error where none was: {found.error}")
    return found


@rule("text", "the text of an answer arrives whole, in order, once")
def text(lab: Lab) -> None:
    lab.say(text=SENTENCE)
    found = _whole(lab)
    must(found.text == SENTENCE, f"text was {found.text!r}")


@rule("end", "a response ends with exactly one terminal event, and says why it ended")
def end(lab: Lab) -> None:
    lab.say(text=SENTENCE, stop="length")
    events = list(lab.events([Message(role="user", parts=[TextPart(text="hello")])]))
    ends = [e for e in events if isinstance(e, Finished | StreamError)]
    must(len(ends) == 1 and events[-1] is ends[0], f"{len(ends)} terminal events")
    finished = ends[0]
    must(isinstance(finished, Finished), "it ended with an error")
    if isinstance(finished, Finished):
        reason = finished.stop_reason
        must(reason == "length", f"the stop reason “length” became {reason!r}")


@rule("multi_byte", "text of several bytes a character survives any cut of the network")
def multi_byte(lab: Lab) -> None:
    lab.say(text=MULTI_BYTE, piece_bytes=3)
    found = _whole(lab)
    must(found.text == MULTI_BYTE, f"text was {found.text!r}")


@rule("tool_call", "a tool call arrives whole: id, name, parsed arguments")
def tool_call(lab: Lab) -> None:
    lab.say(calls=[("get_weather", {"city": "Zürich"})])
    found = _whole(lab, tools=[WEATHER])
    calls = [(call.name, call.arguments) for call in found.tool_calls]
    must(calls == [("get_weather", {"city": "Zürich"})], f"calls were {calls}")
    must(all(call.call_id for call in found.tool_calls), "a call has no id")


@rule("parallel_calls", "several tool calls of one answer stay apart")
def parallel_calls(lab: Lab) -> None:
    wanted = [("get_weather", {"city": "Bern"}), ("get_weather", {"city": "Basel"})]
    lab.say(calls=wanted)
    found = _whole(lab, tools=[WEATHER])
    calls = [(call.name, call.arguments) for call in found.tool_calls]
    must(calls == wanted, f"calls were {calls}")
    kept = [part for part in found.parts() if isinstance(part, ToolCallPart)]
    stored = [(part.name, part.arguments) for part in kept]
    must(stored == wanted, f"the message kept {stored}")
    ids = {call.call_id for call in found.tool_calls}
    must(len(ids) == len(wanted), "two calls share an id")


@rule(
    "tool_result",
    "an answer with its opaque state and a tool result goes back and is accepted",
)
def tool_result(lab: Lab) -> None:
    lab.say(reasoning="Let me look.", calls=[("get_weather", {"city": "Bern"})])
    first = _whole(lab, "weather?", tools=[WEATHER])
    calls = [part for part in first.parts() if isinstance(part, ToolCallPart)]
    origin = Origin(provider=lab.slug, model=lab.model, session_id=lab.credential.name)
    history = [
        Message(role="user", parts=[TextPart(text="weather?")]),
        Message(role="assistant", parts=first.parts(), origin=origin),
        Message(
            role="tool",
            parts=[
                ToolResultPart(call_id=call.call_id, name=call.name, text="12 degrees")
                for call in calls
            ],
        ),
    ]
    given = lab.sealed()
    lab.say(text=SENTENCE)
    found = Accumulator()
    for event in lab.events(history, tools=[WEATHER]):
        found.add(event)
    must(bool(found.text), "the next turn said nothing")
    sent = lab.requests()[-1].body
    must(all(state in sent for state in given), "the opaque state was not sent back")


@rule("usage", "tokens are counted: input, output, and the vendor's own object")
def usage(lab: Lab) -> None:
    lab.say(text=SENTENCE)
    found = _whole(lab).usage
    must(isinstance(found, Usage), "no usage arrived")
    if isinstance(found, Usage):
        must((found.input_tokens or 0) > 0, f"input tokens were {found.input_tokens}")
        must(
            (found.output_tokens or 0) > 0, f"output tokens were {found.output_tokens}"
        )
        must(bool(found.raw), "the vendor's own object is missing")


@rule(
    "stop",
    "close() from another thread ends a silent stream within a second, also upstream",
)
def stop(lab: Lab) -> None:
    lab.say(text=SENTENCE, stall_s=3)
    with lab.stream([Message(role="user", parts=[TextPart(text="hello")])]) as stream:
        events = iter(stream)
        next(e for e in events if isinstance(e, TextDelta))
        timer = threading.Timer(0.1, stream.close)
        timer.start()
        started = time.monotonic()
        rest = list(events)
        took = time.monotonic() - started
    must(took < 1.1, f"it took {took:.1f} s")
    last = rest[-1] if rest else None
    must(
        isinstance(last, Finished) and last.stop_reason == "cancelled",
        f"it ended with {last}",
    )
    must(
        lab.upstream_is_closed(within_s=1.0), "the vendor still has the connection open"
    )


def _refused(
    lab: Lab, status: int, retry_after_s: float | None = None
) -> ProviderError:
    lab.refuse(status, retry_after_s=retry_after_s)
    try:
        _answer(lab)
    except ProviderError as exc:
        return exc
    raise Broken(f"HTTP {status} was not an error")


def _status_rule(status: int, kind: type[ProviderError], promise: str) -> None:
    @rule(f"status_{status}", promise)
    def check(lab: Lab) -> None:
        exc = _refused(lab, status)
        must(isinstance(exc, kind), f"HTTP {status} became {type(exc).__name__}")
        must(exc.status == status, f"the status became {exc.status}")
        must(KEY not in f"{exc!r} {exc.message}", "the message holds the key")


_status_rule(401, errors.CredentialRejected, "401 asks the person for another key")
_status_rule(403, errors.PermissionRefused, "403 says that the account may not do this")
_status_rule(404, errors.ModelNotFound, "404 says that there is no such model")
_status_rule(500, errors.ProviderUnavailable, "500 may be tried again")


@rule("status_429", "429 says how long to wait")
def status_429(lab: Lab) -> None:
    exc = _refused(lab, 429, retry_after_s=7)
    must(isinstance(exc, errors.RateLimited), f"429 became {type(exc).__name__}")
    must(exc.retryable, "429 is not retryable")
    must(exc.retry_after_s == 7, f"the wait became {exc.retry_after_s} s")


@rule("overloaded", "an overloaded vendor (503, 529) is told from a broken one")
def overloaded(lab: Lab) -> None:
    exc = _refused(lab, lab.overloaded_status)
    must(isinstance(exc, errors.Overloaded), f"overload became {type(exc).__name__}")


def _broken_stream(lab: Lab, *, kind: str) -> ProviderError:
    lab.break_stream(kind=kind)
    lab.say(text=SENTENCE)
    found = Accumulator()
    try:
        for event in lab.events(
            [Message(role="user", parts=[TextPart(text="hello")])],
            idle_timeout_s=_IDLE_S,
        ):
            found.add(event)
    except ProviderError as exc:
        must(
            SENTENCE.startswith(found.text) and bool(found.text), f"kept {found.text!r}"
        )
        return exc
    raise Broken(f"it ended as if nothing had happened, with {found.text!r}")


@rule("cut", "a stream cut in mid-event is an error, and the text before it is kept")
def cut(lab: Lab) -> None:
    exc = _broken_stream(lab, kind="cut")
    must(isinstance(exc, errors.StreamCut), f"the cut became {type(exc).__name__}")


@rule(
    "stall", "a silent stream ends after its idle limit, and the text before it is kept"
)
def stall(lab: Lab) -> None:
    started = time.monotonic()
    exc = _broken_stream(lab, kind="stall")
    took = time.monotonic() - started
    must(
        isinstance(exc, errors.StreamStalled), f"the stall became {type(exc).__name__}"
    )
    must(took < _IDLE_S + 2, f"it took {took:.1f} s with a limit of {_IDLE_S} s")


@rule(
    "stream_error",
    "an error inside a stream is an error, and the text before it is kept",
)
def stream_error(lab: Lab) -> None:
    exc = _broken_stream(lab, kind="error")
    is_cut = isinstance(exc, errors.StreamCut | errors.StreamStalled)
    must(
        isinstance(exc, errors.ProviderUnavailable) and not is_cut,
        f"the vendor's error became {type(exc).__name__}",
    )


@rule(
    "malformed",
    "an event that is no JSON is a protocol error, and the text before is kept",
)
def malformed(lab: Lab) -> None:
    exc = _broken_stream(lab, kind="garbage")
    must(isinstance(exc, errors.ProtocolError), f"garbage became {type(exc).__name__}")


@rule("models", "the model list is complete, over all its pages, without doubles")
def models(lab: Lab) -> None:
    listed = [model.id for model in lab.models()]
    must(len(listed) == len(set(listed)), "a model is listed twice")
    lacks = sorted(lab.known_models() - set(listed))
    must(not lacks, f"missing: {', '.join(lacks[:3])}")


@rule("secret", "the key travels in a header and nowhere else")
def secret(lab: Lab) -> None:
    lab.say(text=SENTENCE)
    _whole(lab)
    seen = lab.requests()
    must(bool(seen), "nothing arrived at the credential's own address")
    must(all(KEY not in request.target for request in seen), "the key is in a URL")
    must(all(KEY not in request.body for request in seen), "the key is in a body")
    must(any(request.is_signed for request in seen), "no header carried the key")
