"""The loopback callback: where a vendor sends the browser of somebody on this machine.

Source: RFC 8252 sections 7.3 and 8.3. It listens on 127.0.0.1 and ::1 only, takes one
exact path, and hands each answer to the login whose `state` it carries: logins that wait
on one port share a server, and nobody gets another's code. It closes with its last login.
"""

from __future__ import annotations

import atexit
import hmac
import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from providers.errors import ConfigurationError
from providers.oauth.listener_pages import DONE, FAILED, NOT_HERE, SPENT, page

log = logging.getLogger(__name__)

# What the login says to the answer: None, or what went wrong as a sentence.
OnAnswer = Callable[[str], str | None]

_READ_S = 10.0  # a request that comes slower than this is none
_MAX_LINE = 16_384
_LOOPBACK = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")


class LoopbackBusy(ConfigurationError):
    """Another program has every port that this vendor allows."""


class Listening:
    """One login's place at a port; a context manager. Closing twice is no error."""

    def __init__(
        self, shared: _Shared, state: str, on_answer: OnAnswer, lifetime_s: float | None
    ) -> None:
        self.port = shared.port
        self.state = state
        self.on_answer = on_answer
        self.is_spent = False
        self._shared = shared
        self._timer: threading.Timer | None = None
        if lifetime_s is not None:
            self._timer = threading.Timer(lifetime_s, self.close)
            self._timer.daemon = True
            self._timer.start()

    @property
    def is_open(self) -> bool:
        """Whether an answer can still come."""
        return self in self._shared.logins

    def close(self) -> None:
        """Take no answer any more. The last one at a port frees it."""
        if self._timer is not None:
            self._timer.cancel()
        _leave(self._shared, self)

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
    with _lock:
        for port in ports:
            shared = _servers.get((port, path)) if port else None
            if shared is None:
                shared = _opened(port, path)
            if shared is not None:
                login = Listening(shared, state, on_answer, lifetime_s)
                shared.logins.append(login)
                return login
    named = " and ".join(str(port) for port in ports)
    raise LoopbackBusy(
        f"Another program on this machine uses port {named}. Close it, or paste the "
        "address of the page that fails to open."
    )


class _Shared:
    """The servers of one port, for IPv4 and, where there is one, IPv6."""

    def __init__(self, servers: list[_Server], port: int, path: str) -> None:
        self.servers = servers
        self.port = port
        self.path = path
        self.logins: list[Listening] = []
        self.spent: list[str] = []  # states that were answered here
        for server in servers:
            server.shared = self
            threading.Thread(
                target=server.serve_forever,
                kwargs={"poll_interval": 0.2},
                name=f"login-callback-{port}",
                daemon=True,
            ).start()

    def answer(self, url: str) -> bytes:
        """The page for a request to the path, after its login has heard of it."""
        states = parse_qs(urlsplit(url).query).get("state", [])
        given = states[0] if len(states) == 1 else ""
        with _lock:
            login = next((x for x in self.logins if _same(x.state, given)), None)
            if login is None or login.is_spent:
                was_here = any(_same(state, given) for state in self.spent)
                return SPENT if login or was_here else NOT_HERE
            login.is_spent = True
            self.spent.append(login.state)
        try:
            problem = login.on_answer(url)
        except Exception:  # the browser gets a page, whatever happened behind it
            log.exception("login_callback.failed", extra={"port": self.port})
            problem = "error"
        finally:
            threading.Thread(target=login.close, daemon=True).start()
        return FAILED if problem else DONE


class _Handler(BaseHTTPRequestHandler):
    """One request; nothing of it is logged or shown."""

    server: _Server
    timeout = _READ_S
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        shared = self.server.shared
        parts = urlsplit(self.path)
        host = self.headers.get("Host", "").lower()
        hosts = {
            f"{name}:{shared.port}" for name in ("localhost", "127.0.0.1", "[::1]")
        }
        if len(self.path) > _MAX_LINE or host not in hosts or parts.path != shared.path:
            self._say(404, NOT_HERE)
            return
        text = shared.answer(f"http://{host}{self.path}")
        self._say({DONE: 200, SPENT: 409}.get(text, 400), text)

    def _say(self, status: int, text: bytes) -> None:
        self.send_response_only(status)
        for name, value in page(text):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """A malformed request is answered with our page: nothing of it is repeated."""
        self._say(code, NOT_HERE)

    def log_message(self, format: str, *args: object) -> None:
        """Its query would be in it."""


class _Server(ThreadingMixIn, TCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16
    shared: _Shared

    def __init__(self, family: socket.AddressFamily, host: str, port: int) -> None:
        self.address_family = family
        super().__init__((host, port), _Handler, bind_and_activate=False)
        try:
            if family == socket.AF_INET6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # A port that was ours a moment ago is free; one that others have is not.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.server_bind()
            self.server_activate()
        except BaseException:
            self.server_close()
            raise

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away is no news."""


_lock = threading.RLock()
_servers: dict[tuple[int, str], _Shared] = {}


def _opened(port: int, path: str) -> _Shared | None:
    """Servers at a port, or None when somebody has it. Called under the lock."""
    servers: list[_Server] = []
    for family, host in _LOOPBACK:
        if family == socket.AF_INET6 and not _has_ipv6():
            continue
        try:
            server = _Server(
                family, host, servers[0].server_address[1] if servers else port
            )
        except OSError:
            for opened in servers:
                opened.server_close()
            return None
        servers.append(server)
    found = _Shared(servers, int(servers[0].server_address[1]), path)
    _servers[found.port, path] = found
    return found


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _leave(shared: _Shared, login: Listening) -> None:
    with _lock:
        if login in shared.logins:
            shared.logins.remove(login)
        if shared.logins or not shared.servers:
            return
        _servers.pop((shared.port, shared.path), None)
        servers, shared.servers = shared.servers, []
    for server in servers:
        server.shutdown()
        server.server_close()


def _same(wanted: str, given: str) -> bool:
    return hmac.compare_digest(wanted.encode(), given.encode())


def close_all() -> None:
    """Free every port: the process ends."""
    with _lock:
        logins = [login for shared in _servers.values() for login in shared.logins]
    for login in logins:
        login.close()


def _forget() -> None:
    """A forked child has the sockets but not the threads: the ports stay its parent's."""
    global _lock
    _lock = threading.RLock()
    for shared in _servers.values():
        for server in shared.servers:
            server.socket.close()
    _servers.clear()


atexit.register(close_all)
os.register_at_fork(after_in_child=_forget)
