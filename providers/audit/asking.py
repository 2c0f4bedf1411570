"""One piece of source → the claims of a model about it: asked, asked again, or given up.

    transient failure          the same request again, within `retry.Limits`
    an answer that does not    once more, with the error; then AuditFailed
    fit, or was cut off
    too long for the model     in two halves, each on its own

Blocks in the caller's thread. `cancel` ends it within a second, also while a vendor is
silent. Nothing is shown while an answer arrives, so a broken one may be asked for anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from providers.accumulate import Accumulator
from providers.audit.prompt import correction, question
from providers.audit.report import AuditUsage, Severity
from providers.audit.schema import Claim, Misfit, read_answer
from providers.audit.split import Piece, halves
from providers.chat_stream import ResponseStream
from providers.errors import (
    ContentBlocked,
    ContextTooLong,
    ProtocolError,
    ProviderError,
)
from providers.events import Usage
from providers.retry import Attempted, Limits, decide
from providers.types import Message, TextPart

# What of an answer that does not fit goes back to the model, in characters.
_ECHO_CHARS = 8_000
_CUT_OFF = (
    "it was cut off at the output limit. Report the worst findings only, at most ten, and "
    "be brief."
)

OpenStream = Callable[[Sequence[Message]], ResponseStream]
Notice = Callable[[str], None]


class AuditFailed(ProtocolError):
    """The model answered twice in a form that cannot be used; nothing is made of it.

    `usage`: what that cost, where the whole audit came to nothing.
    """

    usage: AuditUsage | None = None


class Cancelled(Exception):
    """Somebody set `cancel`."""


@dataclass
class Heard:
    """What came of one piece: claims about its parts, the tokens of every request.

    `failed`: parts that nobody judged, and why. `stopped`: parts that `cancel` saved.
    """

    piece: Piece
    claims: list[tuple[Piece, list[Claim]]] = field(default_factory=list)
    usages: list[Usage | None] = field(default_factory=list)
    failed: list[tuple[Piece, ProviderError]] = field(default_factory=list)
    stopped: list[Piece] = field(default_factory=list)


class Asker:
    """Asks about pieces, one at a time. Several may share `cancel` and `open_stream`."""

    def __init__(
        self,
        open_stream: OpenStream,
        *,
        cancel: threading.Event,
        limits: Limits,
        floor: Severity,
        is_diff: bool,
        notice: Notice,
    ) -> None:
        self._open_stream = open_stream
        self._cancel = cancel
        self._limits = limits
        self._floor = floor
        self._is_diff = is_diff
        self._notice = notice
        self._stream: ResponseStream | None = None

    def ask(self, piece: Piece, heard: Heard) -> None:
        """Fill `heard`. Raises nothing of a vendor's: errors of a part stand in it."""
        try:
            heard.claims.append((piece, self._claims(piece, heard)))
        except ContextTooLong as exc:
            parts = halves(piece)
            if not parts:
                heard.failed.append((piece, exc))
            for part in parts:
                self.ask(part, heard)
        except ProviderError as exc:
            heard.failed.append((piece, exc))
        except Cancelled:
            heard.stopped.append(piece)

    def close(self) -> None:
        """End what is being asked, from any thread."""
        stream = self._stream
        if stream is not None:
            stream.close()

    def _claims(self, piece: Piece, heard: Heard) -> list[Claim]:
        """Raises Cancelled, AuditFailed, ProviderError."""
        words = question(piece, floor=self._floor, is_diff=self._is_diff)
        messages = [_says("user", words)]
        first_answer = self._answer(messages, heard)
        try:
            return _read(first_answer)
        except Misfit as exc:
            self._notice("asking again: the answer did not fit")
            if said := first_answer.text[:_ECHO_CHARS]:
                messages.append(_says("assistant", said))
            messages.append(_says("user", correction(str(exc))))
        try:
            return _read(self._answer(messages, heard))
        except Misfit as exc:
            raise AuditFailed(
                "The model's answer had not the form of an audit, and neither had the "
                f"second one: {exc} Try another model."
            ) from exc

    def _answer(self, messages: Sequence[Message], heard: Heard) -> Accumulator:
        """A whole response; transient failures are tried again."""
        began = time.monotonic()
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._attempt(messages, heard)
            except ProviderError as exc:
                self._check_cancelled()
                so_far = Attempted(
                    attempts=attempts, elapsed_s=time.monotonic() - began
                )
                decision = decide(exc.info(), so_far, self._limits)
                if decision.action != "retry":
                    raise
                self._notice(f"waiting {decision.wait_s:.0f} s: {decision.why}")
                if self._cancel.wait(decision.wait_s):
                    raise Cancelled from exc

    def _attempt(self, messages: Sequence[Message], heard: Heard) -> Accumulator:
        """One request. Its tokens are counted whatever becomes of it."""
        self._check_cancelled()
        answer = Accumulator()
        stream = self._stream = self._open_stream(messages)
        try:
            self._check_cancelled()  # set before there was anything to close
            with stream:
                for event in stream:
                    answer.add(event)
        finally:
            self._stream = None
            if answer.events:
                heard.usages.append(answer.usage)
        self._check_cancelled()
        return answer

    def _check_cancelled(self) -> None:
        if self._cancel.is_set():
            raise Cancelled


def _read(answer: Accumulator) -> list[Claim]:
    """Raises Misfit, ContentBlocked."""
    stop = answer.finished.stop_reason if answer.finished else "other"
    if stop in ("refusal", "content_filter") or (answer.refusal and not answer.text):
        raise ContentBlocked("The model declined to audit this part of the source.")
    if stop in ("length", "context_full"):
        raise Misfit(_CUT_OFF)
    return read_answer(answer.text)


def _says(role: str, text: str) -> Message:
    return Message(
        role="assistant" if role == "assistant" else "user", parts=[TextPart(text=text)]
    )
