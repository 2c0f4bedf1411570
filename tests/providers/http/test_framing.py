"""Chunks and compression, taken apart wherever the network cuts them."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import ProtocolError
from providers.http.framing import Chunked, Counted, Inflate


def inflate(coding: str, data: bytes, step: int) -> bytes:
    decoder = Inflate(coding)
    out = []
    for at in range(0, len(data), step):
        out.append(decoder.feed(data[at : at + step]))
        while decoder.has_more:
            out.append(decoder.feed(b""))
    return b"".join(out)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.data())
def test_chunks_mean_the_same_wherever_the_network_cuts_them(parts, data):
    wire = b"".join(b"%X;name=x\r\n%s\r\n" % (len(p), p) for p in parts)
    wire += b"0\r\nTrailer: yes\r\n\r\n"
    cut = data.draw(st.integers(0, len(wire)))
    framing = Chunked()
    assert framing.feed(wire[:cut]) + framing.feed(wire[cut:]) == b"".join(parts)
    assert framing.is_complete


def test_bytes_of_a_chunk_are_handed_out_before_the_chunk_is_whole():
    framing = Chunked()
    assert framing.feed(b"a\r\nabc") == b"abc"
    assert framing.feed(b"defghij") == b"defghij"
    assert not framing.is_complete
    assert framing.feed(b"\r\n0\r\n\r\nnext answer") == b""
    assert framing.is_complete


@pytest.mark.parametrize(
    "wire",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"\r\n",
        b"0x5\r\n",
        b"5\r\nhelloXX\r\n",
        b"1" * 5000,
        b"f" * 20 + b"\r\n",
    ],
)
def test_a_broken_framing_is_a_protocol_error(wire):
    with pytest.raises(ProtocolError):
        Chunked().feed(wire)


def test_trailers_are_bounded():
    framing = Chunked()
    framing.feed(b"0\r\n")
    with pytest.raises(ProtocolError):
        for _ in range(100):
            framing.feed(b"X: " + b"y" * 2000 + b"\r\n")


def test_a_counted_body_ends_at_its_length():
    framing = Counted(5)
    assert framing.feed(b"hel") == b"hel"
    assert framing.feed(b"lo world") == b"lo"
    assert framing.is_complete
    assert Counted(0).is_complete


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
def test_compression_is_undone(coding, step):
    text = b"data: hello\n\n" * 500
    if coding == "gzip":
        data = gzip.compress(text) + gzip.compress(b"second member")
        assert inflate("gzip", data, step) == text + b"second member"
    elif coding == "deflate":
        assert inflate("deflate", zlib.compress(text), step) == text
    else:
        raw = zlib.compressobj(wbits=-15)
        assert inflate("deflate", raw.compress(text) + raw.flush(), 100_000) == text


def test_a_bomb_comes_in_bounded_steps():
    decoder = Inflate("gzip")
    piece = decoder.feed(gzip.compress(b"\0" * 50_000_000))
    assert len(piece) <= 1024 * 1024
    assert decoder.has_more


def test_broken_compression_is_a_protocol_error():
    with pytest.raises(ProtocolError):
        Inflate("gzip").feed(b"this is not gzip at all")
