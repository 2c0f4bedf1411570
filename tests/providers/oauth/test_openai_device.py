"""OpenAI's login by device code."""

from __future__ import annotations

from typing import Any

import pytest

from providers import provider
from providers.errors import (
    ConfigurationError,
    ProtocolError,
    ProviderUnavailable,
    RateLimited,
)
from providers.oauth.login import Login
from tests.providers.oauth.login_server import LoginServer
from tests.providers.oauth.openai_logins import AUTH, CLIENT, DEVICE, TOKEN, tokens


def device(server: LoginServer, **more: Any) -> Login:
    fields = {"device_auth_id": "dev-1", "user_code": "ABCD-1234", "interval": "5"}
    server.says(f"{DEVICE}/usercode", {**fields, **more})
    return provider.begin_login("openai", name="work", method="device")


def test_a_device_code_is_shown_with_where_to_type_it(server: LoginServer) -> None:
    login = device(server)

    assert server.asked[0].json == {"client_id": CLIENT}
    assert login.user_code == "ABCD-1234"
    assert login.authorize_url.endswith("/openai-auth/codex/device")
    assert (login.interval_s, login.lifetime_s) == (5.0, 900.0)
    assert "dev-1" not in repr(login)


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        ("7", 7.0),
        (3, 3.0),
        ("nan", 5.0),
        (None, 5.0),
        ("x", 5.0),
        (0, 5.0),
        (1e9, 60.0),
    ],
)
def test_the_pace_of_asking_is_the_vendors_within_reason(
    server: LoginServer, interval: Any, seconds: float
) -> None:
    assert device(server, interval=interval).interval_s == seconds


def test_the_older_name_of_the_code_is_understood(server: LoginServer) -> None:
    assert device(server, user_code=None, usercode="WXYZ").user_code == "WXYZ"


def test_a_device_login_waits_and_then_has_its_tokens(server: LoginServer) -> None:
    login = device(server)
    ask = f"{DEVICE}/token"
    server.says(ask, {"error": "pending"}, 403)
    server.says(ask, b"not yet", 404)
    pair = {"authorization_code": "ac", "code_verifier": "cv", "code_challenge": "cc"}
    server.says(ask, pair)
    server.says(TOKEN, tokens("pro"))

    assert provider.poll_login(login) is None
    assert provider.poll_login(login) is None
    found = provider.poll_login(login)

    assert found is not None
    assert found.metadata["plan"] == "Pro"
    assert server.to(ask)[0].json == {
        "device_auth_id": "dev-1",
        "user_code": "ABCD-1234",
    }
    sent = server.to(TOKEN)[0].form
    assert (sent["code"], sent["code_verifier"]) == ("ac", "cv")
    assert sent["redirect_uri"] == f"{AUTH}/deviceauth/callback"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {}, ConfigurationError),
        (200, {}, ProtocolError),
        (200, b"<html>", ProtocolError),
        (400, {"error": "x"}, ProtocolError),
        (429, b"", RateLimited),
        (503, b"", ProviderUnavailable),
    ],
)
def test_a_device_login_that_cannot_begin_says_why(
    server: LoginServer, status: int, body: Any, kind: type[Exception]
) -> None:
    server.says(f"{DEVICE}/usercode", body, status)

    with pytest.raises(kind):
        provider.begin_login("openai", name="work", method="device")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"authorization_code": "ac"}, ProtocolError),
        (200, [], ProtocolError),
        (400, {"error": "expired"}, ProtocolError),
        (500, b"", ProviderUnavailable),
        (429, b"", RateLimited),
    ],
)
def test_a_device_login_that_fails_says_so(
    server: LoginServer, status: int, body: Any, kind: type[Exception]
) -> None:
    login = device(server)
    server.says(f"{DEVICE}/token", body, status)

    with pytest.raises(kind):
        provider.poll_login(login)
