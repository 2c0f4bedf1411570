"""The login of OpenAI's command line client, by browser or device code.

Its client is public (no secret), with a callback on fixed ports of the loopback address;
on a remote server the person pastes the address of the page that failed to open. We name
ourselves in `originator` and claim to be nobody else.

Source: codex-rs/login/src/{server,pkce,device_code_auth}.rs and auth/{manager,revoke}.rs
in https://github.com/openai/codex.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers import errors
from providers.errors import ConfigurationError, ProtocolError, ProviderError
from providers.http.oauth import OAuthClient
from providers.oauth import pkce
from providers.oauth.claims import lifetime_s
from providers.oauth.login import Login, LoginMethod, LoginRequest, read_answer
from providers.oauth.server import AuthorizationServer
from providers.oauth.tokens import Tokens, seconds
from providers.openai.config import CODEX_CLIENT_ID, ISSUER, LABEL, SLUG
from providers.openai.plans import MODES
from providers.options import options_of

SCOPE = "openid profile email offline_access"
DEVICE_PAGE = f"{ISSUER}/codex/device"
_DEVICE_REDIRECT = f"{ISSUER}/deviceauth/callback"
_DEVICE_LIFETIME_S = 900.0
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105
# Neither `expires_in` nor `exp`: the official client renews after eight days.
_UNKNOWN_LIFE_S = 8 * 86_400.0

BROWSER = LoginMethod(
    key="browser",
    label="Sign in with your browser",
    answer="redirect",
    host="localhost",  # the vendor compares the address as text
    ports=(1455, 1457),
    path="/auth/callback",
    modes=MODES,
    notes="If Maestro runs on another machine, the last page will not open: copy its "
    "address and paste it here.",
)
DEVICE = LoginMethod(
    key="device",
    label="Sign in with a code on another device",
    answer="device",
    modes=MODES,
    notes="Device codes may have to be switched on in the security settings of ChatGPT.",
)


def server() -> AuthorizationServer:
    """The authorization server with this client."""
    return AuthorizationServer(
        provider=SLUG,
        label=LABEL,
        client_id=options_of(SLUG).client_id or CODEX_CLIENT_ID,
        authorize_url=f"{ISSUER}/oauth/authorize",
        token_url=f"{ISSUER}/oauth/token",
        revoke_url=f"{ISSUER}/oauth/revoke",
        refresh_body="json",
        revoke_body="json",
        dead_statuses=(401,),
    )


def begin(request: LoginRequest) -> Login:
    """The authorize address, with what to keep."""
    verifier = pkce.new_verifier()
    url = OAuthClient(server()).authorize_url(
        redirect_uri=request.redirect_uri,
        state=request.state,
        challenge=pkce.challenge(verifier),
        scope=SCOPE,
        id_token_add_organizations="true",  # noqa: S106
        codex_cli_simplified_flow="true",
        originator="maestro",
    )
    return Login(
        provider=SLUG,
        method=BROWSER.key,
        name=request.name,
        authorize_url=url,
        secret=verifier,
        state=request.state,
        redirect_uri=request.redirect_uri,
        mode=request.mode,
    )


def finish(login: Login, answer: str) -> Tokens:
    """The tokens for the code that came back. Raises ProviderError."""
    found = read_answer(login, answer)
    return _with_life(
        OAuthClient(server()).exchange_code(
            code=found.code, verifier=login.secret, redirect_uri=login.redirect_uri
        )
    )


def begin_device(request: LoginRequest) -> Login:
    """A code to type in on another device. Raises ProviderError."""
    own = server()
    status, found = OAuthClient(own).post_json(
        f"{ISSUER}/api/accounts/deviceauth/usercode", {"client_id": own.client_id}
    )
    if status == 404:
        raise ConfigurationError(
            "OpenAI does not offer device codes here. Sign in with the browser instead.",
            provider=SLUG,
        )
    device, user_code = _text(found, "device_auth_id"), _text(found, "user_code")
    user_code = user_code or _text(found, "usercode")
    if status >= 300 or not device or not user_code:
        raise _unclear(status)
    return Login(
        provider=SLUG,
        method=DEVICE.key,
        name=request.name,
        authorize_url=DEVICE_PAGE,
        secret=device,
        user_code=user_code,
        interval_s=_interval_s(found),
        lifetime_s=_DEVICE_LIFETIME_S,
        mode=request.mode,
    )


def poll_device(login: Login) -> Tokens | None:
    """The tokens once the person has typed the code in; None before. One request."""
    client = OAuthClient(server())
    status, found = client.post_json(
        f"{ISSUER}/api/accounts/deviceauth/token",
        {"device_auth_id": login.secret, "user_code": login.user_code},
    )
    if status in (403, 404):
        return None
    code, verifier = _text(found, "authorization_code"), _text(found, "code_verifier")
    if status >= 300 or not code or not verifier:
        raise _unclear(status)
    # The pair of this flow is made by the server: it proves nothing, and is asked for.
    return _with_life(
        client.exchange_code(
            code=code, verifier=verifier, redirect_uri=_DEVICE_REDIRECT
        )
    )


def refresh(refresh_token: str, access_token: str) -> Tokens:
    """New tokens; the old refresh token is dead. Raises ProviderError."""
    tokens = OAuthClient(server()).refresh(refresh_token, access_token=access_token)
    is_kept = tokens.access_token.reveal() == access_token
    return tokens if is_kept else _with_life(tokens)


def platform_key(id_token: str) -> str:
    """A platform API key for a fresh ID token (RFC 8693). Raises ProviderError."""
    tokens = OAuthClient(server()).exchange_token(
        subject_token=id_token,
        subject_token_type=_ID_TOKEN,
        requested_token="openai-api-key",  # noqa: S106
        must_name_type=False,
    )
    return tokens.access_token.reveal()


def revoke(refresh_token: str) -> None:
    """End the login at OpenAI. Raises ProviderError."""
    own = server()
    OAuthClient(own).revoke(
        refresh_token, hint="refresh_token", client_id=own.client_id
    )


def _with_life(tokens: Tokens) -> Tokens:
    if tokens.lifetime_s is not None:
        return tokens
    life = seconds(lifetime_s(tokens.access_token.reveal())) or _UNKNOWN_LIFE_S
    return msgspec.structs.replace(tokens, lifetime_s=life)


def _interval_s(document: Any) -> float:
    """The vendor writes the seconds as text."""
    return min(max(seconds(document.get("interval")) or 5.0, 1.0), 60.0)


def _text(document: Any, name: str) -> str:
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""


def _unclear(status: int) -> ProviderError:
    kind: type[ProviderError] = ProtocolError
    if status >= 500:
        kind = errors.ProviderUnavailable
    elif status == 429:
        kind = errors.RateLimited
    return kind(
        "OpenAI's device login answered in a way we do not understand. Try again, or "
        "sign in with the browser.",
        provider=SLUG,
        status=status,
    )
