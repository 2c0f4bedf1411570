"""The event-stream decoder against the text of the standard and a slow, obvious oracle."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import ProtocolError
from providers.http.sse import SSEDecoder, SSEEvent


def decode(*chunks: bytes) -> list[SSEEvent]:
    decoder = SSEDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def lines_of(text: bytes) -> list[bytes]:
    """The lines that have an end, a byte at a time."""
    lines, line, at = [], bytearray(), 0
    while at < len(text):
        byte = text[at : at + 1]
        if byte in (b"\r", b"\n"):
            lines.append(bytes(line))
            line.clear()
            if text[at : at + 2] == b"\r\n":
                at += 1
        else:
            line += byte
        at += 1
    return lines


def oracle(body: bytes) -> list[SSEEvent]:
    """The standard's algorithm over the whole body, in its own words and order."""
    lines = lines_of(body.removeprefix(b"\xef\xbb\xbf"))
    events, data, kind, last_id, retry = [], b"", "", "", None
    for line in lines:
        if line == b"":
            if data:
                events.append(
                    SSEEvent(
                        kind or "message",
                        data[:-1].decode("utf-8", "replace"),
                        last_id,
                        retry,
                    )
                )
            data, kind, retry = b"", "", None
            continue
        if line.startswith(b":"):
            continue
        name, colon, value = line.partition(b":")
        if colon and value.startswith(b" "):
            value = value[1:]
        if name == b"event":
            kind = value.decode("utf-8", "replace")
        elif name == b"data":
            data += value + b"\n"
        elif name == b"id" and b"\0" not in value:
            last_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value and all(c in b"0123456789" for c in value):
            retry = int(value)
    return events


PIECES = st.sampled_from(
    [
        b"data: ", b"data:", b"data", b"event: ", b"event:", b"id: ", b"id", b"retry: ",
        b"retry:", b":", b" ", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b"\0", b"12",
        b"\xef\xbb\xbf", b"\xef\xbb", '{"a":"é🙂"}'.encode(), "\u2028\u0085\x0b\x0c".encode(),
        b"\xff\xfe", b"\xc3", b"x", b"[DONE]", b"datax: 1", b"Data: no", b"  data: no",
    ]
)  # fmt: skip
BODIES = st.lists(PIECES, max_size=60).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(BODIES, st.data())
def test_it_means_the_same_wherever_the_network_cuts_it(body, data):
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8).map(sorted))
    edges = [0, *cuts, len(body)]
    chunks = [body[a:b] for a, b in itertools.pairwise(edges)]
    assert decode(*chunks) == oracle(body)


@settings(max_examples=200, deadline=None)
@given(BODIES)
def test_it_means_the_same_byte_by_byte(body):
    whole = decode(body)
    assert whole == oracle(body)
    assert decode(*(bytes([byte]) for byte in body)) == whole


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_it_takes_any_bytes_without_raising(body):
    assert decode(body) == oracle(body)


def test_the_examples_of_the_standard():
    assert decode(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [
        SSEEvent("message", "YHOO\n+2\n10")
    ]
    body = (
        b": test stream\n\ndata: first event\nid: 1\n\n"
        b"data:second event\nid\n\ndata:  third event\n\n"
    )
    assert decode(body) == [
        SSEEvent("message", "first event", "1"),
        SSEEvent("message", "second event", ""),
        SSEEvent("message", " third event", ""),
    ]
    assert [e.data for e in decode(b"data\n\ndata\ndata\n\ndata:")] == ["", "\n"]
    assert [e.data for e in decode(b"data:test\n\ndata: test\n\n")] == ["test", "test"]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_all_three_line_ends_mean_the_same(end):
    body = end.join(
        [b"event: delta", b"data: one", b"data: two", b"", b"data: three", b"", b""]
    )
    expected = [SSEEvent("delta", "one\ntwo"), SSEEvent("message", "three")]
    for cut in range(len(body) + 1):
        assert decode(body[:cut], body[cut:]) == expected


def test_a_carriage_return_dispatches_at_once_and_takes_its_line_feed_later():
    decoder = SSEDecoder()
    assert [e.data for e in decoder.feed(b"data: now\r\r")] == ["now"]
    assert decoder.feed(b"\n") == []
    assert [e.data for e in decoder.feed(b"data: then\n\n")] == ["then"]


def test_only_one_byte_order_mark_is_dropped():
    mark = b"\xef\xbb\xbf"
    assert [e.data for e in decode(mark + b"data: x\n\n")] == ["x"]
    assert [e.data for e in decode(mark[:1], mark[1:2], mark[2:], b"data: x\n\n")] == [
        "x"
    ]
    assert decode(mark + mark + b"data: x\n\n") == []


def test_line_separators_of_unicode_are_only_text():
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei"
    assert [e.data for e in decode(f"data: {text}\n\n".encode())] == [text]


def test_an_id_persists_until_another_and_one_with_nul_is_ignored():
    body = b"id: 7\ndata: a\n\ndata: b\n\nid: bad\0\ndata: c\n\nid: 8\n\ndata: d\n\n"
    assert [e.id for e in decode(body)] == ["7", "7", "7", "8"]


def test_retry_takes_digits_only_and_belongs_to_its_block():
    body = (
        b"retry: 1500\ndata: a\n\nretry: 1s\ndata: b\n\nretry:\ndata: c\n\n"
        b"retry: -1\ndata: d\n\nretry: 3\ndata: e\n\n"
    )
    assert [e.retry for e in decode(body)] == [1500, None, None, None, 3]


def test_comments_and_blocks_without_data_dispatch_nothing():
    assert decode(b": keep-alive\n\n\n\nevent: ping\n\n:\n\nfoo: bar\n\n") == []
    assert decode(b"event: ping\n\ndata: x\n\n") == [SSEEvent("message", "x")]


def test_an_unfinished_block_at_the_end_is_discarded():
    assert [e.data for e in decode(b"data: whole\n\ndata: half\n")] == ["whole"]


def test_json_is_read_and_what_is_not_json_is_none():
    good, done, deep = decode(
        b'data: {"a": [1, "\xf0\x9f\x99\x82"]}\n\ndata: [DONE]\n\ndata: '
        + b"[" * 100_000
        + b"\n\n"
    )
    assert good.json() == {"a": [1, "🙂"]}
    assert done.json() is None
    assert deep.json() is None


def test_bytes_that_are_not_utf8_are_replaced_and_stop_nothing():
    events = decode(b"data: a\xffb\n\ndata: next\n\n")
    assert [e.data for e in events] == ["a\ufffdb", "next"]


def test_a_large_event_in_small_pieces_arrives_whole():
    body = b"data: " + b"x" * 4_000_000 + b"\n\n"
    events = decode(*(body[at : at + 1024] for at in range(0, len(body), 1024)))
    assert [len(event.data) for event in events] == [4_000_000]


def test_one_event_beyond_all_bounds_is_refused_and_those_before_it_are_kept():
    decoder = SSEDecoder(max_event_bytes=1000)
    assert [e.data for e in decoder.feed(b"data: ok\n\ndata: " + b"x" * 900)] == ["ok"]
    with pytest.raises(ProtocolError, match="more than 1000 bytes"):
        decoder.feed(b"x" * 200)
    with pytest.raises(ProtocolError):
        decoder.feed(b"\n\n")


def test_many_lines_of_one_event_count_together():
    decoder = SSEDecoder(max_event_bytes=1000)
    with pytest.raises(ProtocolError):
        for _ in range(100):
            decoder.feed(b"data: 0123456789abcdef\n")


def test_a_long_stream_of_small_events_is_no_large_event():
    decoder = SSEDecoder(max_event_bytes=1000)
    body = b"".join(b"event: e\ndata: %d\n\n: ping\n\n" % n for n in range(5000))
    got = [
        e.data
        for at in range(0, len(body), 333)
        for e in decoder.feed(body[at : at + 333])
    ]
    assert got == [str(n) for n in range(5000)]
    assert [e.data for e in SSEDecoder(max_event_bytes=1000).feed(body)] == got
