"""Fields that compatible servers refuse: left out, asked again, remembered."""

import json

import pytest

from providers.errors import (
    RequestRejected,
)
from providers.http.client import client_for
from providers.interface import StreamCall
from tests.providers.http.servers import CHUNKED_HEAD, RawServer

KEY = {"Authorization": "Bearer sk-canary-0123456789"}


def stream_call(url: str, **kwargs):
    return StreamCall(
        url=url, body=kwargs.pop("body", {"q": 1}), decoder=None, **kwargs
    )


class PickyServer:
    """Refuses fields as compatible servers do, and streams when it likes the body."""

    def __init__(self, *unknown: str, status: int = 400) -> None:
        self.unknown, self.status = unknown, status

    def __call__(self, peer) -> None:
        while (request := peer.next_request()) is not None:
            body = json.loads(request.body)
            wrong = [name for name in self.unknown if name in body]
            if wrong:
                said = {
                    "error": {"message": f"Unrecognized request argument: {wrong[0]}"}
                }
                peer.answer(json.dumps(said).encode(), self.status)
            else:
                peer.send(CHUNKED_HEAD + b"0\r\n\r\n")


def test_a_refused_optional_field_is_left_out_and_remembered():
    body = {"model": "m", "stream_options": {}, "parallel_tool_calls": True}
    optional = ("stream_options", "parallel_tool_calls")
    with RawServer(PickyServer("stream_options")) as server:
        for _ in range(2):
            with client_for(provider="x", base_url=server.url) as client:
                call = stream_call(server.url, body=body, optional_fields=optional)
                list(client.open_stream(call, idle_timeout_s=5).chunks())
    sent = [sorted(json.loads(r.body)) for r in server.requests]
    without = ["model", "parallel_tool_calls"]
    assert sent == [sorted(body), without, without]
    assert body["stream_options"] == {}  # the caller's own object is not touched


def test_a_refused_field_that_is_not_optional_is_an_error():
    with RawServer(PickyServer("tools")) as server:
        with client_for(provider="x", base_url=server.url) as client:
            call = stream_call(
                server.url, body={"tools": [], "n": 1}, optional_fields=("n",)
            )
            with pytest.raises(RequestRejected):
                client.open_stream(call, idle_timeout_s=5)
    assert len(server.requests) == 1


def test_what_did_not_help_is_not_remembered():
    with RawServer(PickyServer("a", "b")) as server:
        for _ in range(2):
            with client_for(provider="x", base_url=server.url) as client:
                call = stream_call(
                    server.url, body={"a": 1, "b": 1}, optional_fields=("a",)
                )
                with pytest.raises(RequestRejected):
                    client.open_stream(call, idle_timeout_s=5)
    assert [sorted(json.loads(r.body)) for r in server.requests] == [
        ["a", "b"],
        ["b"],
    ] * 2
