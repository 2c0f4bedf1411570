"""R-4: an answer ends within a second of abort(), at every stage of its life."""

import socket
import threading
import time

import pytest

from providers.errors import ProviderError, StreamCut
from providers.http import HttpSettings, configure
from providers.http.client import client_for
from tests.providers.http.servers import (
    CHUNKED_HEAD,
    RawServer,
    open_stream,
    self_signed,
)


@pytest.mark.parametrize("tick_s", [0.0, 0.05])
@pytest.mark.parametrize("via", ["response", "client"])
def test_abort_wakes_a_blocked_reader_and_the_vendor_sees_the_end(via, tick_s, tls):
    """R-4: within a second, while the vendor is silent."""
    closed: list[float] = []

    def script(peer):
        peer.next_request()
        peer.send(CHUNKED_HEAD)
        peer.send_chunk(b"hello")
        if peer.is_closed_within(10):
            closed.append(time.monotonic())

    with RawServer(script, tls) as server:
        client = client_for(provider="x", base_url=server.url)
        response = open_stream(client, idle_timeout_s=60)
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.extend(response.chunks(tick_s)))
        reader.start()
        time.sleep(0.3)
        stopped = time.monotonic()
        (response if via == "response" else client).abort()
        reader.join(1)
        assert not reader.is_alive()
        assert got == [b"hello"]
    assert closed[0] - stopped < 1


@pytest.mark.parametrize(
    "stage", ["before headers", "half a header", "before handshake"]
)
def test_abort_works_before_the_headers_came(stage, tmp_path):
    context, certificate = self_signed(tmp_path)
    configure(HttpSettings(connect_timeout_s=30, ca_bundle=str(certificate)))
    closed: list[float] = []

    def script(peer):
        if stage != "before handshake":
            peer.next_request()
        if stage == "half a header":
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
        if stage == "before handshake":
            peer.sock.recv(65536)  # the client's hello, never answered
        if peer.is_closed_within(10):
            closed.append(time.monotonic())

    with RawServer(script, context if stage == "before headers" else None) as server:
        url = server.url
        if stage == "before handshake":
            url = url.replace("http://127.0.0.1", "https://localhost")
        client = client_for(provider="x", base_url=url)
        raised: list[BaseException] = []

        def run():
            try:
                open_stream(client, idle_timeout_s=60)
            except ProviderError as exc:
                raised.append(exc)

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.3)
        stopped = time.monotonic()
        client.abort()
        thread.join(1)
        assert not thread.is_alive()
    assert isinstance(raised[0], StreamCut)
    assert raised[0].vendor_type == "stopped"
    assert closed[0] - stopped < 1


def test_abort_works_while_connecting():
    # A listener whose queue is full: further connects hang in the kernel.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(listener.getsockname())
            waiting.append(s)
        configure(HttpSettings(connect_timeout_s=30))
        client = client_for(
            provider="x", base_url=f"http://127.0.0.1:{listener.getsockname()[1]}"
        )
        raised: list[BaseException] = []

        def run():
            try:
                open_stream(client)
            except ProviderError as exc:
                raised.append(exc)

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
        client.abort()
        thread.join(1)
        assert not thread.is_alive()
        assert raised[0].vendor_type == "stopped"
        for s in waiting:
            s.close()


def test_abort_of_a_stream_that_nobody_reads_closes_it():
    closed = threading.Event()

    def script(peer):
        peer.next_request()
        peer.send(CHUNKED_HEAD)
        if peer.is_closed_within(5):
            closed.set()

    with RawServer(script) as server:
        with client_for(provider="x", base_url=server.url) as client:
            open_stream(client)
        assert closed.wait(1)


def test_abort_of_one_stream_leaves_the_others_of_the_same_pool_alone():
    go = threading.Event()

    def script(peer):
        peer.next_request()
        peer.send(CHUNKED_HEAD)
        peer.send_chunk(b"first ")
        go.wait(5)
        peer.send_chunk(b"second")
        peer.send(b"0\r\n\r\n")

    with RawServer(script) as server:
        one = client_for(provider="x", base_url=server.url)
        two = client_for(provider="x", base_url=server.url)
        reading, other = open_stream(one).chunks(), open_stream(two).chunks()
        assert next(reading) == next(other) == b"first "
        two.abort()
        go.set()
        assert b"".join(reading) == b"second"
        assert b"".join(other) == b""
        one.close()
