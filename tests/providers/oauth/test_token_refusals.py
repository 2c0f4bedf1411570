"""What the refusals of token endpoints mean, in the shapes they are known to have."""

from __future__ import annotations

from typing import Any

import pytest

from providers import errors
from providers.http.oauth import OAuthClient
from providers.oauth.server import AuthorizationServer
from providers.oauth.tokens import Tokens
from tests.providers.oauth.login_server import LoginServer

TOKEN_URL = "https://auth.openai.com/oauth/token"
REVOKE_URL = "https://auth.openai.com/oauth/revoke"
LINE = f"POST {TOKEN_URL}"
GOOD = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600}


def client(**more: Any) -> OAuthClient:
    fields: dict[str, Any] = {
        "provider": "openai",
        "label": "OpenAI",
        "client_id": "client-1",
        "authorize_url": "https://auth.openai.com/oauth/authorize",
        "token_url": TOKEN_URL,
        "revoke_url": REVOKE_URL,
        "dead_statuses": (401,),
    }
    return OAuthClient(AuthorizationServer(**{**fields, **more}))


def exchanged(own: OAuthClient | None = None) -> Tokens:
    return (own or client()).exchange_code(
        code="the-code", verifier="the-verifier", redirect_uri="http://localhost/cb"
    )


def refreshed(own: OAuthClient | None = None) -> Tokens:
    return (own or client()).refresh("rt-old", access_token="at-old")


REFUSALS: list[tuple[int, Any, type[errors.ProviderError]]] = [
    (400, {"error": "invalid_grant"}, errors.CredentialRejected),
    (
        400,
        {"error": "invalid_grant", "error_description": "x"},
        errors.CredentialRejected,
    ),
    (400, {"error": {"code": "refresh_token_reused"}}, errors.CredentialRejected),
    (400, {"error": {"type": "invalid_grant"}}, errors.CredentialRejected),
    (400, {"code": "refresh_token_expired"}, errors.CredentialRejected),
    (400, {"error": "refresh_token_invalidated"}, errors.CredentialRejected),
    (400, {"error": "invalid_refresh_token"}, errors.CredentialRejected),
    (400, {"error": "token_expired"}, errors.CredentialRejected),
    (200, {"error": "invalid_grant"}, errors.CredentialRejected),
    (401, {"error": "anything"}, errors.CredentialRejected),
    (401, b"Unauthorized", errors.CredentialRejected),
    (401, {"error": "invalid_client"}, errors.ConfigurationError),
    (400, {"error": "invalid_client"}, errors.ConfigurationError),
    (400, {"error": {"code": "unauthorized_client"}}, errors.ConfigurationError),
    (400, {"error": "invalid_request"}, errors.ConfigurationError),
    (400, {"error": "invalid_scope"}, errors.ConfigurationError),
    (400, {"error": "news_to_us"}, errors.ProtocolError),
    (400, b"<html>Bad Request</html>", errors.ProtocolError),
    (404, b"", errors.ProtocolError),
    (403, b"<html>Attention required</html>", errors.PermissionRefused),
    (403, {"error": "forbidden"}, errors.PermissionRefused),
    (429, {"error": "slow"}, errors.RateLimited),
    (408, b"", errors.ProviderUnavailable),
    (500, {"error": "server_error"}, errors.ProviderUnavailable),
    (502, b"<html>Bad Gateway</html>", errors.ProviderUnavailable),
    (503, b"", errors.ProviderUnavailable),
    (529, {"type": "error", "error": {"type": "x"}}, errors.ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "body", "kind"), REFUSALS)
def test_every_refusal_of_a_refresh_has_its_meaning(
    server: LoginServer, status: int, body: Any, kind: type[errors.ProviderError]
) -> None:
    server.says(LINE, body, status, x_request_id="req-1")

    with pytest.raises(errors.ProviderError) as told:
        refreshed()

    assert type(told.value) is kind
    assert told.value.provider == "openai"
    assert told.value.status == status
    assert told.value.request_id == "req-1"
    assert told.value.vendor_type == "token_endpoint"


def test_a_401_for_a_code_does_not_end_a_login(server: LoginServer) -> None:
    server.says(LINE, {"error": "no"}, 401)

    with pytest.raises(errors.PermissionRefused):
        exchanged()


def test_a_code_that_was_used_is_refused_for_good(server: LoginServer) -> None:
    server.says(LINE, {"error": "invalid_grant"}, 400)

    with pytest.raises(errors.CredentialRejected, match="invalid_grant"):
        exchanged()


def test_a_401_ends_a_login_only_where_the_vendor_means_it(server: LoginServer) -> None:
    server.says(LINE, {"error": "no"}, 401)

    with pytest.raises(errors.PermissionRefused):
        refreshed(client(dead_statuses=()))


def test_too_many_requests_say_when_to_come_back(server: LoginServer) -> None:
    server.says(LINE, {"error": {"message": "slow"}}, 429, retry_after="17")

    with pytest.raises(errors.RateLimited) as told:
        refreshed()

    assert told.value.retry_after_s == 17
    assert told.value.retryable


def test_a_redirect_is_not_followed(server: LoginServer) -> None:
    server.says(LINE, b"", 302, location="https://auth.openai.com/elsewhere")

    with pytest.raises(errors.ProtocolError, match="redirect"):
        refreshed()

    assert len(server.asked) == 1


def test_nobody_there_is_told_as_that(server: LoginServer) -> None:
    gone = client(token_url="https://127.0.0.1:9/token")

    with pytest.raises(errors.ProviderUnavailable):
        refreshed(gone)


@pytest.mark.parametrize("field", ["token_url", "authorize_url", "revoke_url"])
def test_a_login_service_without_tls_is_not_talked_to(field: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="https"):
        client(**{field: "http://auth.openai.com/oauth/token"})
