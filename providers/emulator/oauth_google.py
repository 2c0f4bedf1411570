"""accounts.google.com and oauth2.googleapis.com: a team's own client, with its secret.

Refresh tokens do not rotate; one is given with the first consent, or with
`prompt=consent`.

Source: https://developers.google.com/identity/protocols/oauth2/native-app, /web-server
"""

from __future__ import annotations

import re
from typing import Any

from providers.emulator import oauth_jwt
from providers.emulator.http11 import Reply, Request
from providers.emulator.oauth_records import Dead, Family, Refused, needed
from providers.emulator.oauth_state import AuthServers
from providers.emulator.oauth_wire import (
    OAuthErrors,
    answer_token_request,
    check_authorize,
    code_for,
    consent,
    form,
    refusal_page,
)

VENDOR = "google"
_AUTH = "https://www.googleapis.com/auth/"
API_SCOPES = {
    f"{_AUTH}cloud-platform", f"{_AUTH}generative-language",
    f"{_AUTH}generative-language.retriever",
}  # fmt: skip
_NAMES = {"openid", "email", "profile"}
_LOOPBACK = re.compile(
    r"http://(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?(/[^#\s]*)?\Z"
)
_OWN = re.compile(r"https://[^#\s]+\Z")
_ERRORS = OAuthErrors("string")


def accounts(request: Request, rest: str, servers: AuthServers) -> Reply | None:
    """Below https://accounts.google.com; None for what is not there."""
    if (request.method, rest) == ("GET", "/o/oauth2/v2/auth"):
        return _authorize(request, servers)
    return None


def answer(request: Request, rest: str, servers: AuthServers) -> Reply | None:
    """Below https://oauth2.googleapis.com; None for what is not there."""
    match request.method, rest:
        case "POST", "/token":
            return _token(request, servers)
        case "POST", "/revoke":
            return _revoke(request, servers)
    return None


def _authorize(request: Request, servers: AuthServers) -> Reply:
    """Most of what is wrong is told on a page here, and not to the redirect URI."""
    query = request.query
    try:
        known = servers.config.client_ids
        if needed(query, "client_id") not in (known or [query["client_id"]]):
            raise Refused("invalid_client", "The OAuth client was not found.")
        uri = needed(query, "redirect_uri")
        registered = servers.config.redirect_uris
        is_own = uri in registered if registered else _OWN.match(uri)
        if not is_own and not _LOOPBACK.match(uri):
            raise Refused("redirect_uri_mismatch", "The redirect_uri is another one.")
        check_authorize(query)
        for scope in query["scope"].split():
            if scope not in _NAMES and not scope.startswith(_AUTH):
                raise Refused("invalid_scope", f"Some requested scopes: {scope}")
    except Refused as refused:
        return refusal_page(refused)

    def agree() -> dict[str, str]:
        code = code_for(VENDOR, request, servers)
        person = (code.client_id, code.account.email)
        is_first = person not in servers.consents
        servers.consents.add(person)
        code.gives_refresh = query.get("access_type") == "offline" and (
            is_first or "consent" in query.get("prompt", "").split()
        )
        return {"code": servers.give_code(code, "4/0A"), "scope": code.scope}

    return consent(request, servers, agree)


def _token(request: Request, servers: AuthServers) -> Reply:
    def grant(fields: dict[str, str], entry: dict[str, Any]) -> dict[str, Any]:
        _check_client(fields, servers)
        match fields["grant_type"]:
            case "authorization_code":
                code = servers.redeem(VENDOR, fields)
                family = servers.begin(code)
                entry["family"] = family.name
                if code.gives_refresh:
                    servers.give_refresh(family, "1//0")
                given = _tokens(family, servers)
                if family.refresh_token:
                    given["refresh_token"] = family.refresh_token
                return given
            case "refresh_token":
                return _refresh(fields, entry, servers)
        raise Refused("unsupported_grant_type", f"Invalid grant_type: {entry['grant']}")

    return answer_token_request(VENDOR, servers, _ERRORS, lambda: form(request), grant)


def _check_client(fields: dict[str, str], servers: AuthServers) -> None:
    config = servers.config
    client_id = needed(fields, "client_id")
    if config.client_ids and client_id not in config.client_ids:
        raise Refused("invalid_client", "The OAuth client was not found.", 401)
    secret = fields.get("client_secret")
    if not secret:
        raise Refused("invalid_request", "client_secret is missing.")
    if config.client_secret and secret != config.client_secret:
        raise Refused("invalid_client", "Unauthorized", 401)


def _refresh(
    fields: dict[str, str], entry: dict[str, Any], servers: AuthServers
) -> dict[str, Any]:
    token = needed(fields, "refresh_token")
    found = servers.refresh.get(token)
    entry["family"] = found.name if found else None
    try:
        family, _ = servers.spend(VENDOR, fields["client_id"], token)
    except Dead as dead:
        dead.description = "Token has been expired or revoked."
        raise
    return _tokens(family, servers)


def _tokens(family: Family, servers: AuthServers) -> dict[str, Any]:
    access = servers.fresh_access(family, "ya29.a0")
    given: dict[str, Any] = {
        "access_token": access,
        "expires_in": int(servers.life_s(VENDOR)),
        "scope": family.scope,
        "token_type": "Bearer",
    }
    if "openid" in family.scope.split():
        now, account = servers.now(), family.account
        given["id_token"] = oauth_jwt.sign({
            "iss": "https://accounts.google.com", "aud": family.client_id,
            "azp": family.client_id, "sub": account.user_id, "email": account.email,
            "email_verified": True, "iat": now, "exp": now + 3600,
        })  # fmt: skip
    return given


def _revoke(request: Request, servers: AuthServers) -> Reply:
    """Ends the whole grant, by its access or its refresh token."""
    try:
        token = form(request).get("token") or request.query.get("token", "")
    except Refused as refused:
        return _ERRORS.error(400, code=refused.code, message=refused.description)
    if not servers.revoke(token):
        message = "Token expired or revoked"
        return _ERRORS.error(400, code="invalid_token", message=message)
    return Reply(200, {})
