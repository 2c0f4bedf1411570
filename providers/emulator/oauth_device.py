"""The device login of the Codex client: a code is typed in elsewhere, the client asks.

The verifier of PKCE comes from the server here, with the authorization code.

Source: openai/codex `codex-rs/login/src/device_code_auth.rs`
"""

from __future__ import annotations

import hashlib
import secrets
from html import escape
from typing import Any

from providers.emulator.http11 import Reply, Request
from providers.emulator.oauth_jwt import b64url
from providers.emulator.oauth_records import Code, Device, Refused, fresh
from providers.emulator.oauth_state import AuthServers
from providers.emulator.oauth_wire import OAuthErrors, json_fields, page

CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
REDIRECT = "https://auth.openai.com/deviceauth/callback"
_SCOPE = "openid profile email offline_access"
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: no words; RFC 8628 section 6.1
_ERRORS = OAuthErrors("object")
_NOT_YET = {
    "pending": (403, "deviceauth_authorization_unknown", "Not approved yet."),
    "expired": (400, "expired_token", "The code was not typed in in time."),
    "denied": (400, "access_denied", "The login was denied."),
    "used": (400, "invalid_grant", "The code was exchanged before."),
}
_FORM = (
    "<form><label>Code <input name='user_code' autofocus></label> "
    "<button>Continue</button></form>"
)


def answer(request: Request, rest: str, servers: AuthServers) -> Reply | None:
    """The three addresses of this login; None for every other."""
    match request.method, rest:
        case "POST", "/api/accounts/deviceauth/usercode":
            return _begin(request, servers)
        case "POST", "/api/accounts/deviceauth/token":
            return _poll(request, servers)
        case "GET", "/codex/device":
            return _page(request.query.get("user_code", "").upper(), servers)
    return None


def _begin(request: Request, servers: AuthServers) -> Reply:
    if not servers.config.device_enabled:
        return _ERRORS.error(404, code="not_found", message="Not enabled.")
    try:
        client_id = json_fields(request).get("client_id", "")
    except Refused as refused:
        return _ERRORS.error(400, code=refused.code, message=refused.description)
    if client_id not in {CLIENT_ID, *servers.config.client_ids}:
        return _ERRORS.error(400, code="invalid_client", message="Not known.")
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    device = Device(client_id, f"{letters[:4]}-{letters[4:]}", servers.moment())
    device_auth_id = fresh("deviceauth_")
    servers.devices[device_auth_id] = device
    data = {
        "device_auth_id": device_auth_id,
        "user_code": device.user_code,
        "interval": f"{servers.config.device_interval_s:g}",  # a string, as there
    }
    return Reply(200, data)


def _poll(request: Request, servers: AuthServers) -> Reply:
    try:
        fields = json_fields(request)
    except Refused as refused:
        return _ERRORS.error(400, code=refused.code, message=refused.description)
    device = servers.devices.get(fields.get("device_auth_id", ""))
    if device is None or device.user_code != fields.get("user_code"):
        return _ERRORS.error(400, code="invalid_grant", message="Not known.")
    device.polls += 1
    _decide(device, servers)
    if device.status in _NOT_YET:
        status, code, message = _NOT_YET[device.status]
        return _ERRORS.error(status, code=code, message=message)
    device.status = "used"
    return Reply(200, _code(device, servers))


def _code(device: Device, servers: AuthServers) -> dict[str, Any]:
    verifier = secrets.token_urlsafe(64)
    challenge = b64url(hashlib.sha256(verifier.encode()).digest())
    code = Code(
        vendor="openai",
        client_id=device.client_id,
        redirect_uri=REDIRECT,
        challenge=challenge,
        scope=servers.config.scope or _SCOPE,
        account=servers.account(),
        made_at=servers.moment(),
    )
    return {
        "authorization_code": servers.give_code(code),
        "code_challenge": challenge,
        "code_verifier": verifier,
    }


def _page(user_code: str, servers: AuthServers) -> Reply:
    if not user_code:
        return page("Sign in to a device", _FORM)
    for device in servers.devices.values():
        if device.user_code == user_code and device.status == "pending":
            if _is_late(device, servers):
                return page("That code has expired", _FORM, 400)
            device.status = "approved"
            return page("Signed in", "<p>Go back to your device.</p>")
    return page("That code is not known", f"<p>{escape(user_code)}</p>{_FORM}", 400)


def _decide(device: Device, servers: AuthServers) -> None:
    """What the control API said of this code; `*` means every one."""
    config = servers.config
    if device.status != "pending":
        return
    if _is_late(device, servers):
        device.status = "expired"
    elif {device.user_code, "*"} & set(config.device_denied):
        device.status = "denied"
    elif {device.user_code, "*"} & set(config.device_approved):
        device.status = "approved"


def _is_late(device: Device, servers: AuthServers) -> bool:
    return servers.moment() > device.made_at + servers.config.device_life_s
