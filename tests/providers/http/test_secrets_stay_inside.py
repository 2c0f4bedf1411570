"""S-15, the HTTP part: canaries go on the wire and nowhere else."""

import logging
import socket
import threading
import time
import traceback

import pytest

from providers.errors import ProviderError
from providers.http import HttpSettings, configure
from providers.http.client import client_for
from providers.interface import StreamCall
from tests.providers.http.servers import CHUNKED_HEAD, RawServer, answering, self_signed

CANARIES = {
    "Authorization": "Bearer sk-proj-CANARYaaaaaaaaaaaaaaaa",
    "x-api-key": "sk-ant-api03-CANARYbbbbbbbbbbbbbb",
    "x-goog-api-key": "AIzaCANARYccccccccccccccccccccc",
    "x-token": "ya29.CANARYdddddddddddddd",
}
QUERY = "AQ.CANARYeeeeeeeeeeeeeeee"
REFRESH = "1//CANARYgggggggg"
MORE = "sk-or-CANARYffffffffffff"


def everything_in(exc: BaseException | None) -> str:
    """All that an exception shows, and all that hangs on it."""
    found = []
    while exc is not None:
        found += [str(exc), repr(exc), repr(exc.args), repr(vars(exc))]
        found += traceback.format_exception(exc)
        assert exc.__cause__ is None
        exc = exc.__context__
    return "\n".join(found)


def echo(peer):
    """Says everything it was told back, as careless servers do."""
    request = peer.next_request()
    told = " ".join(request.headers.values()) + request.path
    peer.answer(b'{"error": {"message": "bad: %s"}}' % told.encode(), 400)


def cut(peer):
    peer.next_request()
    peer.send(CHUNKED_HEAD + b"ff\r\nhalf")


def hang_up(peer):
    peer.next_request()


def silent(peer):
    peer.next_request()
    peer.is_closed_within(10)


def garbage_headers(peer):
    peer.next_request()
    peer.send(b"\x00\xff garbage\r\n\r\n")


SERVERS = {
    "200": answering(b'{"ok": 1}'),
    "401": answering(b'{"error": {"message": "no"}}', status=401),
    "echoed": echo,
    "500": answering(b"<html>oops", status=500, content_type="text/html"),
    "redirect": answering(b"", status=307, location="http://127.0.0.1:1/"),
    "garbage body": answering(b"\xff\xfenot json"),
    "garbage headers": garbage_headers,
    "cut": cut,
    "hang up": hang_up,
    "timeout": silent,
}


def ask_every_way(client, caught):
    call = StreamCall(
        url=f"{client.base_url}/v1/chat?key={QUERY}",
        body={"prompt": "hello"},
        decoder=None,
        headers={"x-more": MORE},
    )
    for ask in (
        lambda: client.get_json("/models", {"key": QUERY}),
        lambda: client.post_form("/token", {"refresh_token": REFRESH}),
        lambda: list(client.open_stream(call, idle_timeout_s=0.3).chunks()),
    ):
        try:
            ask()
        except ProviderError as exc:
            caught.append(exc)
    caught.append(client)
    caught.append(call.headers is None)


def shown(things) -> str:
    return "\n".join(
        everything_in(t) if isinstance(t, BaseException) else repr(t) for t in things
    )


@pytest.fixture
def logs(caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "requests", "http.client"):
        caplog.set_level(logging.DEBUG, logger=name)
    yield caplog


@pytest.mark.parametrize("name", list(SERVERS))
def test_no_canary_shows_in_logs_errors_or_reprs(name, logs):
    configure(HttpSettings(connect_timeout_s=1, read_timeout_s=0.3, total_timeout_s=2))
    caught: list[object] = []
    with RawServer(SERVERS[name]) as server:
        with client_for(provider="x", base_url=server.url, headers=CANARIES) as client:
            ask_every_way(client, caught)
    assert server.requests  # it did go over the wire
    assert "CANARY" in str([r.headers for r in server.requests])
    everything = shown(caught) + logs.text + repr([vars(r) for r in logs.records])
    assert "CANARY" not in everything
    assert "hello" not in everything


@pytest.mark.parametrize(
    "how", ["dns", "refused", "tls", "plain on https", "unreachable"]
)
def test_no_canary_shows_when_nothing_answers(how, logs, tmp_path):
    configure(HttpSettings(connect_timeout_s=0.5, read_timeout_s=0.5))
    context, _ = self_signed(tmp_path)
    caught: list[object] = []
    with RawServer(silent, context if how == "tls" else None) as server:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = {
                "dns": "https://no-such-host.invalid",
                "refused": f"http://127.0.0.1:{closed.getsockname()[1]}",
                "tls": server.url,
                "plain on https": server.url.replace("http:", "https:"),
                "unreachable": "http://[100::1]",
            }[how]
            with client_for(provider="x", base_url=url, headers=CANARIES) as client:
                ask_every_way(client, caught)
    assert sum(isinstance(c, ProviderError) for c in caught) == 3
    assert "CANARY" not in shown(caught) + logs.text + repr(
        [vars(r) for r in logs.records]
    )


def test_no_canary_shows_when_a_stream_is_cancelled(logs):
    caught: list[object] = []
    with RawServer(silent) as server:
        client = client_for(provider="x", base_url=server.url, headers=CANARIES)
        call = StreamCall(url=server.url + f"/?key={QUERY}", body={}, decoder=None)

        def run():
            try:
                client.open_stream(call, idle_timeout_s=30)
            except ProviderError as exc:
                caught.append(exc)

        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(0.2)
        client.abort()
        thread.join(2)
    assert len(caught) == 1
    assert "CANARY" not in shown(caught) + logs.text


def test_the_log_names_status_and_host_and_no_path(logs):
    with RawServer(answering(b"{}")) as server:
        with client_for(
            provider="acme", base_url=server.url, headers=CANARIES
        ) as client:
            client.get_json("/secret-path", {"q": "secret-query"})
    record = next(r for r in logs.records if r.message == "http.answered")
    assert (record.provider, record.status, record.method) == ("acme", 200, "GET")
    assert record.host == server.url.removeprefix("http://")
    assert record.duration_s >= 0
    assert "secret" not in repr(vars(record)).replace(__file__, "")
