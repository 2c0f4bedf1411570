"""auth.openai.com for “Sign in with ChatGPT”: an app registers itself by signing in.

Source: developers.openai.com/siwc (token sharing for open-source apps: sign-in, profiles
and sessions, token reference, errors and recovery)
"""

from __future__ import annotations

import re
from typing import Any

from providers.emulator import oauth_jwt
from providers.emulator.http11 import Reply, Request
from providers.emulator.oauth_records import (
    Dead,
    Family,
    Refused,
    fresh,
    needed,
)
from providers.emulator.oauth_state import AuthServers
from providers.emulator.oauth_wire import (
    OAuthErrors,
    answer_token_request,
    check_authorize,
    code_for,
    consent,
    form,
    no_basic,
    refusal_page,
    send_back,
)

VENDOR = "openai-siwc"
ISSUER = "https://auth.openai.com"
FIRST = "dynamic_agent_client"
RESOURCE = "https://api.openai.com/v1"
USE = "chatgpt.tokens.use.direct"
_SCOPES = {"openid", "profile", "email", "offline_access", "resource.invoke", USE}
_REDIRECT = re.compile(r"http://127\.0\.0\.1:\d{1,5}/auth/callback\Z")
_HOST = re.compile(
    r"(urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|urn:ietf:params:oauth:jwk-thumbprint:[A-Za-z0-9:_-]+|did:key:[A-Za-z0-9]+)\Z"
)
_DEAD = {
    "unknown": "invalid_refresh_token",
    "revoked": "refresh_token_invalidated",
    "reused": "refresh_token_reused",
    "expired": "refresh_token_expired",
}
_ERRORS = OAuthErrors("string")


class DeadToken(Refused):
    """The same as `Dead`, in this vendor's words."""

    def __init__(self, dead: Dead) -> None:
        super().__init__(_DEAD[dead.cause], dead.description)
        self.cause = dead.cause


def answer(request: Request, rest: str, servers: AuthServers) -> Reply | None:
    """The addresses of this flow; None for every other."""
    match request.method, rest:
        case "GET", "/api/accounts/authorize":
            return _authorize(request, servers)
        case "POST", "/api/accounts/oauth/token":
            return _token(request, servers)
        case "POST", "/api/accounts/oauth/revoke":
            return _revoke(request, servers)
        case "GET", "/.well-known/jwks.json":
            return Reply(200, oauth_jwt.key_set())
        case "GET", "/.well-known/openid-configuration":
            return Reply(200, _discovery())
    return None


def _discovery() -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 section 3; the vendor's addresses, not ours."""
    return {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/api/accounts/authorize",
        "token_endpoint": f"{ISSUER}/api/accounts/oauth/token",
        "revocation_endpoint": f"{ISSUER}/api/accounts/oauth/revoke",
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": sorted(_SCOPES),
    }


def _authorize(request: Request, servers: AuthServers) -> Reply:
    query = request.query
    try:
        client_id = needed(query, "client_id")
        if client_id != FIRST and client_id not in servers.hosts:
            raise Refused("invalid_client", "The client is not registered.")
        if not _REDIRECT.match(needed(query, "redirect_uri")):
            raise Refused("invalid_request", "The redirect_uri is not allowed.")
    except Refused as refused:
        return refusal_page(refused)
    try:
        check_authorize(query)
        _check_more(query, servers)
    except Refused as refused:
        told = {"error": refused.code, "error_description": refused.description}
        return send_back(query, told)

    def agree() -> dict[str, str]:
        found: dict[str, str] = {}
        issued = client_id
        if client_id == FIRST:
            issued = found["client_id"] = fresh("oaiapp_", 16)
            servers.hosts[issued] = query["ext_agent_host_id"], servers.account()
        elif servers.config.returning_client_id:
            found["client_id"] = servers.config.returning_client_id
        code = code_for(VENDOR, request, servers, issued)
        found |= {"code": servers.give_code(code), "scope": code.scope}
        return {k: v for k, v in found.items() if k not in servers.config.omit}

    return consent(request, servers, agree)


def _check_more(query: dict[str, str], servers: AuthServers) -> None:
    """What this flow asks for beyond the others. Raises Refused."""
    needed(query, "nonce")
    host = needed(query, "ext_agent_host_id")
    if not _HOST.match(host):
        raise Refused("invalid_request", "ext_agent_host_id is of no known form.")
    if needed(query, "resource") != RESOURCE:
        raise Refused("invalid_target", "The resource is not known.")  # RFC 8707
    if not set(query["scope"].split()) <= _SCOPES:
        raise Refused("invalid_scope", "A scope is not known.")
    if query["client_id"] == FIRST:
        needed(query, "agent_name_hint")
        return
    if "agent_name_hint" in query:
        raise Refused("invalid_request", "agent_name_hint is for new clients only.")
    known_host, account = servers.hosts[query["client_id"]]
    if known_host != host:
        raise Refused("unauthorized_client", "The client is another host's.")
    if account != servers.account():
        raise Refused("access_denied", "The client is another user's.")


def _token(request: Request, servers: AuthServers) -> Reply:
    def read() -> dict[str, str]:
        no_basic(request)
        return form(request)

    def grant(fields: dict[str, str], entry: dict[str, Any]) -> dict[str, Any]:
        if needed(fields, "client_id") not in servers.hosts:
            raise Refused("invalid_client", "The client is not registered.", 401)
        if "client_secret" in fields:
            raise Refused("invalid_client", "This client has no secret.", 401)
        if needed(fields, "resource") != RESOURCE:
            raise Refused("invalid_target", "The resource is not known.")
        match fields["grant_type"]:
            case "authorization_code":
                if len(needed(fields, "code_verifier")) > 64:
                    raise Refused("invalid_request", "code_verifier is too long.")
                family = servers.begin(code := servers.redeem(VENDOR, fields))
                entry["family"] = family.name
                if "offline_access" in code.scope.split():
                    servers.give_refresh(family, "rt_")
                return _tokens(family, servers, code.nonce)
            case "refresh_token":
                return _refresh(fields, entry, servers)
        raise Refused("unsupported_grant_type", f"{fields['grant_type']} is not known")

    return answer_token_request(VENDOR, servers, _ERRORS, read, grant)


def _refresh(
    fields: dict[str, str], entry: dict[str, Any], servers: AuthServers
) -> dict[str, Any]:
    token = needed(fields, "refresh_token")
    if "scope" in fields:
        raise Refused("invalid_scope", "A refresh has no scope here.")
    found = servers.refresh.get(token)
    entry["family"] = found.name if found else None
    try:
        family, again = servers.spend(VENDOR, fields["client_id"], token)
    except Dead as dead:
        raise DeadToken(dead) from None
    if again is not None:
        return again
    if servers.config.rotate:
        servers.give_refresh(family, "rt_")
    given = _tokens(family, servers)
    if servers.config.rotate:
        servers.spent(family, token, given)
    return given


def _tokens(family: Family, servers: AuthServers, nonce: str = "") -> dict[str, Any]:
    now, life_s = servers.now(), int(servers.life_s(VENDOR))
    account = family.account
    about = {"iss": ISSUER, "sub": account.user_id, "iat": now}
    access = oauth_jwt.sign({
        **about, "aud": RESOURCE, "client_id": family.client_id, "nbf": now,
        "scope": family.scope, "exp": now + life_s,
    })  # fmt: skip
    who = {**about, "aud": family.client_id, "exp": now + 3600, "email": account.email,
           "email_verified": True}  # fmt: skip
    if nonce:
        who["nonce"] = nonce
    given = {
        "access_token": access,
        "id_token": oauth_jwt.sign(who),
        "token_type": "Bearer",
        "expires_in": servers.give_access(family, access),
        "scope": family.scope,
        "earliest_refresh_at": now + life_s // 2,
    }
    if family.refresh_token:
        given["refresh_token"] = family.refresh_token
    return given


def _revoke(request: Request, servers: AuthServers) -> Reply:
    """An empty 200, also for a token that was dead already."""
    try:
        fields = form(request)
        token, client_id = needed(fields, "token"), needed(fields, "client_id")
    except Refused as refused:
        return _ERRORS.error(400, code=refused.code, message=refused.description)
    servers.revoke(token, client_id)
    return Reply(200, body=b"")
