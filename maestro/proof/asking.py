"""The standard question, asked through the saved credential: once, again, broken off.

Every answer comes through `provider.stream_chat`. What failed before anything was shown
is asked again as `providers.retry` decides; what broke off afterwards is mended in the
way the vendor documents, and says which.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from providers import provider as interface
from providers import retry
from providers.accumulate import Accumulator
from providers.chat_stream import ChatStream, ResponseStream
from providers.errors import ProviderError
from providers.events import ErrorInfo, Event, StreamError, Usage
from providers.retry import Attempted, Limits
from providers.types import AuthType, Message, TextPart

PROMPT = (
    "How would you write a FastAPI application that handles Stripe-based subscriptions? "
    "Include error handling and webhook verification."
)
ENOUGH_CHARS = 40  # shown, before a stream is broken off on purpose
SAID_EVERY_S = 2.0
_TICK_S = 0.02

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whom to ask. `idle_timeout_s`: the longest silence within an answer. `meter` counts
    what a stream costs, and may refuse it."""

    provider: str
    auth_type: AuthType
    credential: str
    model: str
    idle_timeout_s: float
    limits: Limits
    meter: Callable[[ChatStream], ResponseStream]
    say: Say

    def stream(self, **options: Any) -> ChatStream:
        """The question on its way; not entered yet."""
        return interface.stream_chat(
            self.provider,
            self.credential,
            [Message(role="user", parts=[TextPart(text=PROMPT)])],
            model=self.model,
            auth_type=self.auth_type,
            idle_timeout_s=self.idle_timeout_s,
            **options,
        )


@dataclass(slots=True)
class Answer:
    """What came. Times in seconds; `wire`: the bytes of the last attempt's body.

    `before`: what an earlier, broken answer had said and this one continues. `how`: in
    which way it was mended. `ended_after_s`: from the moment it was broken off.
    """

    heard: Accumulator = field(default_factory=Accumulator)
    wire: bytearray = field(default_factory=bytearray)
    error: ErrorInfo | None = None
    deltas: int = 0
    attempts: int = 1
    first_event_s: float | None = None
    first_text_s: float | None = None
    total_s: float = 0.0
    before: str = ""
    how: str = ""
    ended_after_s: float | None = None

    @property
    def text(self) -> str:
        """All that a person has read of it."""
        return self.before + self.heard.text

    @property
    def stop_reason(self) -> str | None:
        """Why it ended; None for one that broke."""
        return self.heard.finished.stop_reason if self.heard.finished else None

    @property
    def trouble(self) -> str:
        """What went wrong, in words; "" when nothing did."""
        return f"{self.error.kind}: {self.error.message}" if self.error else ""

    @property
    def usage(self) -> Usage:
        """Tokens; all None where the vendor said nothing."""
        return self.heard.usage or Usage()


def ask(asker: Asker, *, before: str = "") -> Answer:
    """A whole answer, asked for as often as the limits allow while nothing was shown.

    `before`: the text of a broken answer, to be continued.
    """
    options = {"partial": before} if before else {}
    started, attempts = time.monotonic(), 0
    while True:
        attempts += 1
        found = _listen(asker, asker.stream(**options), is_told=True)
        found.attempts, found.before = attempts, before
        if found.error is None:
            return found
        decision = decide(found, asker, time.monotonic() - started)
        if decision.action != "retry":
            return found
        asker.say(f"again in {decision.wait_s:.1f} s: {decision.why}")
        time.sleep(decision.wait_s)


def decide(found: Answer, asker: Asker, elapsed_s: float) -> retry.Decision:
    """What the product does after an answer that failed like this."""
    assert found.error is not None
    so_far = Attempted(
        attempts=found.attempts,
        elapsed_s=elapsed_s,
        has_output=bool(found.heard.text),
    )
    return retry.decide(found.error, so_far, asker.limits)


def stop(asker: Asker) -> Answer:
    """An answer that we stop as soon as there is something to read."""
    return _listen(asker, asker.stream(), breaks_with=_close, after_chars=1)


def fail(asker: Asker, *, is_ours: bool) -> Answer:
    """A request that fails before anything is shown; `is_ours`: we break it."""
    return _listen(
        asker, asker.stream(), breaks_with=ChatStream.sever if is_ours else None
    )


def cut(asker: Asker, *, is_ours: bool) -> Answer:
    """An answer whose connection breaks; `is_ours`: we break it, else the other side."""
    if is_ours:
        return _listen(
            asker,
            asker.stream(),
            breaks_with=ChatStream.sever,
            after_chars=ENOUGH_CHARS,
        )
    return _listen(asker, asker.stream())


def mend(asker: Asker, broken: Answer) -> Answer:
    """The whole answer after all: continued where the vendor documents how, else anew."""
    if broken.text and interface.can_continue(asker.provider):
        found = ask(asker, before=broken.text)
        found.how = "continued"
    else:
        found = ask(asker)
        found.how = "asked anew"
    return found


def _close(stream: ChatStream) -> None:
    """As a person does it: from another thread than the one that reads."""
    threading.Thread(target=stream.close, name="proof-stop").start()


def _listen(
    asker: Asker,
    stream: ChatStream,
    *,
    is_told: bool = False,
    breaks_with: Callable[[ChatStream], None] | None = None,
    after_chars: int = 0,
) -> Answer:
    """One attempt, to its end. `breaks_with` is called once so many characters came; for
    none, before anything is read. `is_told`: progress is said."""
    listener = _Listener(stream, asker.say if is_told else _nobody)
    if after_chars:
        listener.breaks_with, listener.after_chars = breaks_with, after_chars
    found = listener.found
    try:
        with asker.meter(stream) as metered:
            if breaks_with and not after_chars:
                breaks_with(stream)
            metered.drive(listener.hear, tick_s=_TICK_S)
    except ProviderError as exc:
        found.heard.add(StreamError(error=exc.info()))
    listener.end()
    return found


def _nobody(text: str) -> None:
    pass


class _Listener:
    """Fills an Answer with what one attempt brings, and when."""

    def __init__(self, stream: ChatStream, say: Callable[[str], None]) -> None:
        self.found = Answer()
        self.found.wire = stream.record()
        self.breaks_with: Callable[[ChatStream], None] | None = None
        self.after_chars = 0
        self._stream, self._say = stream, say
        self._started = time.monotonic()
        self._broken_at: float | None = None
        self._said_at = 0.0

    def hear(self, events: list[Event]) -> None:
        """The sink of the stream."""
        found, now = self.found, time.monotonic() - self._started
        if found.first_event_s is None:
            found.first_event_s = round(now, 3)
        for event in events:
            found.heard.add(event)
        found.deltas += len(events)
        shown = len(found.heard.text)
        if shown and found.first_text_s is None:
            found.first_text_s = round(now, 3)
        if self.breaks_with and shown >= self.after_chars and self._broken_at is None:
            self._broken_at = time.monotonic()
            self.breaks_with(self._stream)
        if now - self._said_at >= SAID_EVERY_S:
            self._said_at = now
            self._say(f"{shown:,} characters so far")

    def end(self) -> None:
        """It is over: how long it took, and how long after it was broken off."""
        found = self.found
        found.error = found.heard.error
        found.total_s = round(time.monotonic() - self._started, 3)
        if self._broken_at is not None:
            found.ended_after_s = round(time.monotonic() - self._broken_at, 3)
