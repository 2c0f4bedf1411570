"""platform.claude.com and claude.ai: a code to paste or a loopback callback; JSON bodies.

Source: https://docs.claude.com/en/docs/claude-code (authentication), the Claude CLI's
addresses as router-for-me/CLIProxyAPI names them, anthropic-sdk-python `lib/credentials/`
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from providers.emulator import anthropic_errors
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
    json_fields,
    no_basic,
    page,
    refusal_page,
    send_back,
)

VENDOR = "anthropic"
CLIENT_ID = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
_PASTE = {
    "https://platform.claude.com/oauth/code/callback",
    "https://console.anthropic.com/oauth/code/callback",
}
_LOOPBACK = re.compile(r"http://localhost:\d{1,5}/callback\Z")
_SCOPES = {
    "org:create_api_key", "user:profile", "user:inference", "user:file_upload",
    "user:mcp_servers", "user:sessions:claude_code",
}  # fmt: skip
_ERRORS = OAuthErrors("string")


def answer(request: Request, rest: str, servers: AuthServers) -> Reply | None:
    """The addresses of the login; None for every other."""
    match request.method, rest:
        case "GET", "/oauth/authorize" | "/cai/oauth/authorize":
            return _authorize(request, servers)
        case "POST", "/v1/oauth/token":
            return token(request, servers)
    return None


def _authorize(request: Request, servers: AuthServers) -> Reply:
    query = request.query
    try:
        if needed(query, "client_id") not in {CLIENT_ID, *servers.config.client_ids}:
            raise Refused("invalid_client", "The client is not known.")
        uri = needed(query, "redirect_uri")
        if uri not in _PASTE and not _LOOPBACK.match(uri):
            raise Refused("invalid_request", "The redirect_uri is not registered.")
    except Refused as refused:
        return refusal_page(refused)
    try:
        check_authorize(query)
        if query.get("code") != "true":
            raise Refused("invalid_request", "Missing required parameter: code=true")
        if not set(query["scope"].split()) <= _SCOPES:
            raise Refused("invalid_scope", "A scope is not known.")
    except Refused as refused:
        if uri in _PASTE:
            return refusal_page(refused)
        told = {"error": refused.code, "error_description": refused.description}
        return send_back(query, told)

    def agree() -> dict[str, str]:
        return {"code": servers.give_code(code_for(VENDOR, request, servers), "")}

    def show(found: dict[str, str]) -> Reply:
        pasted = escape(f"{found['code']}#{query['state']}")
        text = f"<p>Paste this into the app:</p><pre id='code'>{pasted}</pre>"
        return page("Authentication code", text)

    return consent(request, servers, agree, show if uri in _PASTE else None)


def token(request: Request, servers: AuthServers) -> Reply:
    """POST /v1/oauth/token; also below the API's own address."""

    def read() -> dict[str, str]:
        no_basic(request)
        return json_fields(request)

    def grant(fields: dict[str, str], entry: dict[str, Any]) -> dict[str, Any]:
        if needed(fields, "client_id") not in {CLIENT_ID, *servers.config.client_ids}:
            raise Refused("invalid_client", "The client is not known.", 401)
        match fields["grant_type"]:
            case "authorization_code":
                code = servers.redeem(VENDOR, fields)
                if needed(fields, "state") != code.state:
                    raise Refused("invalid_grant", "The state is another one.")
                family = servers.begin(code)
                entry["family"] = family.name
                servers.give_refresh(family, "sk-ant-ort01-")
                return _tokens(family, servers)
            case "refresh_token":
                return _refresh(fields, entry, servers)
        raise Refused("unsupported_grant_type", f"{fields['grant_type']} is not known")

    return answer_token_request(VENDOR, servers, _ERRORS, read, grant)


def _refresh(
    fields: dict[str, str], entry: dict[str, Any], servers: AuthServers
) -> dict[str, Any]:
    old = needed(fields, "refresh_token")
    found = servers.refresh.get(old)
    entry["family"] = found.name if found else None
    try:
        family, again = servers.spend(VENDOR, fields["client_id"], old)
    except Dead as dead:
        dead.description = "Refresh token not found or invalid"
        raise
    if again is not None:
        return again
    if not set(fields.get("scope", "").split()) <= set(family.scope.split()):
        raise Refused("invalid_scope", "More than was granted.")  # RFC 6749 section 6
    if not servers.config.rotate:
        given = _tokens(family, servers)
        del given["refresh_token"]
        return given
    servers.give_refresh(family, "sk-ant-ort01-")
    given = _tokens(family, servers)
    servers.spent(family, old, given)
    return given


def _tokens(family: Family, servers: AuthServers) -> dict[str, Any]:
    access = servers.fresh_access(family, "sk-ant-oat01-")
    return {
        "token_type": "Bearer",
        "access_token": access,
        "expires_in": int(servers.life_s(VENDOR)),
        "refresh_token": family.refresh_token,
        "scope": family.scope,
        "organization": _organization(family),
        "account": {
            "uuid": family.account.user_id,
            "email_address": family.account.email,
        },
    }


def _organization(family: Family) -> dict[str, str]:
    account = family.account
    return {"uuid": account.account_id, "name": f"{account.email}'s Organization"}


def api(request: Request, rest: str, servers: AuthServers, bearer: str) -> Reply | None:
    """What api.anthropic.com has for a login; its token was let in. None for the rest."""
    match request.method, rest:
        case "GET", "/api/oauth/profile":
            scope, answered = "user:profile", _profile
        case "POST", "/api/oauth/claude_cli/create_api_key":
            scope, answered = "org:create_api_key", _mint
        case _:
            return None
    family, why = servers.use(bearer)
    if family is None or why or family.vendor != VENDOR:
        return anthropic_errors.error(401, message="Invalid bearer token")
    if scope not in family.scope.split():
        message = f"OAuth token does not meet scope requirement {scope}"
        return anthropic_errors.error(403, message=message)
    return answered(family)


def _mint(family: Family) -> Reply:
    """A plain API key of the organisation, billed to it."""
    return Reply(200, {"raw_key": fresh("sk-ant-api03-")})


def _profile(family: Family) -> Reply:
    account = family.account
    data = {
        "account": {"uuid": account.user_id, "email": account.email},
        "organization": _organization(family),
    }
    return Reply(200, data)
