"""S-20, S-21, S-22: a credential goes to its own address, whoever says otherwise."""

import pytest

from providers.errors import (
    ConfigurationError,
    ProtocolError,
)
from providers.http import HttpSettings, configure
from providers.http.client import client_for
from providers.interface import StreamCall
from tests.providers.http.servers import RawServer, answering, self_signed

KEY = {"Authorization": "Bearer sk-canary-0123456789"}


def stream_call(url: str, **kwargs):
    return StreamCall(
        url=url, body=kwargs.pop("body", {"q": 1}), decoder=None, **kwargs
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["host", "port", "scheme", "same"])
def test_a_redirect_is_an_error_and_nothing_follows_it(status, target):
    """S-21."""
    with RawServer(answering(b"{}")) as other:
        location = {
            "host": other.url.replace("127.0.0.1", "localhost"),
            "port": other.url,
            "scheme": other.url.replace("http:", "https:"),
            "same": "/elsewhere",
        }[target]
        with RawServer(answering(b"moved", status=status, location=location)) as server:
            for ask in ("get", "stream"):
                client = client_for(provider="x", base_url=server.url, headers=KEY)
                with client, pytest.raises(ProtocolError, match="Unexpected redirect"):
                    if ask == "get":
                        client.get_json("/a")
                    else:
                        client.open_stream(stream_call(server.url), idle_timeout_s=5)
        assert len(server.requests) == 2
        assert other.connections == 0


@pytest.mark.parametrize("where", ["host", "port", "scheme", "userinfo"])
def test_a_credential_goes_to_its_own_origin_only(where):
    """S-20."""
    with RawServer(answering(b"{}")) as server, RawServer(answering(b"{}")) as other:
        url = {
            "host": server.url.replace("127.0.0.1", "localhost"),
            "port": other.url,
            "scheme": server.url.replace("http:", "https:"),
            "userinfo": server.url.replace("127.0.0.1", "127.0.0.1@localhost"),
        }[where]
        client = client_for(provider="x", base_url=server.url, headers=KEY)
        for ask in (
            lambda: client.get_json(url + "/a"),
            lambda: client.post_json(url + "/a", {}),
            lambda: client.post_form(url + "/a", {}),
            lambda: client.open_stream(stream_call(url + "/a"), idle_timeout_s=5),
        ):
            with pytest.raises(ConfigurationError, match="another address"):
                ask()
        assert server.connections == other.connections == 0


def test_the_environment_changes_nothing(monkeypatch, tmp_path):
    """S-22."""
    netrc = tmp_path / ".netrc"
    with RawServer(answering(b"{}")) as server, RawServer(answering(b"{}")) as trap:
        netrc.write_text(
            "machine 127.0.0.1 login evil password evil\ndefault login e password e\n"
        )
        netrc.chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(netrc))
        for name in (
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
        ):
            monkeypatch.setenv(name, trap.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, "/nonexistent/ca.pem")
        with client_for(provider="x", base_url=server.url, headers=KEY) as client:
            client.get_json("/a")
        with client_for(provider="x", base_url=server.url) as client:
            client.get_json("/a")
    assert trap.connections == 0
    assert server.requests[0].headers["authorization"] == KEY["Authorization"]
    assert "authorization" not in server.requests[1].headers


def test_a_bundle_in_the_environment_cannot_make_a_certificate_good(
    monkeypatch, tmp_path
):
    """S-22."""
    context, certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with RawServer(answering(b"{}"), context) as server:
        client = client_for(provider="x", base_url=server.url, headers=KEY)
        with client, pytest.raises(ConfigurationError, match="certificate"):
            client.get_json("/a")
        configure(HttpSettings(ca_bundle=str(certificate)))
        with client_for(provider="x", base_url=server.url) as client:
            assert client.get_json("/a") == {}
    assert len(server.requests) == 1
