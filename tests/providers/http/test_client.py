"""The client: what it sends, where it refuses to send it, and what it makes of answers."""

import gzip
import json
import time

import pytest

from providers.errors import (
    ConfigurationError,
    CredentialRejected,
    Overloaded,
    ProtocolError,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    StreamCut,
)
from providers.http import HttpSettings, configure
from providers.http.client import client_for
from providers.interface import ApiCall, StreamCall
from tests.providers.http.servers import RawServer, answering

KEY = {"Authorization": "Bearer sk-canary-0123456789"}


def stream_call(url: str, **kwargs):
    return StreamCall(
        url=url, body=kwargs.pop("body", {"q": 1}), decoder=None, **kwargs
    )


def test_it_sends_what_the_vendor_wants_and_reads_json():
    with RawServer(answering(b'{"data": [1]}')) as server:
        with client_for(
            provider="x", base_url=server.url + "/v1/", headers=KEY
        ) as client:
            assert client.base_url == server.url + "/v1"
            assert client.get_json("/models", {"after": "a b&c"}) == {"data": [1]}
            client.post_json("chat", {"text": "é"})
            client.request_json(ApiCall(path="/x", method="PATCH", body={"a": None}))
            client.post_form("token", {"grant_type": "refresh", "t": "a+b&c"})
    get, post, patch, form = server.requests
    assert get.line == "GET /v1/models?after=a+b%26c HTTP/1.1"
    assert get.headers["authorization"] == KEY["Authorization"]
    assert get.headers["user-agent"].startswith("maestro/")
    assert "content-type" not in get.headers
    assert post.path == "/v1/chat"
    assert json.loads(post.body) == {"text": "é"}
    assert post.headers["content-type"] == "application/json"
    assert patch.line.startswith("PATCH /v1/x ")
    assert form.body == b"grant_type=refresh&t=a%2Bb%26c"
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_stream_is_asked_for_as_one():
    with RawServer(
        answering(b"data: x\n\n", content_type="text/event-stream")
    ) as server:
        with client_for(provider="x", base_url=server.url, headers=KEY) as client:
            call = stream_call(server.url + "/v1/chat", headers={"anthropic-beta": "b"})
            response = client.open_stream(call, idle_timeout_s=5)
            assert b"".join(response.chunks()) == b"data: x\n\n"
            assert response.status == 200
    headers = server.requests[0].headers
    assert headers["accept"] == "text/event-stream"
    assert headers["accept-encoding"] == "identity"
    assert headers["anthropic-beta"] == "b"
    assert headers["authorization"] == KEY["Authorization"]


def test_connections_are_kept_for_the_next_client_of_the_same_origin():
    with RawServer(answering(b"{}")) as server:
        for _ in range(4):
            with client_for(provider="x", base_url=server.url) as client:
                client.get_json("/a")
    assert server.connections == 1


def test_cookies_of_a_vendor_are_not_kept():
    with RawServer(answering(b"{}", set_cookie="s=1; Path=/")) as server:
        for _ in range(2):
            with client_for(provider="x", base_url=server.url) as client:
                client.get_json("/a")
    assert "cookie" not in server.requests[1].headers


def test_rerouting_sends_a_whole_origin_elsewhere_and_leaves_the_others():
    with RawServer(answering(b'{"ok": true}')) as server:
        configure(
            HttpSettings(
                reroute={
                    "https://API.openai.com:443": server.url,
                    "https://api.anthropic.com": server.url + "/anthropic",
                }
            )
        )
        with client_for(
            provider="o", base_url="https://api.openai.com/v1", headers=KEY
        ) as c:
            assert c.get_json("/models", {"a": "b"}) == {"ok": True}
        with client_for(provider="a", base_url="https://api.anthropic.com") as c:
            c.get_json("/v1/models")
    assert [r.path for r in server.requests] == [
        "/v1/models?a=b",
        "/anthropic/v1/models",
    ]


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nEvil: b"}, {"X": "schlüssel"}, {"X Y": "value"}]
)
def test_a_header_that_http_cannot_carry_is_refused_by_name_only(headers):
    with pytest.raises(ConfigurationError) as caught:
        client_for(provider="x", base_url="http://a.example", headers=headers)
    assert next(iter(headers.values())) not in str(caught.value)


def test_an_error_body_becomes_the_error_it_describes():
    body = b'{"error": {"message": "slow", "type": "rate_limit", "code": null}}'
    script = answering(body, status=429, retry_after="7", x_request_id="req_1")
    with (
        RawServer(script) as server,
        client_for(provider="openai", base_url=server.url) as c,
    ):
        for ask in (
            lambda: c.get_json("/a"),
            lambda: c.open_stream(stream_call(server.url), idle_timeout_s=5),
        ):
            with pytest.raises(RateLimited) as caught:
                ask()
            assert caught.value.retry_after_s == 7
            assert caught.value.request_id == "req_1"
            assert caught.value.vendor_message == "slow"
            assert caught.value.provider == "openai"


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (
            b'[{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}]',
            "application/json",
            Overloaded,
        ),
        (
            b'{"error": {"code": 401, "message": "no"}}',
            "application/json; charset=utf-8",
            CredentialRejected,
        ),
        (b'{"choices": []}', "application/json", ProtocolError),
        (b"<html><title>Login</title></html>", "text/html", ProtocolError),
        (b"", "application/json", ProtocolError),
    ],
)
def test_a_good_status_without_a_stream_is_an_error(body, content_type, kind):
    with RawServer(answering(body, content_type=content_type)) as server:
        with client_for(provider="x", base_url=server.url) as client:
            with pytest.raises(ProviderError) as caught:
                client.open_stream(stream_call(server.url), idle_timeout_s=5)
    assert type(caught.value) is kind


def test_what_is_not_json_is_a_protocol_error():
    with RawServer(answering(b"<html>hello", content_type="text/html")) as server:
        with client_for(provider="x", base_url=server.url) as client:
            with pytest.raises(ProtocolError, match="base URL"):
                client.get_json("/a")


def test_a_compressed_plain_answer_is_read_and_bounded():
    configure(HttpSettings(max_body_bytes=100_000))
    good, bomb = gzip.compress(b'{"a": 1}'), gzip.compress(b"1" * 50_000_000)
    with RawServer(answering(good, bomb, content_encoding="gzip")) as server:
        with client_for(provider="x", base_url=server.url) as client:
            assert client.get_json("/a") == {"a": 1}
            with pytest.raises(ProtocolError, match="far too long"):
                client.get_json("/a")


def test_a_body_that_drips_for_ever_meets_the_deadline():
    def script(peer):
        peer.next_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
        while not peer.is_closed_within(0.05):
            peer.send(b" ")

    configure(HttpSettings(total_timeout_s=0.5))
    started = time.monotonic()
    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        with pytest.raises(ProviderUnavailable, match="did not finish in time"):
            c.get_json("/a")
    assert time.monotonic() - started < 2


def test_headers_that_drip_for_ever_meet_the_deadline():
    def script(peer):
        peer.next_request()
        peer.send(b"HTTP/1.1 200 OK\r\nX: ")
        while not peer.is_closed_within(0.05):
            peer.send(b"x")

    configure(HttpSettings(total_timeout_s=0.5))
    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        with pytest.raises(ProviderUnavailable, match="did not answer within"):
            c.get_json("/a")


def test_an_error_body_that_never_ends_still_tells_its_status(monkeypatch):
    from providers.http import exchange

    monkeypatch.setattr(exchange, "_ERROR_BODY_S", 0.3)

    def script(peer):
        peer.next_request()
        peer.send(b"HTTP/1.1 401 No\r\nContent-Length: 50\r\n\r\n{")
        peer.is_closed_within(5)

    with (
        RawServer(script) as server,
        client_for(provider="x", base_url=server.url) as c,
    ):
        with pytest.raises(CredentialRejected):
            c.get_json("/a")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "Nothing answers at 127.0.0.1:1"),
        ("http://no-such-host.invalid", "cannot be found"),
    ],
)
def test_a_server_that_is_not_there_says_what_to_check(url, words):
    with client_for(provider="x", base_url=url) as client:
        with pytest.raises(ProviderUnavailable, match=words):
            client.get_json("/a")


def test_a_server_that_hangs_up_before_it_answers_is_unavailable():
    with RawServer(lambda peer: peer.next_request()) as server:
        with client_for(provider="x", base_url=server.url) as client:
            with pytest.raises(ProviderUnavailable, match="broke before"):
                client.get_json("/a")


def test_nothing_is_sent_after_an_abort():
    with RawServer(answering(b"{}")) as server:
        client = client_for(provider="x", base_url=server.url)
        client.abort()
        with pytest.raises(StreamCut, match="stopped"):
            client.get_json("/a")
        assert server.connections == 0
