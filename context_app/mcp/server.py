"""One server of the operator's file in this process: found, watched, called.

A thread of its own connects, lists the tools and looks again: after a while, when the server
says that something changed, when the connection is over (slower each time). Runs take what
was found last and never wait for it, but for a call on a list that is known to be old.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from context_app.mcp import session
from context_app.mcp.config import ServerConfig
from context_app.mcp.definitions import Definition, definitions
from context_app.mcp.http_link import HttpLink
from context_app.mcp.links import Limits, Link, OnChange
from context_app.mcp.messages import Ended, McpError, Refused, SessionGone
from context_app.mcp.results import labelled, text_of
from context_app.mcp.schemas import plain
from context_app.mcp.stdio_link import StdioLink
from context_app.tools.base import Arguments, ToolContext, ToolError
from providers.http.redact import without

log = logging.getLogger(__name__)

_MAX_WORDS = 600  # characters of an error
_FRESH_S = 15.0  # a call waits so long for a list that is known to be old
_LONGEST_PAUSE_S = 300.0
_STEADY_S = 60.0  # a connection that held so long begins again at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """In seconds: how long connecting and listing may take, how often to look again, how
    long a call may take, the least time between two looks."""

    connect_s: float = 30.0
    refresh_s: float = 300.0
    call_s: float = 60.0
    least_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of a server now. `why`: why it is not up. `said`: its own name."""

    name: str
    place: str
    is_up: bool = False
    why: str = "It was not asked yet."
    said: str = ""
    version: str = ""
    tools: Mapping[str, Definition] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def connect(config: ServerConfig, on_change: OnChange) -> Link:
    """A new connection, not opened yet."""
    return (HttpLink if config.url else StdioLink)(config, on_change)


class Server:
    """Thread-safe. `start()` once; `close()` ends its thread, its process, its session."""

    def __init__(
        self,
        config: ServerConfig,
        pace: Pace,
        connect: Callable[[ServerConfig, OnChange], Link] = connect,
    ) -> None:
        self.config = config
        self._pace = pace
        self._connect = connect
        self._state = State(name=config.name, place=config.place)
        self._link: Link | None = None
        self._changed = threading.Condition()
        self._wanted = 1  # looks that were asked for, and those that were taken
        self._taken = 0
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._failures = 0
        self._thread: threading.Thread | None = None
        self._connected_at = 0.0

    def start(self) -> None:
        """Begin to look, in the background."""
        self._thread = threading.Thread(
            target=self._live, name=f"mcp-look-{self.config.name}", daemon=True
        )
        self._thread.start()

    def state(self) -> State:
        """What was found last."""
        return self._state

    def look_again(self) -> None:
        """Have the list taken anew, in the background."""
        with self._changed:
            self._wanted += 1
        self._wake.set()

    def wait(self, until: float, stop: threading.Event | None = None) -> bool:
        """Wait for a look that is asked for. False when it did not end in time."""
        with self._changed:
            while self._taken < self._wanted and not self._closed.is_set():
                left_s = until - time.monotonic()
                if left_s <= 0 or (stop is not None and stop.is_set()):
                    return False
                self._changed.wait(min(left_s, 0.1))
        return True

    def call(
        self, definition: Definition, arguments: Arguments, context: ToolContext
    ) -> str:
        """Call a tool as it was defined then. Raises ToolError; a call that may have
        reached the server is never repeated."""
        allowed_s = self.config.timeout_s or self._pace.call_s
        limits = Limits(
            until=time.monotonic() + min(allowed_s, context.deadline_s),
            stop=context.stop,
        )
        try:
            return text_of(self.config, self._called(definition, arguments, limits))
        except Refused as exc:
            raise ToolError(labelled(self.config, self._words(exc))) from None
        except Ended as exc:
            raise ToolError(
                f"{exc} The server was told. Whether the call took effect is not known."
            ) from None
        except McpError as exc:
            self.look_again()  # whoever asks next should know
            words = self._words(exc)
            raise ToolError(f"The MCP server “{self.config.name}”: {words}") from None

    def ping(self) -> float:
        """Seconds that a `ping` takes. Raises McpError."""
        link, began = self._link, time.monotonic()
        if link is None:
            raise McpError(self._state.why)
        limits = Limits(until=began + self._pace.connect_s, stop=self._closed)
        link.request("ping", {}, limits)
        return time.monotonic() - began

    def close(self) -> None:
        """Nothing more is sent. Ends quickly; a process is killed in the background."""
        self._closed.set()
        self._wake.set()
        link = self._link
        if link is not None:
            link.close()

    def join(self, timeout_s: float) -> None:
        """After `close()`: wait until nothing is on its way any more."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _words(self, exc: McpError) -> str:
        """What went wrong; a server may have repeated a secret there."""
        return plain(without(str(exc), self.config.secrets), _MAX_WORDS)

    def _called(
        self, definition: Definition, arguments: Arguments, limits: Limits
    ) -> object:
        params = {
            "name": definition.their_name,
            "arguments": definition.theirs(arguments),
        }
        for is_last in (False, True):
            link = self._link_for(definition, limits)
            try:
                return link.request("tools/call", params, limits)
            except SessionGone:
                # Its way to say that it took nothing: once more, in a new session.
                if is_last:
                    raise
                self.look_again()
        raise AssertionError("unreachable")

    def _link_for(self, definition: Definition, limits: Limits) -> Link:
        """A connection on which the tool is still what it was. Raises McpError."""
        if self._state.is_up:
            self.wait(min(limits.until, time.monotonic() + _FRESH_S), limits.stop)
        state, link = self._state, self._link
        if not state.is_up or link is None:
            raise McpError(f"{state.why} The call was not executed.")
        now = state.tools.get(definition.name)
        if now is None:
            raise McpError("It offers this tool no more. The call was not executed.")
        if now.digest != definition.digest:
            raise McpError(
                "The definition of this tool has changed since it was offered. The call "
                "was not executed; read what the tool is now, and ask again."
            )
        return link

    # -- the thread that looks ----------------------------------------------------------

    def _live(self) -> None:
        while not self._closed.is_set():
            self._wake.clear()
            with self._changed:
                wanted = self._wanted
            pause_s = self._looked()
            with self._changed:
                self._taken = max(wanted, self._taken)
                self._changed.notify_all()
            self._closed.wait(self._pace.least_s)
            # After a failure nothing makes it faster: the server may cause any number.
            (self._wake if self._state.is_up else self._closed).wait(pause_s)
        link = self._link
        if link is not None:
            link.close()

    def _looked(self) -> float:
        """Take the list; seconds until the next time."""
        try:
            self._look()
            return self._pace.refresh_s
        except McpError as exc:
            self._down(self._words(exc))
        except Exception:  # a bug of ours must not take the tools of others along
            log.exception("mcp.look_failed", extra={"server": self.config.name})
            self._down("Maestro itself failed here; its log says more.")
        self._failures += 1
        slower = 2.0 ** min(self._failures, 16)
        return min(self._pace.least_s * slower, _LONGEST_PAUSE_S)

    def _look(self) -> None:
        limits = Limits(
            until=time.monotonic() + self._pace.connect_s, stop=self._closed
        )
        link = self._link
        is_steady = time.monotonic() - self._connected_at > _STEADY_S
        if link is not None and link.trouble:
            self._link = None
            link.close()
            if not (is_steady or link.is_light):
                raise McpError(link.trouble)  # it ended early: not again at once
        if self._link is None:
            self._open(limits)
        try:
            self._take_list(limits)
        except SessionGone:
            if link is not None:
                link.close()
            self._open(limits)
            self._take_list(limits)
        if is_steady:
            self._failures = 0

    def _open(self, limits: Limits) -> None:
        self._connected_at = time.monotonic()
        link: Link

        def changed() -> None:
            if self._link is link:  # not from one that was left, or is not open yet
                self.look_again()

        link = self._connect(self.config, changed)
        try:
            hello = session.begin(link, limits)
        except BaseException:
            link.close()
            raise
        self._link = link
        self._state = replace(self._state, version=hello.version, said=hello.said)
        if self._closed.is_set():
            link.close()

    def _take_list(self, limits: Limits) -> None:
        link = self._link
        assert link is not None
        found, problems = definitions(self.config, session.listed(link, limits))
        before = self._state
        self._state = replace(
            before,
            is_up=True,
            why="",
            tools={one.name: one for one in found},
            problems=tuple(problems),
        )
        self._report(before)

    def _report(self, before: State) -> None:
        now = self._state
        if not before.is_up:
            log.info(
                "mcp.up", extra={"server": self.config.name, "tools": len(now.tools)}
            )
        changed = [
            name
            for name, one in now.tools.items()
            if name in before.tools and before.tools[name].digest != one.digest
        ]
        if changed:  # somebody may have to look: it is not what was approved
            log.warning(
                "mcp.tools_changed",
                extra={"server": self.config.name, "tools": changed},
            )

    def _down(self, why: str) -> None:
        if self._closed.is_set():
            return
        if self._state.is_up or self._state.why != why:
            log.warning("mcp.down", extra={"server": self.config.name, "why": why})
        link = self._link
        if link is not None and link.trouble:
            link.close()
            self._link = None
        self._state = replace(self._state, is_up=False, why=why)
