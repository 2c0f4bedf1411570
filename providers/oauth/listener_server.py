"""The sockets and threads of one loopback port: 127.0.0.1 and, where it exists, ::1.

One thread accepts, each connection has a thread of its own, and at most `AT_ONCE` of them
are read at a time: the others wait in the queue of the system.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from providers.oauth import listener_http

log = logging.getLogger(__name__)

AT_ONCE = 8

Page = tuple[int, bytes]  # status and HTML
# What an address is answered with, or the work that has to be done first.
Claim = Callable[[str], "Page | Callable[[], Page]"]

_TRIES = 10  # a free port of one family may be taken in the other


class Server:
    """Answers at a port until it is stopped. Raises OSError for a port that is taken."""

    def __init__(self, port: int, claim: Claim) -> None:
        self._sockets = _bound(port)
        self.port = int(self._sockets[0].getsockname()[1])
        self._claim = claim
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._reading: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._is_stopping = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._acceptor = self._start(self._accept)
        log.debug("login_callback.opened", extra={"port": self.port})

    @property
    def is_alive(self) -> bool:
        """Whether a thread of it still runs."""
        with self._lock:
            return bool(self._threads)

    def stop(self) -> None:
        """Free the port at once and cut those who are still talking; once only."""
        self._is_stopping.set()
        self._wake.send(b".")
        self._acceptor.join()  # never waits for anybody: a fraction of a second
        self._close_sockets()
        with self._lock:
            for connection in self._reading:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        log.debug("login_callback.closed", extra={"port": self.port})

    def join(self, timeout_s: float) -> None:
        """Wait for its threads, but for the one that asks."""
        until = time.monotonic() + timeout_s
        with self._lock:
            threads = self._threads - {threading.current_thread()}
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))

    def abandon(self) -> None:
        """Close this process's copies of the sockets, after a fork."""
        for connection in [*self._reading, *self._sockets, self._wake, self._woken]:
            connection.close()

    def _close_sockets(self) -> None:
        for one in [*self._sockets, self._wake, self._woken]:
            one.close()

    def _start(self, target: Callable[..., None], *args: object) -> threading.Thread:
        def run() -> None:
            try:
                target(*args)
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        name = f"login-callback-{self.port}"
        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._lock:  # who joins finds only threads that run
            thread.start()
            self._threads.add(thread)
        return thread

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one in [*self._sockets, self._woken]:
                selector.register(one, selectors.EVENT_READ, data=one)
            while not self._is_stopping.is_set():
                for key, _ in selector.select():
                    if key.data is not self._woken and self._has_slot():
                        self._take(key.data)

    def _has_slot(self) -> bool:
        while not self._slots.acquire(timeout=0.1):
            if self._is_stopping.is_set():
                return False
        return True

    def _take(self, listening: socket.socket) -> None:
        """Start a thread for one connection; it gives the slot back."""
        try:
            connection, _ = listening.accept()
        except OSError:  # gone again, or no descriptors left: do not spin
            self._slots.release()
            self._is_stopping.wait(0.05)
            return
        with self._lock:
            self._reading.add(connection)
        try:
            self._start(self._serve, connection)
        except RuntimeError:  # no more threads: this process ends
            self._read_is_over(connection)
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # a browser may go away
            try:
                url = listener_http.read_url(connection, self.port)
                found = self._claim(url)
                if not callable(found):
                    _send(connection, found)
            except listener_http.Refused as refused:
                listener_http.refuse(connection, refused)
                return
            finally:
                # The work behind an answer may take long: it holds no slot.
                self._read_is_over(connection)
            if callable(found):
                _send(connection, found())

    def _read_is_over(self, connection: socket.socket) -> None:
        with self._lock:
            self._reading.discard(connection)
        self._slots.release()


def _send(connection: socket.socket, page: Page) -> None:
    listener_http.send_page(connection, HTTPStatus(page[0]), page[1])


def _bound(port: int) -> list[socket.socket]:
    """Listening sockets of both families at one port, or OSError and none of them."""
    for tries_left in reversed(range(_TRIES if port == 0 else 1)):
        found = [_listening(socket.AF_INET, "127.0.0.1", port)]
        try:
            if _has_ipv6():
                same = int(found[0].getsockname()[1])
                found.append(_listening(socket.AF_INET6, "::1", same))
        except OSError:
            found[0].close()
            if not tries_left:
                raise
        else:
            return found
    raise AssertionError("the last try returns or raises")


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # A port that was ours a moment ago is free; one that others have is not.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(16)
        found.setblocking(False)
    except BaseException:
        found.close()
        raise
    return found


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
