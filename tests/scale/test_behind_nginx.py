"""F41: two web processes behind nginx with the configuration that the project hands out."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.emulator import EmulatorProcess
from tests.faults.refreshing import note
from tests.faults.world import PASSWORD, a_page, until
from tests.scale.installation import Door, Installation
from tests.scale.nginx import Nginx
from tests.scale.test_two_web_processes import MODEL, words

# The first of them starts the installation: four processes and two servers.
pytestmark = pytest.mark.timeout(300)

SPOOFED = "203.0.113.9"
PING_WITHIN_S = 25.0
PING = 0x89


class Quiet(threading.Thread):
    """A page that says hello and then nothing; when the server pinged it."""

    def __init__(self, door: Door) -> None:
        super().__init__(daemon=True)
        self.door = door
        self.pinged_after_s = 0.0

    def run(self) -> None:
        found = re.search(r'data-socket-token="([^"]+)"', self.door.get("/").text)
        assert found is not None
        hello = json.dumps({"type": "hello", "token": found[1]}).encode()
        with ExitStack() as stack:
            link = stack.enter_context(
                socket.create_connection(("127.0.0.1", self.door.port))
            )
            link.sendall(self._handshake())
            link.settimeout(PING_WITHIN_S + 5)
            stream = stack.enter_context(link.makefile("rb"))
            while stream.readline().strip():
                pass
            # A text frame as RFC 6455 wants it of clients: masked (here with zeros).
            link.sendall(b"\x81" + bytes([0x80 | len(hello)]) + bytes(4) + hello)
            began = time.monotonic()
            while (head := stream.read(2))[0] != PING:
                size = head[1]
                if size == 126:
                    size = int.from_bytes(stream.read(2), "big")
                stream.read(size)
            self.pinged_after_s = time.monotonic() - began

    def _handshake(self) -> bytes:
        cookies = "; ".join(f"{c.name}={c.value}" for c in self.door.session.cookies)
        lines = (
            "GET /ws/chat/ HTTP/1.1",
            f"Host: 127.0.0.1:{self.door.port}",
            f"Origin: {self.door.url}",
            f"Cookie: {cookies}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.fixture(scope="module", autouse=True)
def quiet(installation: Installation) -> Quiet:
    """Begun first, since it takes as long as the others together."""
    thread = Quiet(installation.doors[0])
    thread.start()
    return thread


class From(HTTPAdapter):
    """Connections from another address of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["source_address"] = (self._address, 0)
        return super().init_poolmanager(*args, **kwargs)


@pytest.fixture
def proxy(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Door]:
    """A door that is nginx; both web processes are behind it."""
    buffering = getattr(request, "param", False)
    nginx = Nginx(installation.proxy_port, buffering=buffering)
    nginx.start([door.port for door in installation.doors])
    door = Door(installation, nginx.port, starts=False)
    door.sign_in()
    yield door
    nginx.close()


@pytest.mark.parametrize("proxy", [False, True], ids=str, indirect=True)
def test_answers_arrive_as_they_are_written_even_if_it_buffers(
    proxy: Door, vendor: EmulatorProcess
) -> None:
    text = words(120)
    vendor.script(text=text, match="through nginx")
    with a_page(proxy) as page:  # type: ignore[arg-type]
        asked = page.ask("through nginx", model=MODEL)
        steps = set()
        while not asked.is_over:
            steps.add(len(asked.text))
            time.sleep(0.01)
        until(lambda: asked.final is not None, "it ends", proxy.output)
    assert asked.text == asked.final == text
    assert len(steps) > 10, "not held back until the end"


def test_one_web_process_may_go_and_nobody_notices(
    proxy: Door, installation: Installation
) -> None:
    """As in an upgrade: the other is asked meanwhile."""
    gone = installation.doors[1]
    gone.stop()
    try:
        for _ in range(6):
            assert proxy.get("/api/conversations/").status_code == 200
    finally:
        gone.start()
        gone.until_healthy()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_an_address_that_a_client_made_up_is_ignored(
    proxy: Door, installation: Installation, header: str
) -> None:
    """Who fails to sign in is locked out by their address, and by nobody else's."""
    name = f"mallory-{header.lower()}"
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", From("127.0.0.2"))
        session.get(f"{proxy.url}/login/")
        session.post(
            f"{proxy.url}/login/",
            data={
                "username": name,
                "password": PASSWORD + "x",
                "csrfmiddlewaretoken": session.cookies["csrftoken"],
            },
            headers={"Referer": proxy.url, header: SPOOFED},
        )
    found = installation.sql(
        f"SELECT DISTINCT host(ip_address) FROM axes_accessattempt WHERE username = '{name}'"
    )
    assert found == [("127.0.0.2",)], "that of the connection to nginx"


def test_a_foreign_host_is_refused_behind_it_too(proxy: Door) -> None:
    answer = proxy.get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400


def test_a_quiet_socket_is_pinged_before_a_proxy_would_cut_it(quiet: Quiet) -> None:
    """Proxies cut what is silent for a minute; a page that sleeps sends nothing."""
    quiet.join(PING_WITHIN_S + 10)
    note(f"F41: pinged after {quiet.pinged_after_s:.1f} s")
    assert 0 < quiet.pinged_after_s <= PING_WITHIN_S
