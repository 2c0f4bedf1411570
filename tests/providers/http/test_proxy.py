"""The proxy of our own setting: used for the world, by tunnel for TLS, not for here."""

import contextlib
import socket
import threading

import pytest

from providers.errors import ConfigurationError, ProviderUnavailable
from providers.http import HttpSettings, configure
from providers.http.client import client_for
from providers.interface import StreamCall
from tests.providers.http.servers import RawServer, answering, self_signed, streaming


def test_a_proxy_of_our_own_setting_is_used_but_not_for_this_machine():
    with (
        RawServer(answering(b'{"via": "proxy"}')) as proxy,
        RawServer(answering(b"{}")) as own,
    ):
        configure(HttpSettings(proxy=proxy.url, no_proxy=("intern.example",)))
        with client_for(provider="x", base_url="http://vendor.example/v1") as client:
            assert client.get_json("/a") == {"via": "proxy"}
        with client_for(provider="x", base_url=own.url) as client:
            assert client.get_json("/a") == {}
        with client_for(provider="x", base_url="http://a.intern.example") as client:
            with pytest.raises(ProviderUnavailable):
                client.get_json("/a")
    assert proxy.requests[0].line.startswith("GET http://vendor.example/v1/a ")
    assert len(proxy.requests) == 1


def test_a_proxy_password_is_not_shown():
    shown = repr(HttpSettings(proxy="http://user:sekret@proxy.example:3128"))
    assert "sekret" not in shown
    with pytest.raises(ConfigurationError) as caught:
        HttpSettings(proxy="socks5://user:sekret@proxy.example")
    assert "sekret" not in str(caught.value)


def tunnel_to(port: int, seen: list[str]):
    """A script: a CONNECT proxy that leads everywhere to one local port."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def script(peer):
        request = peer.next_request()
        seen.append(request.line.rpartition(" ")[0])
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=pump, args=(upstream, peer.sock))
            back.start()
            pump(peer.sock, upstream)
            back.join(5)

    return script


def test_tls_goes_through_a_tunnel_that_never_sees_the_key(tmp_path):
    context, certificate = self_signed(tmp_path)
    seen: list[str] = []
    with RawServer(streaming(b"data: x\n\n"), context) as vendor:
        with RawServer(tunnel_to(vendor.port, seen)) as proxy:
            # "localhost" is this machine, so the vendor gets the proxy by another way in.
            configure(HttpSettings(proxy=proxy.url, ca_bundle=str(certificate)))
            key = {"Authorization": "Bearer sk-canary"}
            url = "https://vendor.example"
            client = client_for(provider="x", base_url=url, headers=key)
            call = StreamCall(url=url + "/v1", body={}, decoder=None)
            with client, pytest.raises(ConfigurationError, match="certificate"):
                client.open_stream(call, idle_timeout_s=5)
    assert seen == ["CONNECT vendor.example:443"]
    assert vendor.requests == []
    assert "canary" not in str([r.headers for r in proxy.requests])


def test_a_stream_through_a_tunnel_is_read_and_can_be_stopped(tmp_path, monkeypatch):
    from providers.http import exchange

    monkeypatch.setattr(exchange, "is_loopback", lambda url: False)
    context, certificate = self_signed(tmp_path)
    seen: list[str] = []
    with RawServer(streaming(b"data: x\n\n", pace_s=0.01), context) as vendor:
        with RawServer(tunnel_to(vendor.port, seen)) as proxy:
            configure(HttpSettings(proxy=proxy.url, ca_bundle=str(certificate)))
            with client_for(provider="x", base_url=vendor.url) as client:
                call = StreamCall(url=vendor.url + "/v1", body={}, decoder=None)
                response = client.open_stream(call, idle_timeout_s=5)
                assert b"".join(response.chunks(0.02)) == b"data: x\n\n"
                response = client.open_stream(call, idle_timeout_s=5)
                response.abort()
                assert list(response.chunks()) == []
    assert seen[0] == f"CONNECT localhost:{vendor.port}"
