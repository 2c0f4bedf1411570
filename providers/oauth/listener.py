"""The loopback callback: where a vendor sends the browser of somebody on this machine.

Source: RFC 8252 sections 7.3 and 8.3. It listens on 127.0.0.1 and ::1 only and hands each
answer to the login whose `state` it carries, once: logins that wait on one port share a
server (`_Server`), and nobody gets another's code. It closes with its last login.
"""

from __future__ import annotations

import atexit
import hmac
import logging
import os
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from providers.errors import ConfigurationError
from providers.oauth.listener_pages import DONE, FAILED, NOT_HERE, SPENT
from providers.oauth.listener_server import AT_ONCE, Page, Server

__all__ = ["AT_ONCE", "Listening", "LoopbackBusy", "OnAnswer", "close_all", "listen"]

log = logging.getLogger(__name__)

# What the login says to the answer: None, or what went wrong as a sentence.
OnAnswer = Callable[[str], str | None]

_JOIN_S = 2.0
_REMEMBERED = 64  # states that were answered, per port


class LoopbackBusy(ConfigurationError):
    """Another program has every port that this vendor allows."""


class Listening:
    """One login's place at a port; a context manager. Closing twice is no error.

    `closed` is set when no answer can come any more: heard, closed, or too late.
    """

    def __init__(
        self, shared: _Shared, path: str, state: str, on_answer: OnAnswer
    ) -> None:
        self.port = shared.server.port
        self.path = path
        self.state = state
        self.on_answer = on_answer
        self.closed = threading.Event()
        self.is_spent = False
        self._shared = shared
        self._timer: threading.Timer | None = None

    @property
    def is_open(self) -> bool:
        """Whether an answer can still come."""
        return not self.closed.is_set()

    def close(self) -> None:
        """Take no answer any more. The last one at a port frees it.

        Waits a moment for an answer page that is on its way to the browser.
        """
        self.leave()
        if self._timer is not None and self._timer is not threading.current_thread():
            self._timer.join(_JOIN_S)
        if not self._shared.logins:
            self._shared.server.join(_JOIN_S)

    def leave(self) -> None:
        """The same without waiting: for the thread that answers."""
        with _lock:
            if self._timer is not None:
                self._timer.cancel()
            shared = self._shared
            if self in shared.logins:
                shared.logins.remove(self)
                if not shared.logins:
                    _open.pop(self.port, None)
                    shared.server.stop()
            self.closed.set()  # last: who waited for it finds the port free

    def end_after(self, lifetime_s: float) -> None:
        """Close by itself after so long."""
        self._timer = threading.Timer(lifetime_s, self.close)
        self._timer.name = f"login-lifetime-{self.port}"
        self._timer.daemon = True
        self._timer.start()

    def __repr__(self) -> str:
        return f"<Listening {self.port}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def listen(
    *,
    ports: Sequence[int],
    path: str,
    state: str,
    on_answer: OnAnswer,
    lifetime_s: float | None = 300.0,
) -> Listening:
    """Wait for the answer with this `state` at the first free port; 0 is any.

    `on_answer` gets the address that the browser came to, in a thread of its own, once.
    `lifetime_s` None: until it is closed. Raises LoopbackBusy.
    """
    if not state:
        raise ValueError("a login has a state")
    with _lock:
        for port in ports:
            shared = (_open.get(port) if port else None) or _opened(port)
            if shared is not None:
                login = Listening(shared, path, state, on_answer)
                shared.logins.append(login)
                if lifetime_s is not None:
                    login.end_after(lifetime_s)
                return login
    named = " and ".join(str(port) for port in ports)
    raise LoopbackBusy(
        f"Another program on this machine uses port {named}. Close it, or paste the "
        "address of the page that fails to open."
    )


class _Shared:
    """The logins of one port, and the server that they share."""

    def __init__(self, port: int) -> None:
        self.logins: list[Listening] = []
        self.spent: list[str] = []
        self.server = Server(port, self.claim)

    def claim(self, url: str) -> Page | Callable[[], Page]:
        """Whose answer this is: the rest of the work, or the page for nobody's."""
        parts = urlsplit(url)
        states = parse_qs(parts.query).get("state", [])
        given = states[0] if len(states) == 1 and not parts.fragment else ""
        with _lock:
            here = [login for login in self.logins if login.path == parts.path]
            login = next((x for x in here if _same(x.state, given)), None)
            if login is not None and not login.is_spent:
                login.is_spent = True
                self.spent = [*self.spent, login.state][-_REMEMBERED:]
                return lambda: _told(login, url)
            if any(_same(state, given) for state in self.spent):
                return 409, SPENT
            return (400 if here else 404), NOT_HERE


def _told(login: Listening, url: str) -> Page:
    """The page for an answer, after its login has heard of it."""
    problem: str | None = "error"
    try:
        problem = login.on_answer(url)
    except Exception:
        # No traceback: the error's text may quote the address, and the code in it.
        log.error("login_callback.failed", extra={"port": login.port})
    finally:
        login.leave()
    return (400, FAILED) if problem is not None else (200, DONE)


def _opened(port: int) -> _Shared | None:
    """A server at a port, or None when somebody has it. Called under the lock."""
    try:
        shared = _Shared(port)
    except OSError:
        return None
    _open[shared.server.port] = shared
    _started.append(shared.server)
    _started[:] = [server for server in _started if server.is_alive]
    return shared


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode())


def close_all() -> None:
    """Free every port and let the last pages out: the process ends."""
    with _lock:
        for login in [login for shared in _open.values() for login in shared.logins]:
            login.leave()
        ending = list(_started)
    for server in ending:
        server.join(_JOIN_S)


def _forget() -> None:
    """A forked child has the sockets but not the threads: the ports stay its parent's."""
    global _lock
    _lock = threading.RLock()
    for shared in _open.values():
        for login in shared.logins:
            login.closed = threading.Event()  # its lock may have been held
            login.closed.set()
        shared.logins.clear()
    for server in _started:
        server.abandon()
    _open.clear()
    _started.clear()


_lock = threading.RLock()
_open: dict[int, _Shared] = {}
_started: list[Server] = []  # also those that are about to end

atexit.register(close_all)
os.register_at_fork(after_in_child=_forget)
