"""What a refusal of a token endpoint means. Pure; read defensively.

Bodies come in three shapes: `{"error": "code", "error_description": …}` (RFC 6749 section
5.2), `{"error": {"code", "message", "type"}}`, and whatever a proxy in between says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from providers import errors
from providers.errors import ProviderError
from providers.http.redact import redact, without
from providers.http.waiting import retry_after_s
from providers.oauth.server import AuthorizationServer

# "Sign in again": the grant is over, whoever asks.
DEAD = frozenset(
    {
        "invalid_grant",
        "invalid_refresh_token",
        "token_expired",
        "refresh_token_expired",
        "refresh_token_invalidated",
        "refresh_token_reused",
        "access_denied",
        "expired_token",
    }
)
# Ours or the operator's to fix: the tokens are good, the question was not.
_OURS = frozenset(
    {
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_request",
        "invalid_scope",
        "redirect_uri_mismatch",
        "invalid_target",
    }
)
MAX_WORD = 80


def token_error(
    server: AuthorizationServer,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    is_refresh: bool,
    secrets: Sequence[str] = (),
) -> ProviderError:
    """The error of an answer that brings no token, without the `secrets` of the request
    in whatever spelling."""
    code, text = (without(part, secrets) for part in said(body))
    found = _kind(server, status, code, is_refresh=is_refresh)
    return found(
        _words(found, server.label, code),
        provider=server.provider,
        status=status,
        vendor_type="token_endpoint",
        vendor_code=code or None,
        vendor_message=redact(text, limit=300) or None,
        request_id=headers.get("x-request-id") or headers.get("request-id"),
        retry_after_s=retry_after_s(dict(headers), {}, text),
    )


def said(body: bytes) -> tuple[str, str]:
    """(the error's code, its sentence); empty where the body names none."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error", document.get("code"))
    about: Any = document.get("error_description", document.get("message", ""))
    if isinstance(error, dict):
        about = error.get("message", about)
        error = error.get("code") or error.get("type")
    word = error if isinstance(error, str) else ""
    return word[:MAX_WORD], about if isinstance(about, str) else ""


def _kind(
    server: AuthorizationServer, status: int, code: str, *, is_refresh: bool
) -> type[ProviderError]:
    # A client that is not known is refused with 401, too; that ends no login.
    is_dead = is_refresh and status in server.dead_statuses and code not in _OURS
    if is_dead or code in DEAD:
        return errors.CredentialRejected
    if status == 429:
        return errors.RateLimited
    if status >= 500 or status in (408, 409, 425):
        return errors.ProviderUnavailable
    if code in _OURS:
        return errors.ConfigurationError
    if status in (401, 403):
        return errors.PermissionRefused
    return errors.ProtocolError


_ADVICE: dict[type[ProviderError], str] = {
    errors.CredentialRejected: "{name} has ended this login{code}. Log in again.",
    errors.RateLimited: "{name} has had too many login requests. Try again in a moment.",
    errors.ProviderUnavailable: "{name}'s login service had an error of its own. The "
    "login is kept; try again in a moment.",
    errors.ConfigurationError: "{name} did not understand the request{code}. Check the "
    "OAuth client of this installation; the login is kept.",
    errors.PermissionRefused: "{name} does not allow this login{code}.",
    errors.ProtocolError: "{name}'s login service answered in a way we do not "
    "understand{code}. The login is kept.",
}


def _words(found: type[ProviderError], name: str, code: str) -> str:
    word = code if code.replace("_", "").isalnum() else ""
    return _ADVICE[found].format(name=name, code=f" ({word})" if word else "")
