"""No code, verifier, token or client secret is ever seen: errors, logs, repr."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from providers.errors import ProviderError
from providers.http.oauth import OAuthClient
from providers.oauth.server import AuthorizationServer
from providers.types import Secret
from tests.providers.oauth.login_server import LoginServer

TOKEN_URL = "https://auth.openai.com/oauth/token"
LINE = f"POST {TOKEN_URL}"
CANARIES = {
    "code": "canary-code/4+a=1",
    "verifier": "canary-verifier-0123456789",
    "refresh": 'canary-refresh|"quoted"-\\1',
    "access": "canary-access-0123",
    "secret": "canary-client-secret",
    "subject": "canary-subject-token",
    "bearer": "canary-bearer-token",
}
LOUD = (
    "",
    "requests_oauthlib",
    "requests_oauthlib.oauth2_session",
    "oauthlib",
    "oauthlib.oauth2.rfc6749.clients.base",
    "urllib3",
    "urllib3.connectionpool",
    "requests",
    "providers",
)


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that is logged when somebody has turned every logger up."""
    for name in LOUD:
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def client(kind: Any = "form") -> OAuthClient:
    return OAuthClient(
        AuthorizationServer(
            provider="openai",
            label="OpenAI",
            client_id="client-1",
            client_secret=Secret(CANARIES["secret"]),
            authorize_url="https://auth.openai.com/oauth/authorize",
            token_url=TOKEN_URL,
            revoke_url=TOKEN_URL,
            code_body=kind,
            refresh_body=kind,
            revoke_body=kind,
        )
    )


def exchange(own: OAuthClient) -> Any:
    return own.exchange_code(
        code=CANARIES["code"],
        verifier=CANARIES["verifier"],
        redirect_uri="http://localhost/cb",
    )


def refresh(own: OAuthClient) -> Any:
    return own.refresh(CANARIES["refresh"], access_token=CANARIES["access"])


def exchange_token(own: OAuthClient) -> Any:
    return own.exchange_token(
        subject_token=CANARIES["subject"], subject_token_type="urn:x"
    )


def revoke(own: OAuthClient) -> Any:
    return own.revoke(CANARIES["refresh"])


def get(own: OAuthClient) -> Any:
    return own.get_json(TOKEN_URL, bearer=CANARIES["bearer"])


CALLS: list[Callable[[OAuthClient], Any]] = [
    exchange,
    refresh,
    exchange_token,
    revoke,
    get,
]


def seen(text: str) -> list[str]:
    """The canaries in a text, as they are or as JSON and addresses write them."""
    return [
        name
        for name, value in CANARIES.items()
        if any(w in text for w in (value, json.dumps(value)[1:-1], quote(value, "")))
    ]


def shown(exc: BaseException) -> str:
    """Everything of an error that may end up on a page or in a log."""
    whole = "".join(traceback.format_exception(exc))
    fields = (
        repr(vars(exc)) + repr(exc.info()) if isinstance(exc, ProviderError) else ""
    )
    return f"{exc!s}\n{exc!r}\n{whole}\n{fields}"


def echo(status: int, shape: str) -> tuple[int, Any]:
    """A refusal that repeats all it was told."""
    words = " ".join(CANARIES.values())
    named = "&".join(f"{n}={quote(v, '')}" for n, v in CANARIES.items())
    return status, {
        "word": {"error": words, "error_description": words},
        "object": {"error": {"code": words, "message": words, "type": words}},
        "text": f"you said {words} or {named}".encode(),
        "page": f"<html>{words} {named}</html>".encode(),
    }[shape]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["form", "json"])
@pytest.mark.parametrize("shape", ["word", "object", "text", "page"])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_refusal_that_repeats_the_request_gives_nothing_away(
    server: LoginServer,
    everything: pytest.LogCaptureFixture,
    call: Callable[[OAuthClient], Any],
    kind: str,
    shape: str,
    status: int,
) -> None:
    for method in ("GET", "POST"):
        server.says(f"{method} {TOKEN_URL}", echo(status, shape)[1], status)

    with pytest.raises(ProviderError) as told:
        call(client(kind))

    # What it repeats of this request; the others it cannot know.
    asked = server.asked[0]
    sent = set(seen(asked.raw.decode() + asked.headers.get("authorization", "")))
    assert sent
    # The log never repeats what a vendor says, so there nothing may be seen at all.
    assert seen(everything.text) == []
    assert not set(seen(shown(told.value))) & sent


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["form", "json"])
def test_a_good_exchange_leaves_no_secret_in_any_log(
    server: LoginServer,
    everything: pytest.LogCaptureFixture,
    call: Callable[[OAuthClient], Any],
    kind: str,
) -> None:
    answer = {
        "access_token": CANARIES["access"],
        "refresh_token": CANARIES["refresh"],
        "id_token": CANARIES["subject"],
        "expires_in": 60,
        "issued_token_type": "urn:x",
        "raw_key": CANARIES["secret"],
    }
    for method in ("GET", "POST"):
        server.says(f"{method} {TOKEN_URL}", answer)

    found = call(client(kind))

    logged = everything.text + "".join(repr(vars(r)) for r in everything.records)
    assert seen(logged) == []
    if call is not get:
        assert seen(repr(found)) == []
        assert seen(f"{found}") == []


@pytest.mark.parametrize("call", CALLS)
def test_nobody_there_gives_nothing_away(
    everything: pytest.LogCaptureFixture, call: Callable[[OAuthClient], Any]
) -> None:
    own = OAuthClient(
        AuthorizationServer(
            provider="openai",
            label="OpenAI",
            client_id="client-1",
            client_secret=Secret(CANARIES["secret"]),
            authorize_url="https://127.0.0.1:9/a",
            token_url="https://127.0.0.1:9/t",
            revoke_url="https://127.0.0.1:9/r",
        )
    )

    def asking(_: OAuthClient) -> Any:
        if call is get:
            return own.get_json("https://127.0.0.1:9/k", bearer=CANARIES["bearer"])
        return call(own)

    with pytest.raises(ProviderError) as told:
        asking(own)

    assert seen(shown(told.value)) == []
    assert seen(everything.text) == []


def test_the_facts_of_a_server_hide_its_secret() -> None:
    own = AuthorizationServer(
        provider="openai",
        label="OpenAI",
        client_id="client-1",
        client_secret=Secret(CANARIES["secret"]),
        authorize_url="https://auth.openai.com/a",
        token_url=TOKEN_URL,
    )

    assert seen(repr(own)) == []


def test_the_address_that_a_person_sees_holds_no_secret() -> None:
    url = client().authorize_url(
        redirect_uri="http://localhost/cb",
        state="state-1",
        challenge="challenge-1",
        scope="a b",
    )

    assert seen(url) == []
    assert "code_challenge=challenge-1" in url
    assert "code_challenge_method=S256" in url
