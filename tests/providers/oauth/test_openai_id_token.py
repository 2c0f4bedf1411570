"""Sign in with ChatGPT: whose ID token it is, and who signed it."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from providers import options, provider
from providers.errors import ProtocolError, ProviderError
from providers.oauth.login import Login
from tests.providers.oauth.login_server import LoginServer
from tests.providers.oauth.siwc_logins import (
    HOST,
    ISSUED,
    KEYS,
    OTHER_KEY,
    TOKEN,
    answer,
    begin,
    finish,
    signed,
    tokens,
)


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "_installation", lambda: HOST)


def refused(server: LoginServer, login: Login, id_token: str) -> str:
    with pytest.raises(ProtocolError) as told:
        finish(server, login, id_token)
    assert id_token not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://auth.openai.com.evil.example"},
        {"iss": "https://auth.openai.com/"},
        {"iss": None},
        {"aud": "oaiapp_other"},
        {"aud": "dynamic_agent_client"},
        {"aud": None},
        {"exp": 1_000_000},
        {"exp": None},
        {"sub": None},
        {"nonce": "of another login"},
        {"nonce": None},
        {"iat": int(time.time()) + 86_400},
        {"nbf": int(time.time()) + 86_400},
    ],
)
def test_an_id_token_must_be_of_this_login(
    server: LoginServer, changes: dict[str, Any]
) -> None:
    login = begin()

    refused(server, login, signed(login, **changes))


def test_an_audience_may_be_a_list(server: LoginServer) -> None:
    login = begin()

    assert finish(server, login, signed(login, aud=["x", ISSUED])).problem == ""


def test_clocks_may_differ_by_some_minutes(server: LoginServer) -> None:
    login = begin()
    now = int(time.time())

    assert finish(server, login, signed(login, iat=now + 300, exp=now - 300))


def test_an_id_token_must_be_signed_with_a_key_of_the_vendor(
    server: LoginServer,
) -> None:
    login = begin()

    refused(server, login, signed(login, key=OTHER_KEY))
    refused(server, login, signed(login, kid="another"))
    refused(server, login, signed(login, key="a shared secret of 32 bytes or more"))


def test_an_id_token_nobody_signed_is_refused(server: LoginServer) -> None:
    login = begin()
    head, body, _ = signed(login).split(".")
    bare = jwt.encode(
        jwt.decode(f"{head}.{body}.", options={"verify_signature": False}),
        None,
        algorithm="none",
    )

    refused(server, login, bare)
    refused(server, login, f"{head}.{body}.")
    refused(server, login, f"{head}.{body}.AAAA")
    refused(server, login, "not a token")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": []},
        {"keys": "none"},
        {"keys": [5]},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{"kty": "oct", "k": "AAAA", "kid": "k1"}]},
    ],
)
def test_keys_that_make_no_sense_prove_nothing(server: LoginServer, keys: Any) -> None:
    login = begin()
    server.says(KEYS, keys)
    server.says(TOKEN, tokens(signed(login)))

    with pytest.raises(ProtocolError, match="prove"):
        provider.complete_login(login, answer(login))


def test_a_key_of_another_kind_proves_nothing(server: LoginServer) -> None:
    login = begin()
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    row = jwt.algorithms.ECAlgorithm.to_jwk(curve, as_dict=True)
    server.says(KEYS, {"keys": [{**row, "kid": "k1"}]})
    server.says(TOKEN, tokens(signed(login)))

    with pytest.raises(ProtocolError, match="prove"):
        provider.complete_login(login, answer(login))


@pytest.mark.parametrize("status", [500, 404])
def test_keys_that_do_not_come_are_told(server: LoginServer, status: int) -> None:
    login = begin()
    server.says(KEYS, b"", status)
    server.says(TOKEN, tokens(signed(login)))

    with pytest.raises(ProviderError):
        provider.complete_login(login, answer(login))


def test_a_login_without_an_id_token_is_nobodys(server: LoginServer) -> None:
    login = begin()
    server.says(TOKEN, tokens(None))

    with pytest.raises(ProtocolError, match="who signed in"):
        provider.complete_login(login, answer(login))
