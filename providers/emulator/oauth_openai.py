"""auth.openai.com for the Codex client: authorize, token, key exchange, revoke.

Source: openai/codex `codex-rs/login/src/server.rs`, `token_data.rs`, `auth/manager.rs`,
`auth/revoke.rs`; RFC 8693 for the exchange of an ID token for an API key
"""

from __future__ import annotations

import re
from typing import Any

from providers.emulator import oauth_device, oauth_jwt, oauth_siwc
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
    is_json,
    json_fields,
    no_basic,
    refusal_page,
    send_back,
)

VENDOR = "openai"
ISSUER = "https://auth.openai.com"
CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
AUTH = "https://api.openai.com/auth"
PROFILE = "https://api.openai.com/profile"
_REDIRECT = re.compile(r"http://localhost:(\d{1,5})/auth/callback\Z")
_PORTS = {"1455", "1457"}
_SCOPES = {
    "openid", "profile", "email", "offline_access", "api.connectors.read",
    "api.connectors.invoke",
}  # fmt: skip
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105

# Dead refresh tokens are told by a code in an object, and by status 401.
_DEAD = {
    "unknown": ("refresh_token_invalidated", "Your refresh token is not valid."),
    "revoked": ("refresh_token_invalidated", "Your refresh token has been revoked."),
    "reused": ("refresh_token_reused", "Your refresh token has already been used to "
               "generate a new access token. Please try signing in again."),
    "expired": ("refresh_token_expired", "Your refresh token has expired."),
}  # fmt: skip
_ERRORS = OAuthErrors("string")


class DeadToken(Refused):
    """The same as `Dead`, in this vendor's words."""

    def __init__(self, dead: Dead) -> None:
        super().__init__(*_DEAD[dead.cause], 401, "object")
        self.cause = dead.cause


def answer(request: Request, rest: str, servers: AuthServers) -> Reply | None:
    """Everything below https://auth.openai.com; None for what is not there."""
    match request.method, rest:
        case "GET", "/oauth/authorize":
            return _authorize(request, servers)
        case "POST", "/oauth/token":
            return _token(request, servers)
        case "POST", "/oauth/revoke":
            return _revoke(request, servers)
    return oauth_device.answer(request, rest, servers) or oauth_siwc.answer(
        request, rest, servers
    )


def _authorize(request: Request, servers: AuthServers) -> Reply:
    query = request.query
    try:
        known = {CLIENT_ID, *servers.config.client_ids}
        if needed(query, "client_id") not in known:
            raise Refused("invalid_client", "The client is not known.")
        found = _REDIRECT.match(needed(query, "redirect_uri"))
        if found is None or not (found[1] in _PORTS or servers.config.any_port):
            raise Refused("invalid_request", "The redirect_uri is not registered.")
    except Refused as refused:
        return refusal_page(refused)
    try:
        check_authorize(query)
        if not set(query["scope"].split()) <= _SCOPES:
            raise Refused("invalid_scope", "A scope is not known.")
    except Refused as refused:
        told = {"error": refused.code, "error_description": refused.description}
        return send_back(query, told)

    def agree() -> dict[str, str]:
        workspaces = query.get("allowed_workspace_id")
        account_id = servers.config.account_id
        if workspaces and account_id not in workspaces.split(","):
            raise Refused("access_denied", "The workspace is not allowed.")
        code = code_for(VENDOR, request, servers)
        code.adds_organizations = query.get("id_token_add_organizations") == "true"
        return {"code": servers.give_code(code), "scope": code.scope}

    return consent(request, servers, agree)


def _token(request: Request, servers: AuthServers) -> Reply:
    def read() -> dict[str, str]:
        no_basic(request)
        fields = json_fields(request) if is_json(request) else form(request)
        if is_json(request) and fields.get("grant_type") != "refresh_token":
            raise Refused("invalid_request", "This grant must be sent as a form.")
        return fields

    def grant(fields: dict[str, str], entry: dict[str, Any]) -> dict[str, Any]:
        if needed(fields, "client_id") not in {CLIENT_ID, *servers.config.client_ids}:
            raise Refused("invalid_client", "The client is not known.", 401)
        match fields["grant_type"]:
            case "authorization_code":
                code = servers.redeem(VENDOR, fields)
                family = servers.begin(code)
                entry["family"] = family.name
                if "offline_access" in code.scope.split():
                    servers.give_refresh(family, "rt_")
                return _tokens(family, servers)
            case "refresh_token":
                return _refresh(fields, entry, servers)
            case grant if grant == _EXCHANGE:
                return _exchange(fields, servers)
        raise Refused("unsupported_grant_type", f"{fields['grant_type']} is not known")

    return answer_token_request(VENDOR, servers, _ERRORS, read, grant)


def _refresh(
    fields: dict[str, str], entry: dict[str, Any], servers: AuthServers
) -> dict[str, Any]:
    token = needed(fields, "refresh_token")
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
    else:
        del given["refresh_token"]
    return given


def _tokens(family: Family, servers: AuthServers) -> dict[str, Any]:
    """Access token, ID token and refresh token of one login."""
    life_s = servers.life_s(VENDOR)
    access = oauth_jwt.sign({
        **_standard(family, servers, life_s), "aud": ["https://api.openai.com/v1"],
        "client_id": family.client_id, "scp": family.scope.split(),
        PROFILE: {"email": family.account.email, "email_verified": True},
        AUTH: _auth_claim(family, servers),
    })  # fmt: skip
    given = {
        "access_token": access,
        "id_token": id_token(family, servers),
        "token_type": "Bearer",
        "expires_in": servers.give_access(family, access),
        "scope": family.scope,
    }
    if family.refresh_token:
        given["refresh_token"] = family.refresh_token
    return given


def id_token(family: Family, servers: AuthServers) -> str:
    """Who signed in, for the Codex client."""
    account = family.account
    return oauth_jwt.sign({
        **_standard(family, servers, 3600), "aud": [family.client_id],
        "email": account.email, "email_verified": True, "auth_provider": "password",
        "sid": f"sid-{family.name}", AUTH: _auth_claim(family, servers),
    })  # fmt: skip


def _standard(family: Family, servers: AuthServers, life_s: float) -> dict[str, Any]:
    now = servers.now()
    sub = f"auth0|{family.account.user_id}"
    return {"iss": ISSUER, "sub": sub, "iat": now, "exp": now + int(life_s)}


def _auth_claim(family: Family, servers: AuthServers) -> dict[str, Any]:
    config, account = servers.config, family.account
    claim: dict[str, Any] = {
        "chatgpt_account_id": account.account_id,
        "chatgpt_user_id": account.user_id,
        "user_id": account.user_id,
        "chatgpt_plan_type": config.plan_type,
        "completed_platform_onboarding": config.completed_platform_onboarding,
        "is_org_owner": config.is_org_owner,
        "groups": [],
    }
    if config.plan_type is None:
        del claim["chatgpt_plan_type"]
    if config.has_platform_org:
        claim["organization_id"] = config.organization_id
        claim["project_id"] = f"proj-{config.organization_id}"
    if family.adds_organizations:
        claim["organizations"] = config.organizations or _organizations(servers)
    return claim


def _organizations(servers: AuthServers) -> list[dict[str, Any]]:
    config = servers.config
    if not config.has_platform_org:
        return []
    row = {"id": config.organization_id, "is_default": True, "title": "Personal"}
    return [{**row, "role": "owner" if config.is_org_owner else "reader"}]


def _exchange(fields: dict[str, str], servers: AuthServers) -> dict[str, Any]:
    """An ID token for an API key. Raises Refused."""
    if needed(fields, "requested_token") != "openai-api-key":
        raise Refused("invalid_request", "requested_token is not known.")
    if needed(fields, "subject_token_type") != _ID_TOKEN:
        raise Refused("invalid_request", "subject_token_type is not known.")
    claims = oauth_jwt.claims_of(needed(fields, "subject_token"))
    if claims is None or claims.get("aud") != [fields["client_id"]]:
        raise _wrong_subject("could not validate it")
    if servers.now() > min(
        claims["exp"], claims["iat"] + servers.config.id_token_fresh_s
    ):
        raise _wrong_subject("it has expired")
    organization = claims.get(AUTH, {}).get("organization_id")
    if not organization:
        raise _wrong_subject("missing organization_id")
    key = fresh("sk-proj-")
    servers.keys[key] = organization
    given = {"access_token": key}
    if servers.config.issued_token_type:
        given["issued_token_type"] = _ACCESS_TOKEN
    return given


def _wrong_subject(why: str) -> Refused:
    text = f"Invalid ID token: {why}"
    return Refused("invalid_subject_token", text, 401, "object")


def _revoke(request: Request, servers: AuthServers) -> Reply:
    """Done, also for what was dead already (RFC 7009 section 2.2)."""
    try:
        fields = json_fields(request) if is_json(request) else form(request)
        token = needed(fields, "token")
        if fields.get("token_type_hint") == "refresh_token":
            needed(fields, "client_id")
    except Refused as refused:
        return _ERRORS.error(400, code=refused.code, message=refused.description)
    servers.revoke(token, fields.get("client_id", ""))
    return Reply(200, {})
