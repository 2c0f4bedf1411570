"""Connections that can be ended from another thread at any moment of their life.

`Call` is the handle of one request: whoever holds it can abort it while it connects,
shakes hands, waits for headers or reads a body. `response.close()` of `requests` does
not wake a blocked reader; a shutdown of the socket does, at once. The pool classes here
are given to `requests` by `pool.py`; the running thread's call is found by thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
)

_CONNECT_TICK_MS = 100


class Call:
    """One request on its way. `abort()` from any thread; `reason` says why."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self.is_aborted = False
        self.reason = ""

    def attach(self, sock: socket.socket | None) -> None:
        """This socket carries the call from now on (None: nothing does)."""
        with self._lock:
            self._sock = sock
            if self.is_aborted:
                _shutdown(sock)

    def forget(self, sock: socket.socket) -> None:
        """This socket is about to close; another one may carry the call by now."""
        with self._lock:
            if self._sock is sock:
                self._sock = None

    def detach(self) -> bool:
        """Let go of the socket. False when the call was aborted: it is not reusable."""
        with self._lock:
            self._sock = None
            return not self.is_aborted

    def abort(self, reason: str = "stopped") -> None:
        """End it now. Idempotent; the first reason stays."""
        with self._lock:
            if not self.is_aborted:
                self.is_aborted = True
                self.reason = reason
            _shutdown(self._sock)


_local = threading.local()


@contextlib.contextmanager
def carried_by(call: Call) -> Iterator[None]:
    """Connections that this thread uses inside belong to `call`."""
    _local.call = call
    try:
        yield
    finally:
        _local.call = None


def _current() -> Call | None:
    return getattr(_local, "call", None)


def _shutdown(sock: socket.socket | None) -> None:
    if sock is not None:
        # The base method: SSLSocket.shutdown would also pull its TLS state from under
        # the thread that reads.
        with contextlib.suppress(OSError, ValueError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Abortable:
    """What both connection classes share: tell the call which socket it is on."""

    sock: Any
    host: str
    port: int
    timeout: Any
    socket_options: Any
    _dns_host: str

    def address(self) -> tuple[str, int]:
        """Host name (or address) and port to connect to."""
        return self._dns_host.strip("[]"), self.port

    def _new_conn(self) -> socket.socket:
        call = _current()
        try:
            sock = _connect(self, call)
        except socket.gaierror as exc:
            raise NameResolutionError(self.host, self, exc) from exc  # type: ignore[arg-type]
        except TimeoutError as exc:
            raise ConnectTimeoutError(self, "connect timeout") from exc
        except OSError as exc:
            raise NewConnectionError(self, "cannot connect") from exc  # type: ignore[arg-type]
        return sock

    def connect(self) -> None:
        call = _current()
        super().connect()  # type: ignore[misc]
        if call is not None:
            call.attach(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = _current()
        if call is not None and self.sock is not None:
            call.attach(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]


class AbortableHTTPConnection(_Abortable, HTTPConnection):
    """Plain."""


class AbortableHTTPSConnection(_Abortable, HTTPSConnection):
    """TLS. Wrapping takes the descriptor away from the plain socket, so a second handle
    on the same connection serves the call until the handshake is over."""

    _handle: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        call = _current()
        if call is not None:
            self._handle = sock.dup()
            call.attach(self._handle)
        return sock

    def connect(self) -> None:
        try:
            super().connect()
        finally:
            self._drop_handle()

    def _drop_handle(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            call = _current()
            if call is not None:
                call.forget(handle)
            handle.close()


class AbortableHTTPPool(HTTPConnectionPool):
    """urllib3's pool of plain connections."""

    ConnectionCls = AbortableHTTPConnection


class AbortableHTTPSPool(HTTPSConnectionPool):
    """urllib3's pool of TLS connections."""

    ConnectionCls = AbortableHTTPSConnection


POOLS = {"http": AbortableHTTPPool, "https": AbortableHTTPSPool}


def _connect(conn: _Abortable, call: Call | None) -> socket.socket:
    """A connected socket. Looks up from waiting ten times a second for an abort."""
    deadline = time.monotonic() + float(conn.timeout)
    name, port = conn.address()
    error: OSError = OSError("no address")
    for family, kind, proto, _, address in socket.getaddrinfo(
        name, port, type=socket.SOCK_STREAM
    ):
        try:
            sock = socket.socket(family, kind, proto)
        except OSError as exc:  # an address family this machine does not have
            error = exc
            continue
        try:
            for option in conn.socket_options or ():
                sock.setsockopt(*option)
            _finish_connect(sock, address, deadline, call)
        except OSError as exc:
            sock.close()
            error = exc
            if call is not None and call.is_aborted:
                break
            continue
        sock.settimeout(conn.timeout)
        return sock
    try:
        raise error
    finally:
        del error  # no cycle of exception and frame


def _finish_connect(
    sock: socket.socket, address: Any, deadline: float, call: Call | None
) -> None:
    sock.setblocking(False)
    code = sock.connect_ex(address)
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while code in (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK):
        if call is not None and call.is_aborted:
            raise ConnectionAbortedError(errno.ECONNABORTED, "stopped")
        left_ms = (deadline - time.monotonic()) * 1000
        if left_ms <= 0:
            raise TimeoutError(errno.ETIMEDOUT, "connect timeout")
        if poll.poll(min(left_ms, _CONNECT_TICK_MS)):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
