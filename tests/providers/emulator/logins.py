"""Logins at the emulator with plain requests: no client of ours in between."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from tests.emulator import EmulatorProcess

VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode()
)
STATE = "state-of-this-login"
CODEX = "app_EMoamEEZ73f0CkXaXp7hrann"
CLAUDE = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
GOOGLE = "123-test.apps.googleusercontent.com"
AUTH = "https://auth.openai.com"
HOST = "urn:uuid:6f1f3c1e-8a1b-4c53-9d6e-0a9a6f3b1c2d"
RESOURCE = "https://api.openai.com/v1"
USER_AGENT = {"user-agent": "maestro/0.1"}

_PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": STATE}
# vendor: (authorize URL, its query, token URL, how the body is sent, more for the token)
FLOWS: dict[str, tuple[str, dict[str, str], str, str, dict[str, str]]] = {
    "openai": (
        "https://auth.openai.com/oauth/authorize",
        {
            "response_type": "code",
            "client_id": CODEX,
            "redirect_uri": "http://localhost:1455/auth/callback",
            "scope": "openid profile email offline_access",
            "id_token_add_organizations": "true",
            **_PKCE,
        },
        "https://auth.openai.com/oauth/token",
        "data",
        {},
    ),
    "siwc": (
        "https://auth.openai.com/api/accounts/authorize",
        {
            "response_type": "code",
            "client_id": "dynamic_agent_client",
            "agent_name_hint": "Maestro",
            "ext_agent_host_id": HOST,
            "redirect_uri": "http://127.0.0.1:40123/auth/callback",
            "scope": "openid profile email offline_access resource.invoke "
            "chatgpt.tokens.use.direct",
            "resource": RESOURCE,
            "nonce": "nonce-of-this-login",
            **_PKCE,
        },
        "https://auth.openai.com/api/accounts/oauth/token",
        "data",
        {"resource": RESOURCE},
    ),
    "anthropic": (
        "https://claude.ai/oauth/authorize",
        {
            "code": "true",
            "response_type": "code",
            "client_id": CLAUDE,
            "redirect_uri": "https://platform.claude.com/oauth/code/callback",
            "scope": "user:profile user:inference",
            **_PKCE,
        },
        "https://platform.claude.com/v1/oauth/token",
        "json",
        {},
    ),
    "google": (
        "https://accounts.google.com/o/oauth2/v2/auth",
        {
            "response_type": "code",
            "client_id": GOOGLE,
            "redirect_uri": "http://127.0.0.1:40124/callback",
            "scope": "openid email https://www.googleapis.com/auth/cloud-platform",
            "access_type": "offline",
            "prompt": "consent",
            **_PKCE,
        },
        "https://oauth2.googleapis.com/token",
        "data",
        {"client_secret": "fake-client-secret"},
    ),
}

ALL = tuple(FLOWS)


def authorize_url(vendor: str, **changes: str | None) -> str:
    """The address of a good request, with changes; None leaves a parameter out."""
    url, query, *_ = FLOWS[vendor]
    left = {k: v for k, v in {**query, **changes}.items() if v is not None}
    return f"{url}?{urlencode(left)}"


def get(emulator: EmulatorProcess, url: str, **headers: str) -> requests.Response:
    """GET what a vendor's address leads to, redirects not followed."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(
        emulator.here(url), headers=named, timeout=5, allow_redirects=False
    )


def came_back(url: str) -> dict[str, str]:
    """The query of a callback; the code and state of `code#state`."""
    if url.startswith("http"):
        return dict(parse_qsl(urlsplit(url).query))
    code, _, state = url.partition("#")
    return {"code": code, "state": state}


def code_fields(
    emulator: EmulatorProcess, vendor: str, **changes: str | None
) -> dict[str, str]:
    """Log in as far as the code: the fields of the token request that exchanges it."""
    found = came_back(emulator.authorize(authorize_url(vendor, **changes)))
    assert found["state"] == STATE, found
    query = {**FLOWS[vendor][1], **{k: v for k, v in changes.items() if v}}
    fields = {
        "grant_type": "authorization_code",
        "client_id": found.get("client_id", query["client_id"]),
        "code": found["code"],
        "redirect_uri": query["redirect_uri"],
        "code_verifier": VERIFIER,
        **FLOWS[vendor][4],
    }
    return fields | ({"state": STATE} if vendor == "anthropic" else {})


def ask_token(
    emulator: EmulatorProcess, vendor: str, fields: dict[str, Any], how: str = ""
) -> requests.Response:
    """One token request. `how`: `data` for a form, `json`; the vendor's own by default."""
    _, _, url, usual, _ = FLOWS[vendor]
    body: dict[str, Any] = {how or usual: fields}
    return requests.post(emulator.here(url), timeout=5, **body)


def log_in(
    emulator: EmulatorProcess, vendor: str, **changes: str | None
) -> dict[str, Any]:
    """A whole login: the token answer, and the client it belongs to."""
    fields = code_fields(emulator, vendor, **changes)
    answer = ask_token(emulator, vendor, fields)
    assert answer.status_code == 200, answer.text
    return answer.json() | {"client_id": fields["client_id"]}


def refresh(
    emulator: EmulatorProcess, vendor: str, given: dict[str, Any], **changes: str
) -> requests.Response:
    """Ask for new tokens with the refresh token of an answer."""
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": given["refresh_token"],
        "client_id": given["client_id"],
        **FLOWS[vendor][4],
        **changes,
    }
    return ask_token(emulator, vendor, fields)


def claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, not verified."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    )
    return found


def word(answer: requests.Response) -> str:
    """The vendor's word for what is wrong, be it a text or in an object."""
    error = answer.json()["error"]
    return error if isinstance(error, str) else error["code"]


def use(
    emulator: EmulatorProcess, vendor: str, token: str, **changes: str | None
) -> requests.Response:
    """List models with an access token, with all the headers that this needs."""
    url, headers = {
        "openai": (
            "https://chatgpt.com/backend-api/codex/models?client_version=1.2.3",
            {"chatgpt-account-id": "acc-0001", **USER_AGENT},
        ),
        "siwc": ("https://api.openai.com/v1/models", {}),
        "anthropic": (
            "https://api.anthropic.com/v1/models",
            {"anthropic-version": "2023-06-01", "anthropic-beta": "oauth-2025-04-20"},
        ),
        "google": (
            "https://generativelanguage.googleapis.com/v1beta/models",
            {"x-goog-user-project": "test-project"},
        ),
    }[vendor]
    sent: dict[str, Any] = {"authorization": f"Bearer {token}", **headers}
    sent |= {name.replace("_", "-"): value for name, value in changes.items()}
    sent = {name: value for name, value in sent.items() if value is not None}
    return requests.get(emulator.here(url), headers=sent, timeout=5)
