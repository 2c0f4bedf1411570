"""A stream that is paid for: reserved before the vendor is asked, counted afterwards.

The one seam of all calls that cost: answers (`step.py`), summaries and audits wrap their
`ChatStream` in a `Metered`. What a call brought is what the vendor told; where it told
nothing, or not all of it (stopped, cut off), what was sent and what arrived is estimated.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import msgspec
from django.db import Error, IntegrityError

from providers.chat_stream import ResponseStream, Sink
from providers.events import MAX_TOKENS, Event, Finished, StreamError, Usage
from sessions_app.models import SavedAuthentication
from sessions_app.person import Person
from sessions_app.runs import estimates
from sessions_app.runs.turns import in_database, writing
from sessions_app.services import usage
from sessions_app.services.usage import Call, Held, Spent

log = logging.getLogger(__name__)

_lock = threading.Lock()
_open: set[UUID] = set()  # reservations of calls that this process is making
_late: deque[tuple[Call, Held, Spent | None]] = deque()  # the database was away


def call_of(
    person: Person | None,
    credential: SavedAuthentication,
    model: str,
    *,
    input_tokens: int = 0,
) -> Call:
    """Who asks whom. `input_tokens` 0: as many as the request's size says."""
    return Call(
        person_id=person.pk if person else None,
        person_name=person.get_username() if person else "",
        credential_id=credential.pk,
        credential_name=credential.name,
        provider=credential.provider,
        model=model,
        is_demo=credential.is_demo,
        input_tokens=input_tokens,
        is_own_server=credential.is_own_server,
    )


class Metered:
    """A `ResponseStream` around another one. Entering it may raise LimitReached."""

    def __init__(self, stream: ResponseStream, call: Call) -> None:
        self._stream = stream
        self._size = 0  # of the request, in bytes
        if not call.input_tokens or call.is_own_server:
            self._size = len(msgspec.json.encode(dict(stream.request_body)))
        if not call.input_tokens:
            tokens = max(1, self._size // estimates.CHARS_PER_TOKEN)
            call = msgspec.structs.replace(call, input_tokens=tokens)
        self._call = call
        self._held: Held | None = None
        self._usage: Usage | None = None
        self._chars = 0
        self._is_broken = False
        self._is_over = False  # by the vendor's own word

    @property
    def request_body(self) -> Mapping[str, Any]:
        """What is sent."""
        return self._stream.request_body

    @property
    def was_asked(self) -> bool:
        """Whether the vendor may have begun to answer."""
        return self._stream.was_asked

    def __enter__(self) -> Self:
        self._held = _hold(self._call)
        try:
            self._stream.__enter__()
        except BaseException:
            self._settle(None)  # refused or never reached: nothing is paid for
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stream.__exit__(exc_type, exc, trace)
        finally:
            self._settle(self._spent())

    def close(self) -> None:
        """End it, from any thread."""
        self._stream.close()

    def __iter__(self) -> Iterator[Event]:
        for event in self._stream:
            self._see(event)
            yield event

    def drive(self, sink: Sink, *, tick_s: float = 0.05) -> None:
        """Hand batches of events to `sink`, and watch what they cost."""

        def watched(events: list[Event]) -> None:
            for event in events:
                self._see(event)
            sink(events)

        self._stream.drive(watched, tick_s=tick_s)

    def _see(self, event: Event) -> None:
        if isinstance(event, Usage):
            self._usage = event if _is_credible(event) else None
        elif isinstance(event, StreamError):
            self._is_broken = True
        elif isinstance(event, Finished):
            self._is_over = estimates.ended_by_vendor(event)
        else:
            self._chars += estimates.chars_of(event)

    def _spent(self) -> Spent | None:
        """None for a vendor that was not asked, or said nothing but an error."""
        told = self._usage
        if not self._stream.was_asked:
            return None
        if told is None and self._is_broken and not self._chars:
            return None
        is_whole = (
            self._is_over
            and told is not None
            and told.input_tokens is not None
            and told.output_tokens is not None
        )
        sent = told.input_tokens if told else None
        said = told.output_tokens if told else None
        if not is_whole:
            said = estimates.output_tokens(said, self._chars)
        spent = Spent(
            input_tokens=self._call.input_tokens if sent is None else sent,
            output_tokens=said or 0,
            usage=told if is_whole else None,
            is_estimate=not is_whole,
        )
        return self._bounded(spent) if self._call.is_own_server else spent

    def _bounded(self, spent: Spent) -> Spent:
        """What a server of one's own may count under limits that others share: no more
        than the text can have had. What it told as parts must fit into its wholes."""
        most_in, most_out = self._size, estimates.most_output(self._chars)
        told = spent.usage
        is_possible = (
            spent.input_tokens <= most_in
            and spent.output_tokens <= most_out
            and (told is None or _fits(told, spent))
        )
        if is_possible:
            return spent
        return Spent(
            input_tokens=min(spent.input_tokens, most_in),
            output_tokens=min(spent.output_tokens, most_out),
            is_estimate=True,
        )

    def _settle(self, spent: Spent | None) -> None:
        held, self._held = self._held, None
        if held is not None:
            _settle(self._call, held, spent)


def settle_late() -> int:
    """Count what could not be counted while the database was away. How many."""
    count = 0
    while _late:
        call, held, spent = _late[0]
        _count(call, held, spent)
        _late.popleft()
        _forget(held)
        count += 1
    return count


def release_abandoned() -> int:
    """Give back what processes that died had reserved. How many."""
    return usage.release_abandoned(_open.__contains__)


def _hold(call: Call) -> Held:
    hold_id = uuid.uuid4()
    with _lock:  # before it is stored: the reaper must know whose it is
        _open.add(hold_id)
    held: Held | None = None
    try:
        held = in_database(_writing, usage.hold, call, hold_id)
    finally:
        if held is None or held.hold_id is None:
            with _lock:
                _open.discard(hold_id)
    return held


def _settle(call: Call, held: Held, spent: Spent | None) -> None:
    try:
        in_database(_count, call, held, spent)
    except Error as exc:  # an answer is not lost for its bill
        log.warning("usage.settled_late", extra={"error": type(exc).__name__})
        _late.append((call, held, spent))
        return
    _forget(held)


def _count(call: Call, held: Held, spent: Spent | None) -> None:
    try:
        _writing(usage.settle, call, held, spent)
    except IntegrityError:  # who asked was deleted meanwhile: their name stays
        nobodys = msgspec.structs.replace(call, person_id=None)
        _writing(usage.settle, nobodys, held, spent)


def _forget(held: Held) -> None:
    if held.hold_id is not None:
        with _lock:
            _open.discard(held.hold_id)


def _is_credible(told: Usage) -> bool:
    """Whether numbers can be counted: whoever runs a server may let it say anything, and
    what is counted holds for others, too."""
    said = (
        told.input_tokens,
        told.output_tokens,
        told.cached_input_tokens,
        told.cache_write_tokens,
        told.reasoning_tokens,
    )
    return all(0 <= tokens <= MAX_TOKENS for tokens in said if tokens is not None)


def _fits(told: Usage, spent: Spent) -> bool:
    read = (told.cached_input_tokens or 0) + (told.cache_write_tokens or 0)
    return (
        read <= spent.input_tokens
        and (told.reasoning_tokens or 0) <= spent.output_tokens
    )


def _writing(work: Callable[..., Any], *args: Any) -> Any:
    with writing():
        return work(*args)
