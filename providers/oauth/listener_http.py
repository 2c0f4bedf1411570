"""One HTTP exchange of the loopback callback: a small strict reader, fixed pages out.

Takes the request of a browser and nothing else: a GET for a path in origin form
(RFC 9112 section 3.2.1), one Host that is this machine (against DNS rebinding), at most
`MAX_HEAD` bytes within `READ_S` seconds. A body is never read.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from http import HTTPStatus

from providers.oauth.listener_pages import NOT_HERE, page

READ_S = 10.0  # for the whole request, however it drips
MAX_HEAD = 8192  # bytes of request line and headers together
_WRITE_S = 10.0
_DRAIN_S = 0.5

_LINE = re.compile(rb"([A-Za-z]{1,20}) (/[!-~]*) HTTP/1\.[01]")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")


class Refused(Exception):
    """Not a request for us; carries the status to answer with and nothing of it."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def read_url(connection: socket.socket, port: int) -> str:
    """The address that the browser asked for, as `http://HOST:PORT/path?query`.

    Raises Refused, or OSError for a connection that went away or was too slow.
    """
    line, *headers = _read_head(connection).split(b"\r\n")
    request = _LINE.fullmatch(line)
    if request is None:
        raise Refused(HTTPStatus.BAD_REQUEST)
    method, target = request.groups()
    if method != b"GET":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED)
    host = _host(headers)
    if host not in {f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]")}:
        raise Refused(HTTPStatus.BAD_REQUEST)
    return f"http://{host}{target.decode()}"


def send_page(connection: socket.socket, status: HTTPStatus, text: bytes) -> None:
    """Answer, and end the connection so that the page arrives."""
    head = [f"HTTP/1.1 {status.value} {status.phrase}"]
    head += [f"{name}: {value}" for name, value in page(text)]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        head.append("Allow: GET")
    connection.settimeout(_WRITE_S)
    connection.sendall("\r\n".join([*head, "", ""]).encode() + text)
    # Closing with unread bytes resets the connection, and the page with it.
    connection.shutdown(socket.SHUT_WR)
    until = time.monotonic() + _DRAIN_S
    with contextlib.suppress(OSError):
        while _receive(connection, until):
            pass


def refuse(connection: socket.socket, refused: Refused) -> None:
    """The page for what is no request of ours."""
    send_page(connection, refused.status, NOT_HERE)


def _read_head(connection: socket.socket) -> bytes:
    until = time.monotonic() + READ_S
    got = b""
    while b"\r\n\r\n" not in got:
        if len(got) > MAX_HEAD:
            break
        part = _receive(connection, until)
        if not part:
            raise ConnectionError("the request ended early")
        got += part
    head = got.partition(b"\r\n\r\n")[0]
    if len(head) > MAX_HEAD:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    return head


def _receive(connection: socket.socket, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)
    return connection.recv(4096)


def _host(headers: list[bytes]) -> str:
    """The only Host, in lower case. A line that is no header spoils the request."""
    hosts = []
    for line in headers:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise Refused(HTTPStatus.BAD_REQUEST)
        if header[1].lower() == b"host":
            hosts.append(header[2].strip().lower())
    if len(hosts) != 1:
        raise Refused(HTTPStatus.BAD_REQUEST)
    return hosts[0].decode("latin-1")
