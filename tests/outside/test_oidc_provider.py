"""Our OAuth module against a certified OpenID provider that we did not write.

`oidc-provider` from the npm registry, with our public client: login, refresh with
rotation, reuse, revoke. Its modules are installed once, outside the repository's files.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from providers import http
from providers.errors import ConfigurationError, CredentialRejected
from providers.http.oauth import OAuthClient
from providers.oauth import listener, pkce
from providers.oauth.claims import verified
from providers.oauth.login import Login, read_answer
from providers.oauth.server import AuthorizationServer
from providers.oauth.tokens import Tokens

ISSUER = "https://op.example.test"
SCOPE = "openid offline_access email"


class Outside:
    """The provider, what our client knows of it, and a person's browser."""

    def __init__(self, port: int, redirect_uri: str) -> None:
        self.port = port
        self.redirect_uri = redirect_uri
        self.server = AuthorizationServer(
            provider="outside",
            label="Outside",
            client_id="maestro-public",
            authorize_url=f"{ISSUER}/auth",
            token_url=f"{ISSUER}/token",
            revoke_url=f"{ISSUER}/token/revocation",
            issuer=ISSUER,
        )
        self.client = OAuthClient(self.server)
        self.browser = requests.Session()
        self.browser.trust_env = False

    def begin(self) -> Login:
        verifier, state, nonce = (
            pkce.new_verifier(),
            pkce.new_state(),
            "nonce-of-a-test",
        )
        url = self.client.authorize_url(
            redirect_uri=self.redirect_uri,
            state=state,
            challenge=pkce.challenge(verifier),
            scope=SCOPE,
            nonce=nonce,
            prompt="consent",
        )
        return Login(
            provider="outside",
            method="browser",
            name="outside",
            authorize_url=url,
            secret=verifier,
            state=state,
            redirect_uri=self.redirect_uri,
            nonce=nonce,
        )

    def follow(self, url: str) -> str:
        """Go there as a browser; the address that is not the provider's any more."""
        for _ in range(12):
            here = url.replace(ISSUER, f"http://127.0.0.1:{self.port}")
            answer = self.browser.get(here, allow_redirects=False, timeout=10)
            assert answer.status_code in (302, 303), (answer.status_code, answer.text)
            url = urljoin(url, answer.headers["location"])
            if url.startswith(self.redirect_uri):
                return url
        raise AssertionError("it never came back")

    def exchange(self, login: Login, callback: str, **changes: str) -> Tokens:
        found = read_answer(login, callback)
        fields = {
            "code": found.code,
            "verifier": login.secret,
            "redirect_uri": self.redirect_uri,
        }
        return self.client.exchange_code(**{**fields, **changes})

    def sign_in(self) -> Tokens:
        login = self.begin()
        return self.exchange(login, self.follow(login.authorize_url))

    def refresh(self, tokens: Tokens) -> Tokens:
        assert tokens.refresh_token is not None
        return self.client.refresh(
            tokens.refresh_token.reveal(), access_token=tokens.access_token.reveal()
        )


def start(modules: Path, redirect_uri: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=modules,
        env={"PATH": os.environ["PATH"], "ISSUER": ISSUER, "REDIRECT": redirect_uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.fixture
def outside(modules: Path) -> Iterator[Outside]:
    redirect_uri = "http://127.0.0.1/auth/callback"
    process = start(modules, redirect_uri)
    assert process.stdout is not None
    before = http.settings()
    try:
        port = json.loads(process.stdout.readline())["port"]
        there = {ISSUER: f"http://127.0.0.1:{port}"}
        http.configure(http.HttpSettings(reroute=there))
        yield Outside(port, redirect_uri)
    finally:
        http.configure(before)
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_a_login_gives_tokens_and_says_who_signed_in(outside: Outside) -> None:
    login = outside.begin()
    tokens = outside.exchange(login, outside.follow(login.authorize_url))

    assert tokens.access_token and tokens.refresh_token and tokens.id_token
    assert tokens.lifetime_s == 600
    who = verified(
        tokens.id_token.reveal(),
        keys=outside.client.get_json(f"{ISSUER}/jwks"),
        issuer=ISSUER,
        audience="maestro-public",
        nonce=login.nonce,
        provider="outside",
    )
    assert (who["sub"], who["email"]) == ("ada", "ada@example.org")


def test_a_code_without_its_verifier_is_worth_nothing(outside: Outside) -> None:
    login = outside.begin()
    callback = outside.follow(login.authorize_url)
    with pytest.raises(CredentialRejected) as refused:
        outside.exchange(login, callback, verifier=pkce.new_verifier())
    assert refused.value.vendor_code == "invalid_grant"


def test_a_code_is_taken_once_and_its_second_use_ends_what_it_gave(
    outside: Outside,
) -> None:
    login = outside.begin()
    callback = outside.follow(login.authorize_url)
    tokens = outside.exchange(login, callback)
    with pytest.raises(CredentialRejected):
        outside.exchange(login, callback)
    with pytest.raises(CredentialRejected):
        outside.refresh(tokens)


def test_a_refresh_rotates_and_a_replay_ends_the_family(outside: Outside) -> None:
    first = outside.sign_in()
    second = outside.refresh(first)
    assert second.refresh_token and second.refresh_token != first.refresh_token
    assert second.access_token != first.access_token

    with pytest.raises(CredentialRejected) as refused:
        outside.refresh(first)
    assert refused.value.vendor_code == "invalid_grant"
    with pytest.raises(CredentialRejected):
        outside.refresh(second)


def test_a_revoked_login_is_over_and_revoking_again_is_no_error(
    outside: Outside,
) -> None:
    tokens = outside.sign_in()
    assert tokens.refresh_token is not None
    secret = tokens.refresh_token.reveal()
    for _ in range(2):
        outside.client.revoke(secret, hint="refresh_token", client_id="maestro-public")
    with pytest.raises(CredentialRejected):
        outside.refresh(tokens)


def test_a_client_that_nobody_knows_is_a_fault_of_the_configuration(
    outside: Outside,
) -> None:
    import dataclasses

    unknown = dataclasses.replace(outside.server, client_id="nobody")
    with pytest.raises(ConfigurationError) as refused:
        OAuthClient(unknown).refresh("rt-test", access_token="at-test")
    assert refused.value.vendor_code == "invalid_client"


def test_the_loopback_listener_receives_the_real_answer(outside: Outside) -> None:
    login = outside.begin()
    heard: list[str] = []
    with listener.listen(
        ports=(0,),
        path="/auth/callback",
        state=login.state,
        on_answer=lambda url: heard.append(url),
    ) as listening:
        # RFC 8252 section 7.3: the port of a loopback address is the client's to choose.
        port = f"http://127.0.0.1:{listening.port}/auth/callback"
        outside.redirect_uri = port
        login = _with_port(outside, login)
        page = outside.browser.get(outside.follow(login.authorize_url), timeout=10)
        assert page.status_code == 200
    tokens = outside.exchange(login, heard[0])
    assert tokens.refresh_token is not None


def _with_port(outside: Outside, login: Login) -> Login:
    """The same login, asked for with the listener's address."""
    import msgspec

    url = outside.client.authorize_url(
        redirect_uri=outside.redirect_uri,
        state=login.state,
        challenge=pkce.challenge(login.secret),
        scope=SCOPE,
        nonce=login.nonce,
        prompt="consent",
    )
    return msgspec.structs.replace(
        login, authorize_url=url, redirect_uri=outside.redirect_uri
    )
