"""Bodies that are no event stream under a good status, seen by the one parser entry,
and answers that no socket carries (as the `responses` library mocks them)."""

import pytest
import responses

from providers.errors import ConfigurationError
from providers.events import Finished, StreamError
from providers.http.client import client_for
from providers.interface import StreamCall
from providers.streaming import StreamParser, parse_stream


class Silent:
    """A decoder that understands everything and says nothing but the end."""

    def feed(self, sse):
        return [Finished(stop_reason="stop")] if sse.data == "end" else []

    def finish(self):
        return []


GEMINI = (
    b'[{\n  "error": {\n "code": 503, "message": "busy", "status": "UNAVAILABLE"}}\n]\n'
)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_plain_json_error_in_a_stream_is_that_error(size):
    body = b"\n " + GEMINI
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    (event,) = parse_stream(pieces, Silent())
    assert isinstance(event, StreamError)
    assert event.error.kind == "Overloaded"
    assert event.error.vendor_message == "busy"


@pytest.mark.parametrize("body", [b'{"choices": []}', b"<html>hello</html>", b"[]"])
def test_what_is_neither_stream_nor_error_is_not_understood(body):
    (event,) = parse_stream([body], Silent())
    assert event.error.kind == "ProtocolError"


def test_a_stream_that_begins_with_empty_lines_is_a_stream():
    assert list(
        parse_stream([b"\n", b"\r\n", b": hi\n", b"data: end\n\n"], Silent())
    ) == [Finished(stop_reason="stop")]


def test_an_event_beyond_all_bounds_ends_the_stream_with_an_error(monkeypatch):
    parser = StreamParser(Silent())
    parser._sse._max_bytes = 100
    events = parser.feed(b"data: " + b"x" * 150)
    assert [e.error.kind for e in events] == ["ProtocolError"]
    assert parser.done
    assert parser.finish() == []


@responses.activate
def test_a_mocked_answer_streams_too():
    responses.post(
        "https://vendor.example/v1/chat",
        body=b"data: one\n\ndata: end\n\n",
        content_type="text/event-stream",
    )
    with client_for(provider="x", base_url="https://vendor.example/v1") as client:
        call = StreamCall(
            url="https://vendor.example/v1/chat", body={}, decoder=Silent()
        )
        response = client.open_stream(call, idle_timeout_s=1)
        events = list(parse_stream(response.chunks(tick_s=0.05), call.decoder))
    assert events == [Finished(stop_reason="stop")]


@responses.activate
def test_a_mocked_plain_answer_is_read_too():
    responses.get("https://vendor.example/v1/models", json={"data": []})
    with client_for(provider="x", base_url="https://vendor.example/v1") as client:
        assert client.get_json("models") == {"data": []}


def test_an_address_without_an_origin_is_a_configuration_error():
    with pytest.raises(ConfigurationError):
        client_for(provider="x", base_url="/v1")
