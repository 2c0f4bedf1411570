"""OAuth requests: requests-oauthlib over our own way out. The only module that uses it.

    OAuth2Session (grants, encodings) ─▶ Carrier ─▶ exchange.send (limits, pool, TLS)

The session never sees a socket: its adapter hands each prepared request to the one way
out of this package, so time limits, proxy, rerouting, no redirects and masked errors hold
here too. The verifier is ours and passed in; the library's own would live on an object
that is gone when the callback comes. It prints tokens at DEBUG, so its loggers are capped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from requests_oauthlib import OAuth2Session

from providers.errors import ConfigurationError, ProtocolError, ProviderError
from providers.http.oauth_carrier import Carrier
from providers.http.reroute import reroute
from providers.http.settings import settings
from providers.oauth.server import AuthorizationServer, BodyKind
from providers.oauth.tokens import Tokens

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
REVOKE_S = 10.0  # somebody waits for a deletion, which happens all the same
# RFC 8693
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105


def shown_url(url: str) -> str:
    """An address for a person's browser: rerouted where the operator reroutes (checks
    against the emulator), else as it is."""
    return reroute(url, settings().reroute)


class OAuthClient:
    """One client at one authorization server. Stateless: any thread, any number of times.

    Every call raises ProviderError; `vendor_code` holds the server's error code.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server
        for url in (server.authorize_url, server.token_url, server.revoke_url):
            if url and not url.startswith("https://"):
                raise ConfigurationError(
                    f"The login service of {server.label} must have an https address.",
                    provider=server.provider,
                )

    def authorize_url(
        self,
        *,
        redirect_uri: str,
        state: str,
        challenge: str,
        scope: str,
        **extra: str,
    ) -> str:
        """Where a person allows it. PKCE is always S256 (RFC 7636)."""
        session = OAuth2Session(
            self._server.client_id, redirect_uri=redirect_uri, scope=scope.split()
        )
        url, _ = session.authorization_url(
            self._server.authorize_url,
            state=state,
            code_challenge=challenge,
            code_challenge_method="S256",
            **extra,
        )
        return str(url)

    def exchange_code(
        self, *, code: str, verifier: str, redirect_uri: str, **extra: str
    ) -> Tokens:
        """Trade a code for tokens (RFC 6749 section 4.1.3)."""
        carrier = Carrier(self._server, self._server.code_body)
        session = self._session(carrier, redirect_uri)
        session.fetch_token(
            self._server.token_url,
            code=code,
            code_verifier=verifier,
            include_client_id=True,
            client_secret=self._secret(),
            headers=_headers(self._server.code_body),
            **extra,
        )
        return carrier.tokens()

    def refresh(self, refresh_token: str, *, access_token: str, **extra: str) -> Tokens:
        """New tokens (RFC 6749 section 6). What the answer leaves out is the old one:
        `access_token` is kept by servers that answer with a new refresh token only."""
        carrier = Carrier(self._server, self._server.refresh_body, is_refresh=True)
        carrier.known = {"access_token": access_token}
        fields = {"client_id": self._server.client_id, **extra}
        if secret := self._secret():
            fields["client_secret"] = secret
        self._session(carrier).refresh_token(
            self._server.token_url,
            refresh_token=refresh_token,
            headers=_headers(self._server.refresh_body),
            **fields,
        )
        if not {"access_token", "refresh_token"} & set(carrier.document or ()):
            raise ProtocolError(
                f"{self._server.label}'s login service answered without a token. The "
                "login is kept.",
                provider=self._server.provider,
            )
        return carrier.tokens()

    def exchange_token(
        self,
        *,
        subject_token: str,
        subject_token_type: str,
        must_name_type: bool = True,
        **extra: str,
    ) -> Tokens:
        """Another kind of token for one we have (RFC 8693).

        `must_name_type` False is for servers older than the RFC, whose answers lack
        `issued_token_type`.
        """
        carrier = Carrier(self._server, "form")
        fields = {
            "grant_type": TOKEN_EXCHANGE,
            "client_id": self._server.client_id,
            "subject_token": subject_token,
            "subject_token_type": subject_token_type,
            **extra,
        }
        self._post(carrier, self._server.token_url, fields)
        if must_name_type and "issued_token_type" not in carrier.document:
            raise ProtocolError(
                f"{self._server.label} does not say what kind of token it gave.",
                provider=self._server.provider,
            )
        return carrier.tokens()

    def revoke(self, token: str, *, hint: str = "", **extra: str) -> None:
        """Take a token back (RFC 7009). Returns when the server agrees or knows nothing."""
        carrier = Carrier(self._server, self._server.revoke_body)
        carrier.limit_s = REVOKE_S
        fields = {"token": token, **extra}
        if hint:
            fields["token_type_hint"] = hint
        try:
            self._post(carrier, self._server.revoke_url, fields)
        except ProviderError as exc:
            if exc.vendor_code != "invalid_token":  # it was dead before
                raise

    def get_json(self, url: str, bearer: str = "") -> Any:
        """A document of this server: its keys, a profile."""
        carrier = Carrier(self._server, "form")
        headers = {"Accept": _JSON}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        self._session(carrier).get(url, headers=headers, withhold_token=True)
        return carrier.document

    def post_json(self, url: str, body: Mapping[str, str]) -> tuple[int, Any]:
        """(status, document) of a JSON exchange whose refusals are answers, too."""
        carrier = Carrier(self._server, "json", takes_refusals=True)
        self._post(carrier, url, dict(body))
        return carrier.status, carrier.document

    def _post(self, carrier: Carrier, url: str, fields: dict[str, str]) -> None:
        headers = _headers(carrier.body)
        self._session(carrier).post(
            url, data=fields, headers=headers, withhold_token=True
        )

    def _session(self, carrier: Carrier, redirect_uri: str = "") -> OAuth2Session:
        session = OAuth2Session(
            self._server.client_id, redirect_uri=redirect_uri or None
        )
        session.trust_env = False
        session.headers.clear()
        session.headers.update(self._server.headers)
        session.adapters.clear()
        session.mount("https://", carrier)
        for kind in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(kind, carrier.as_the_library_wants_it)
        return session

    def _secret(self) -> str | None:
        secret = self._server.client_secret
        return secret.reveal() if secret else None


def _headers(body: BodyKind) -> dict[str, str]:
    return {"Accept": _JSON, "Content-Type": _JSON if body == "json" else _FORM}


class _NoTokens(logging.Filter):
    """The libraries print tokens at DEBUG, whatever level somebody sets."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO


for _name in ("requests_oauthlib", "requests_oauthlib.oauth2_session", "oauthlib"):
    logging.getLogger(_name).setLevel(logging.INFO)
    logging.getLogger(_name).addFilter(_NoTokens())
