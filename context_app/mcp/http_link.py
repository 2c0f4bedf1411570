"""A server behind streamable HTTP: sessions, answers in JSON or events, resumption.

Every message of ours is a POST of its own, so calls of several threads do not wait for each
other. Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from context_app.mcp import messages
from context_app.mcp.config import ServerConfig
from context_app.mcp.links import MAX_UNSOLICITED, Limits, OnChange
from context_app.mcp.messages import Ended, McpError, SessionGone
from providers.http.mcp import EndpointAnswer, EndpointEnded, EndpointError, McpEndpoint

log = logging.getLogger(__name__)

_SESSION = re.compile(r"[\x21-\x7e]{1,512}")
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,1024}")  # it goes back in a header
_ACCEPT = "application/json, text/event-stream"
_POST = {"Content-Type": "application/json", "Accept": _ACCEPT}
_MAX_RESUMPTIONS = 100
_DEFAULT_RETRY_S = 1.0
_MAX_RETRY_S = 60.0
_ASIDE_S = 3.0  # for a message whose answer nobody needs
_MAX_ASIDES = 4
_LISTEN_S = 3600.0
_LISTEN_PAUSE_S = (5.0, 300.0)
_NOTHING = object()


class HttpLink:
    """One session. Thread-safe."""

    is_light = True

    def __init__(self, config: ServerConfig, on_change: OnChange) -> None:
        self._endpoint = McpEndpoint(config.name, config.url, config.headers)
        self._name = config.name
        self._on_change = on_change
        self._numbers = itertools.count(1)
        self._session = ""
        self._version = ""
        self._closed = threading.Event()
        self._asides = threading.BoundedSemaphore(_MAX_ASIDES)
        self._is_gone = False

    @property
    def trouble(self) -> str:
        if self._is_gone:
            return "The server has ended our session."
        return "It was closed." if self._closed.is_set() else ""

    def open(self, limits: Limits) -> Mapping[str, Any]:
        result = self.request(messages.INITIALIZE, messages.initialize(), limits)
        if not isinstance(result, Mapping):
            raise McpError("The server did not introduce itself.")
        return result

    def opened(self, version: str, limits: Limits, *, tells_changes: bool) -> None:
        self._version = version
        self._notify(messages.notification("notifications/initialized"), limits)
        if tells_changes:
            threading.Thread(
                target=self._listen, name=f"mcp-listen-{self._name}", daemon=True
            ).start()

    def request(self, method: str, params: Mapping[str, Any], limits: Limits) -> Any:
        number = next(self._numbers)
        body = messages.encode(messages.request(number, method, params))
        try:
            return self._exchange(method, number, body, limits)
        except EndpointEnded as exc:
            if method != messages.INITIALIZE:
                self._aside(messages.cancelled(number, str(exc)))
            raise Ended(str(exc)) from None
        except EndpointError as exc:
            raise McpError(f"{exc} {_effect(method, exc)}".strip()) from None

    def close(self) -> None:
        if self._closed.is_set():
            return
        self._closed.set()
        if self._session and not self._is_gone:
            limits = Limits(until=time.monotonic() + 1.0, stop=threading.Event())
            with (
                contextlib.suppress(EndpointError),
                self._open("DELETE", None, limits, {}) as answer,
            ):
                answer.error()

    def _exchange(self, method: str, number: int, body: bytes, limits: Limits) -> Any:
        with self._open("POST", body, limits, _POST) as answer:
            self._check(answer, method)
            if method == messages.INITIALIZE:
                self._begin(answer)
            reading = _Reading(self, number)
            found = reading.of(answer)
            resumable = answer.kind == "text/event-stream"
        for _ in range(_MAX_RESUMPTIONS):
            if found is not _NOTHING or not resumable or not reading.last_id:
                break
            self._pause(reading.retry_s, limits)
            found = self._resumed(reading, limits)
        if found is _NOTHING:
            raise _broken_off()
        return found

    def _resumed(self, reading: _Reading, limits: Limits) -> Any:
        """More of an answer. The request itself was taken: whatever goes wrong here, also
        a session that is gone, is no reason to believe otherwise."""
        more = {"Accept": "text/event-stream", "Last-Event-ID": reading.last_id}
        try:
            with self._open("GET", None, limits, more) as answer:
                if answer.status != 200:
                    raise _broken_off()
                return reading.of(answer)
        except EndpointEnded:
            raise
        except EndpointError:
            raise _broken_off() from None

    def _check(self, answer: EndpointAnswer, method: str) -> None:
        """Raise what a status that is no success means."""
        if 200 <= answer.status < 300:
            return
        if answer.status == 404 and self._session and method != messages.INITIALIZE:
            self._is_gone = True
            raise SessionGone("The server has ended our session.")
        if answer.status in (401, 403):
            raise McpError(
                f"The server refuses us (HTTP {answer.status}). Check its headers in the "
                "file of MCP servers."
            )
        said = answer.error()
        if isinstance(said, dict) and isinstance(said.get("error"), dict):
            raise messages.refusal(said["error"])
        hint = ""
        if method == messages.INITIALIZE and answer.status in (400, 404, 405):
            hint = (
                " Streamable HTTP is not spoken at this address; the older HTTP+SSE "
                "transport is not supported."
            )
        raise McpError(f"The server answered with HTTP status {answer.status}.{hint}")

    def _begin(self, answer: EndpointAnswer) -> None:
        session = answer.headers.get("mcp-session-id", "")
        if session and not _SESSION.fullmatch(session):
            raise McpError("The server gave a session id that cannot be sent back.")
        self._session = session

    def _open(
        self,
        method: str,
        body: bytes | None,
        limits: Limits,
        headers: Mapping[str, str],
    ) -> contextlib.AbstractContextManager[EndpointAnswer]:
        own = {}
        if self._session:
            own["Mcp-Session-Id"] = self._session
        if self._version:
            own["Mcp-Protocol-Version"] = self._version
        return self._endpoint.open(
            method, body, {**headers, **own}, until=limits.until, stop=limits.stop
        )

    def _notify(self, message: Mapping[str, Any], limits: Limits) -> None:
        try:
            with self._open("POST", messages.encode(message), limits, _POST) as answer:
                self._check(answer, "")
                answer.error()  # nothing is expected; read, the connection is kept
        except EndpointEnded as exc:
            raise Ended(str(exc)) from None
        except EndpointError as exc:
            raise McpError(str(exc)) from None

    def _aside(self, message: Mapping[str, Any]) -> None:
        """Tell the server, while nobody waits for it; a few at a time, the rest is left."""
        if self._closed.is_set() or not self._asides.acquire(blocking=False):
            return

        def tell() -> None:
            limits = Limits(until=time.monotonic() + _ASIDE_S, stop=self._closed)
            try:
                with contextlib.suppress(McpError):
                    self._notify(message, limits)
            finally:
                self._asides.release()

        threading.Thread(target=tell, name="mcp-aside", daemon=True).start()

    def take(self, value: Any) -> messages.Answer | None:
        """Deal with one message; an answer is handed back."""
        match messages.understood(value):
            case messages.Answer() as answer:
                return answer
            case messages.Asked(reply):
                self._aside(reply)
            case messages.Told(messages.TOOLS_CHANGED):
                self._on_change()
        return None

    def _pause(self, wait_s: float, limits: Limits) -> None:
        left_s = limits.until - time.monotonic()
        if limits.stop.wait(min(wait_s, max(left_s, 0.0))):
            raise EndpointEnded(is_late=False)
        if wait_s >= left_s:
            raise EndpointEnded(is_late=True)

    def _listen(self) -> None:
        """Read what the server says by itself, as long as it offers that."""
        least_s, most_s = _LISTEN_PAUSE_S
        pause_s, last_id = least_s, ""
        while not self._closed.is_set():
            limits = Limits(until=time.monotonic() + _LISTEN_S, stop=self._closed)
            headers = {"Accept": "text/event-stream"}
            if last_id:
                headers["Last-Event-ID"] = last_id
            began = time.monotonic()
            try:
                with self._open("GET", None, limits, headers) as answer:
                    if answer.status != 200 or answer.kind != "text/event-stream":
                        return  # 405: not offered; 404: the next request notices
                    for count, item in enumerate(answer.items()):
                        if _EVENT_ID.fullmatch(item.event_id):
                            last_id = item.event_id
                        if item.value is not None:
                            self.take(item.value)
                        if count >= MAX_UNSOLICITED:
                            break
            except EndpointError as exc:
                log.debug(
                    "mcp.listen_ended", extra={"server": self._name, "why": str(exc)}
                )
            is_short = time.monotonic() - began < least_s
            pause_s = min(pause_s * 2, most_s) if is_short else least_s
            self._closed.wait(pause_s * random.uniform(0.8, 1.2))  # noqa: S311


class _Reading:
    """The answer to one request, however many connections it comes over."""

    def __init__(self, link: HttpLink, number: int) -> None:
        self._link = link
        self._number = number
        self._others = 0
        self.last_id = ""
        self.retry_s = _DEFAULT_RETRY_S

    def of(self, answer: EndpointAnswer) -> Any:
        """The result, or _NOTHING when this connection ended without it."""
        with contextlib.closing(_items(answer)) as items:
            for item in items:
                if _EVENT_ID.fullmatch(item.event_id):
                    self.last_id = item.event_id
                if item.retry_ms is not None:
                    self.retry_s = min(item.retry_ms / 1000, _MAX_RETRY_S)
                values = item.value if isinstance(item.value, list) else [item.value]
                for value in values:  # 2025-03-26 knows several messages in one array
                    found = self._link.take(value)
                    if found is not None and found.number == self._number:
                        if found.error is not None:
                            raise found.error
                        return found.result
                    self._others += 1
                if self._others > MAX_UNSOLICITED:
                    raise EndpointError("The server talks without answering.")
        return _NOTHING


def _items(answer: EndpointAnswer) -> Any:
    found: Iterator[Any] = answer.items()
    return found


def _broken_off() -> EndpointError:
    return EndpointError("The server ended its answer before it was whole.")


def _effect(method: str, exc: EndpointError) -> str:
    if method != "tools/call":
        return ""
    if not exc.was_sent:
        return "The call was not executed."
    return "Whether the call took effect is not known; it was not repeated."
