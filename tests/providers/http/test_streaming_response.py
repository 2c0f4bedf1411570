"""A streamed answer over real sockets: prompt, bounded, and stoppable at any moment."""

import gc
import gzip
import threading
import time

import pytest

from providers.errors import ProtocolError, StreamCut, StreamStalled
from providers.http import HttpSettings, configure, pool
from providers.http.client import client_for
from tests.providers.http.servers import (
    CHUNKED_HEAD,
    STREAM_HEAD,
    RawServer,
    open_stream,
    streaming,
)

FRAMINGS = ["chunked", "counted", "until close"]


def sender(framing: str, pieces, *, pace_s=0.0, hold=None):
    def script(peer):
        peer.next_request()
        if framing == "chunked":
            peer.send(CHUNKED_HEAD)
        elif framing == "counted":
            length = sum(map(len, pieces))
            peer.send(STREAM_HEAD + b"Content-Length: %d\r\n\r\n" % length)
        else:
            peer.send(STREAM_HEAD + b"Connection: close\r\n\r\n")
        for piece in pieces:
            (peer.send_chunk if framing == "chunked" else peer.send)(piece)
            time.sleep(pace_s)
        if hold is not None:
            hold.wait(10)
        if framing == "chunked":
            peer.send(b"0\r\n\r\n")

    return script


@pytest.mark.parametrize("tick_s", [0.0, 0.02])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_byte_arrives_whatever_the_framing(framing, tick_s, tls):
    pieces = [b"data: %d\n\n" % n for n in range(40)]
    with (
        RawServer(sender(framing, pieces, pace_s=0.002), tls) as server,
        client_for(provider="x", base_url=server.url) as client,
    ):
        got = list(open_stream(client).chunks(tick_s))
    assert b"".join(got) == b"".join(pieces)
    assert all(got)
    if tick_s:
        assert len(got) < len(pieces) / 2


@pytest.mark.parametrize("tick_s", [0.0, 0.03])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_bytes_are_handed_out_while_the_vendor_is_silent_after_them(
    framing, tick_s, tls
):
    hold = threading.Event()
    with RawServer(
        sender(framing, [b"one ", b"two"], pace_s=0.01, hold=hold), tls
    ) as server:
        with client_for(provider="x", base_url=server.url) as client:
            got, started = b"", time.monotonic()
            chunks = open_stream(client).chunks(tick_s)
            while got != b"one two":
                got += next(chunks)
            assert time.monotonic() - started < 0.5
            hold.set()
            assert b"".join(chunks) == b""
        hold.set()


def test_the_first_bytes_after_a_silence_do_not_wait_for_the_tick():
    def script(peer):
        peer.next_request()
        peer.send(CHUNKED_HEAD)
        for _ in range(3):
            time.sleep(0.4)
            sent.append(time.monotonic())
            peer.send_chunk(b"x")
        peer.send(b"0\r\n\r\n")

    sent: list[float] = []
    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        seen = [time.monotonic() for _ in open_stream(c).chunks(tick_s=0.25)]
    assert len(seen) == 3
    assert all(b - a < 0.1 for a, b in zip(sent, seen, strict=True))


def test_gzip_in_spite_of_identity_is_read_promptly():
    packer = gzip.zlib.compressobj(wbits=31)
    first = packer.compress(b"data: one\n\n") + packer.flush(gzip.zlib.Z_SYNC_FLUSH)
    rest = packer.compress(b"data: two\n\n") + packer.flush()
    hold = threading.Event()

    def script(peer):
        assert peer.next_request().headers["accept-encoding"] == "identity"
        peer.send(
            STREAM_HEAD
            + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        peer.send_chunk(first)
        hold.wait(5)
        peer.send_chunk(rest)
        peer.send(b"0\r\n\r\n")

    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        chunks = open_stream(c).chunks()
        assert next(chunks) == b"data: one\n\n"
        hold.set()
        assert b"".join(chunks) == b"data: two\n\n"


def test_a_compression_bomb_ends_in_an_error_and_not_in_the_memory():
    configure(HttpSettings(max_stream_bytes=4 * 1024 * 1024))
    bomb = gzip.compress(b"\0" * 100_000_000)

    def script(peer):
        peer.next_request()
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
        peer.send(STREAM_HEAD + head + bomb)

    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        with pytest.raises(ProtocolError, match="far too long"):
            for chunk in open_stream(c).chunks():
                assert len(chunk) <= 1024 * 1024


def test_a_coding_nobody_asked_for_is_an_error():
    def script(peer):
        peer.next_request()
        peer.send(STREAM_HEAD + b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc")
        peer.is_closed_within(5)

    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        with pytest.raises(ProtocolError, match="compressed"):
            open_stream(c)


@pytest.mark.parametrize("tick_s", [0.0, 0.02])
def test_a_silent_vendor_is_a_stall_and_what_came_is_kept(tick_s, tls):
    hold = threading.Event()
    with RawServer(sender("chunked", [b"kept"], hold=hold), tls) as server:
        with client_for(provider="acme", base_url=server.url) as client:
            got, started = [], time.monotonic()
            with pytest.raises(StreamStalled) as caught:
                for chunk in open_stream(client, idle_timeout_s=0.4).chunks(tick_s):
                    got.append(chunk)
            assert got == [b"kept"]
            assert 0.3 < time.monotonic() - started < 2
            assert caught.value.provider == "acme"
        hold.set()


def test_a_drip_slower_than_the_tick_is_no_stall():
    pieces = [b"%d," % n for n in range(8)]
    with RawServer(streaming(*pieces, pace_s=0.1)) as server:
        with client_for(provider="x", base_url=server.url) as client:
            got = b"".join(open_stream(client, idle_timeout_s=0.5).chunks(0.02))
    assert got == b"".join(pieces)


@pytest.mark.parametrize("tick_s", [0.0, 0.02])
@pytest.mark.parametrize("how", ["end", "reset", "short", "mid chunk"])
def test_a_broken_connection_is_a_cut_and_what_came_is_kept(how, tick_s):
    def script(peer):
        peer.next_request()
        if how == "short":
            peer.send(STREAM_HEAD + b"Content-Length: 100\r\n\r\nkept")
        elif how == "mid chunk":
            peer.send(CHUNKED_HEAD + b"ff\r\nkept")
        else:
            peer.send(CHUNKED_HEAD)
            peer.send_chunk(b"kept")
        if how == "reset":
            time.sleep(0.2)  # a reset overtakes bytes that nobody has read yet
            peer.reset()

    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        got = []
        with pytest.raises(StreamCut) as caught:
            for chunk in open_stream(c).chunks(tick_s):
                got.append(chunk)
    assert b"".join(got) == b"kept"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_framing_that_lies_is_a_protocol_error():
    def script(peer):
        peer.next_request()
        peer.send(CHUNKED_HEAD + b"nonsense\r\n")
        peer.is_closed_within(5)

    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        with pytest.raises(ProtocolError, match="framed"):
            list(open_stream(c).chunks())


def test_a_finished_stream_gives_its_connection_back_and_abort_leaves_it_alone(tls):
    with RawServer(streaming(b"a", b"b"), tls) as server:
        for _ in range(3):
            with client_for(provider="x", base_url=server.url) as client:
                response = open_stream(client)
                assert b"".join(response.chunks()) == b"ab"
                response.abort()
                client.abort()
        assert server.connections == 1
        assert len(server.requests) == 3


def test_a_reader_that_leaves_after_the_last_event_still_gives_it_back():
    with RawServer(streaming(b"data: [DONE]\n\n")) as server:
        for _ in range(2):
            with client_for(provider="x", base_url=server.url) as client:
                for _chunk in open_stream(client).chunks():
                    break  # the last event was understood; the body's end is not read
                gc.collect()
        assert server.connections == 1


def test_nothing_is_left_behind(recwarn):
    before = set(threading.enumerate())
    with RawServer(streaming(b"x")) as server:
        for _ in range(5):
            with client_for(provider="x", base_url=server.url) as client:
                list(open_stream(client).chunks())
            with client_for(provider="x", base_url=server.url) as client:
                open_stream(client)
        pool.close_idle()
    gc.collect()
    end = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < end:
        time.sleep(0.01)
    assert not set(threading.enumerate()) - before
    assert not [w for w in recwarn if issubclass(w.category, ResourceWarning)]
