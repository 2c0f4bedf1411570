"""Somebody who waits for a loopback callback, and a browser that speaks in bytes."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from providers.oauth.listener import Listening, listen

PATH = "/auth/callback"


class Person:
    """Somebody who logs in: their state, and the addresses that their login heard."""

    def __init__(self, state: str, says: str | None = None) -> None:
        self.state = state
        self.says = says
        self.heard: list[str] = []

    def __call__(self, url: str) -> str | None:
        self.heard.append(url)
        return self.says

    def waits(self, *ports: int, **options) -> Listening:
        options = {"path": PATH, "on_answer": self, **options}
        return listen(ports=ports or (0,), state=self.state, **options)


def send(port: int, raw: bytes, address: str = "127.0.0.1", timeout: float = 15) -> str:
    """What comes back for these bytes; "" for a connection that is just closed."""
    answer = b""
    with socket.create_connection((address, port), timeout=timeout) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(raw)
            while part := connection.recv(4096):
                answer += part
    return answer.decode()


def ask(
    port: int, target: str, *, method: str = "GET", host: str | None = None, **more: str
) -> str:
    host = f"127.0.0.1:{port}" if host is None else host
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in more.items()]
    return send(port, "\r\n".join([*lines, "", ""]).encode())


def status(answer: str) -> int:
    return int(answer.split(" ", 2)[1])


def good(state: str) -> str:
    return f"{PATH}?code=c-1&state={state}"


def is_refused(port: int, address: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return True
    return False


def sockets() -> set[tuple[str, int]]:
    found = psutil.Process().net_connections("tcp")
    return {(c.laddr.ip, c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN}


def sockets_at(port: int) -> set[str]:
    return {ip for ip, at in sockets() if at == port}


def holding(port: int = 0, family=socket.AF_INET, address: str = "127.0.0.1"):
    """Another program that has the port."""
    other = socket.socket(family)
    if family == socket.AF_INET6:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    other.bind((address, port))
    other.listen()
    return other


def has_ipv6() -> bool:
    try:
        holding(0, socket.AF_INET6, "::1").close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")


def wait_until(is_so, limit_s: float = 10) -> None:
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Every test ends with the sockets and threads that it began with."""
    before, threads = sockets(), set(threading.enumerate())
    yield
    assert sockets() == before
    left = {t for t in threading.enumerate() if t not in threads}
    for thread in left:
        thread.join(5)
    assert not [t for t in left if t.is_alive()]
