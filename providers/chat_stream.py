"""`ChatStream`: one model response on its way, to pull from or to drive into a sink.

Made by `provider.stream_chat`; nothing is sent until it is entered. Pull (commands,
tests, audits): iterate it, events come one by one and an error is raised where it
happened. Push (runs): `drive(sink)` hands over everything that arrived in a tick as one
batch, because the cost of a stream is the wake-up and not the byte.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from providers.errors import (
    CredentialExpired,
    CredentialRejected,
    ProviderError,
    from_info,
)
from providers.events import Event, Finished, StreamError
from providers.http.client import HttpClient
from providers.http.response import StreamingResponse
from providers.interface import StreamCall
from providers.streaming import StreamParser, cut

Sink = Callable[[list[Event]], None]
Signed = tuple[StreamCall, HttpClient]
# The same request with a renewed login; None when there is nothing to renew.
Renew = Callable[[], Signed | None]


class ResponseStream(Protocol):
    """What `ChatStream` offers, and whatever is put around one (a meter)."""

    @property
    def request_body(self) -> Mapping[str, Any]: ...

    @property
    def was_asked(self) -> bool: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def __iter__(self) -> Iterator[Event]: ...

    def close(self) -> None: ...

    def drive(self, sink: Sink, *, tick_s: float = 0.05) -> None: ...


class ChatStream:
    """One attempt at one response. Use as a context manager; `close()` from any thread.

    `renew_first`: asked before anything is sent, where the login is near its end. `renew`:
    asked once, when the vendor refuses the credential before it says anything. Both may
    take minutes: `on_renewing` hears when one begins (True) and ends (False).
    """

    def __init__(
        self,
        call: StreamCall,
        client: HttpClient,
        *,
        idle_timeout_s: float = 300.0,
        renew: Renew | None = None,
        renew_first: Renew | None = None,
        on_renewing: Callable[[bool], None] | None = None,
    ) -> None:
        self._call = call
        self._client = client
        self._idle_timeout_s = idle_timeout_s
        self._parser = StreamParser(call.decoder)
        self._response: StreamingResponse | None = None
        self._closed = False
        self._renew = renew
        self._recorded: bytearray | None = None
        self._renew_first = renew_first
        self._woken = threading.Event()  # a renewal has ended, or nobody waits for it
        self._on_renewing = on_renewing or (lambda is_renewing: None)
        self._was_asked = False

    def __enter__(self) -> Self:
        """Send the request. Raises ProviderError for anything but a 2xx stream."""
        if self._closed:
            return self
        try:
            self._response = self._open()
        except BaseException as exc:
            self._client.close()
            if isinstance(exc, ProviderError) and self._was_closed():
                return self  # we ended it ourselves, before its answer came
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def request_body(self) -> Mapping[str, Any]:
        """The JSON body that is sent, or was. It holds no secret: those are headers."""
        return self._call.body

    @property
    def was_asked(self) -> bool:
        """Whether a request was sent that no credential was refused for. False where it
        was closed before, as while a login was renewed: that is paid for by nobody."""
        return self._was_asked

    def close(self) -> None:
        """End the stream now, from any thread, even while the vendor is silent."""
        self._closed = True
        self._woken.set()
        self._client.abort()
        if self._response is not None:
            self._response.abort()

    def sever(self) -> None:
        """Break the connection as a network does: what follows is a cut, not an end.

        For proofs of what happens then; `close` is how a stream is ended.
        """
        if self._response is not None:
            self._response.abort()

    def record(self) -> bytearray:
        """Fills with the bytes of the body as they arrive: for captures and proofs."""
        self._recorded = bytearray()
        return self._recorded

    def _open(self) -> StreamingResponse | None:
        """The answer; asked for a second time where a renewed login may help. None when
        it was closed while a login was renewed."""
        if self._renew_first is not None:
            self._take(self._renewed(self._renew_first))
        if self._was_closed():
            return None
        try:
            return self._ask()
        except (CredentialExpired, CredentialRejected):
            self._was_asked = False
            can_renew = self._renew is not None and not self._closed
            again = self._renewed(self._renew) if self._renew and can_renew else None
            if again is None:
                raise
        self._take(again)
        return self._ask()

    def _ask(self) -> StreamingResponse:
        self._was_asked = True
        return self._client.open_stream(self._call, idle_timeout_s=self._idle_timeout_s)

    def _take(self, fresh: Signed | None) -> None:
        """Ask with this from now on; None changes nothing."""
        if fresh is None:
            return
        self._client.close()
        self._call, self._client = fresh
        self._parser = StreamParser(self._call.decoder)
        if self._was_closed():
            self._client.abort()

    def _renewed(self, renew: Renew) -> Signed | None:
        """What `renew` brings; None also when it was closed meanwhile. A close does not
        wait for a renewal, and must not break it off: half of one ends a login."""
        found: Future[Signed | None] = Future()

        def work() -> None:
            try:
                found.set_result(renew())
            except BaseException as exc:
                found.set_exception(exc)
            finally:
                self._woken.set()

        self._on_renewing(True)
        try:
            # Not a daemon: a process that ends waits for the answer of the vendor.
            threading.Thread(target=work, name="renew-login").start()
            self._woken.wait()
        finally:
            self._on_renewing(False)
        if self._was_closed():
            found.add_done_callback(_discard)
            return None
        self._woken.clear()
        return found.result()

    def _was_closed(self) -> bool:
        """Asked again: another thread may have closed it while we waited."""
        return self._closed

    def __iter__(self) -> Iterator[Event]:
        """Events in order, the last one `Finished`; a broken stream raises its error."""
        for batch in self._masked(self._batches(tick_s=0.0)):
            for event in batch:
                if isinstance(event, StreamError):
                    raise from_info(event.error)
                yield event

    def drive(self, sink: Sink, *, tick_s: float = 0.05) -> None:
        """Hand batches of events to `sink`; returns after the terminal event.

        What arrives first goes out at once, then at most one batch per `tick_s`.
        A broken stream ends with a `StreamError` in the last batch; nothing is raised.
        """
        for batch in self._masked(self._batches(tick_s=tick_s)):
            sink(batch)

    def _masked(self, batches: Iterator[list[Event]]) -> Iterator[list[Event]]:
        """The same; what the vendor says of an error does not repeat our key."""
        for batch in batches:
            last = batch[-1] if batch else None
            if isinstance(last, StreamError):
                error = self._client.masked(last.error)
                batch[-1] = msgspec.structs.replace(last, error=error)
            yield batch

    def _batches(self, *, tick_s: float) -> Iterator[list[Event]]:
        response = self._response
        parser = self._parser
        if response is None:
            yield parser.fail(cut()) if not self._closed else _cancelled(parser)
            return
        try:
            for chunk in response.chunks(tick_s=tick_s):
                if self._closed:
                    break
                if self._recorded is not None:
                    self._recorded += chunk
                events = parser.feed(chunk)
                if events:
                    yield events
                if parser.done:
                    return
        except ProviderError as exc:
            if not self._closed:
                yield parser.fail(exc.info())
                return
        yield _cancelled(parser) if self._closed else parser.finish()


def _discard(late: Future[Signed | None]) -> None:
    """A renewed login that nobody waits for any more is stored, and not used here."""
    if late.exception() is None and (fresh := late.result()) is not None:
        fresh[1].close()


def _cancelled(parser: StreamParser) -> list[Event]:
    """We ended it ourselves: that is an end, not an error."""
    if parser.done:
        return []
    parser.done = True
    return [Finished(stop_reason="cancelled")]
