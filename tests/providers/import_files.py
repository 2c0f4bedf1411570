"""Credential files of other programs, as test data; every secret in them is made up."""

import base64
import json

from providers.imports import read_upload

ENDS = 1_900_000_000  # unix seconds
ENDS_ISO = "2030-03-17T17:46:40+00:00"
AUTH = "https://api.openai.com/auth"


def jwt(**claims):
    def part(value):
        return (
            base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
        )

    return f"{part({'alg': 'none'})}.{part(claims)}.fake-signature"


ID_TOKEN = jwt(
    email="alice@example.com",
    **{AUTH: {"chatgpt_plan_type": "plus", "chatgpt_account_id": "acc-from-claims"}},
)
ACCESS = jwt(exp=ENDS, iat=ENDS - 864_000)


def codex(**changes):
    tokens = {
        "id_token": ID_TOKEN,
        "access_token": ACCESS,
        "refresh_token": "rt-test-codex-refresh",
        "account_id": "acc-test",
    }
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": tokens | changes.pop("tokens", {}),
        "last_refresh": "2026-11-01T10:00:00.123456789Z",
    } | changes


def cpa_codex(**changes):
    return {
        "type": "codex",
        "id_token": ID_TOKEN,
        "access_token": "at-test-opaque",
        "refresh_token": "rt-test-cpa-refresh",
        "account_id": "acc-test",
        "email": "alice@example.com",
        "last_refresh": "2026-11-01T10:00:00Z",
        "expired": "2030-03-17T19:46:40+02:00",
    } | changes


def opencode(**changes):
    return {
        "openai": {
            "type": "oauth",
            "access": "at-test-opaque",
            "refresh": "rt-test-opencode-refresh",
            "expires": ENDS * 1000,
            "accountId": "acc-test",
        },
        "anthropic": {
            "type": "oauth",
            "access": "at-test-claude",
            "refresh": "rt-test-claude",
            "expires": ENDS * 1000,
        },
        "google": {"type": "api", "key": "AQ.test-google-key"},
        "openrouter": {"type": "api", "key": "sk-or-test-key"},
        "some-unknown-vendor": {"type": "api", "key": "sk-test-unknown"},
    } | changes


def llxprt(**changes):
    return {
        "access_token": "at-test-opaque",
        "refresh_token": "rt-test-llxprt-refresh",
        "expiry": ENDS,
        "token_type": "Bearer",
    } | changes


def claude_code():
    return {
        "claudeAiOauth": {
            "accessToken": "sk-ant-oat01-test-access",
            "refreshToken": "sk-ant-ort01-test-refresh",
            "expiresAt": ENDS * 1000,
            "scopes": ["user:inference"],
            "subscriptionType": "max",
        }
    }


def profile_config(**changes):
    return {
        "version": "1.0",
        "authentication": {"type": "user_oauth", "client_id": "client-test"},
        "organization_id": "org-test",
        "workspace_id": "wrkspc-test",
    } | changes


def profile_tokens(**changes):
    return {
        "version": "1.0",
        "type": "oauth_token",
        "access_token": "at-test-profile-access",
        "refresh_token": "rt-test-profile-refresh",
        "expires_at": ENDS,
    } | changes


def adc(**changes):
    return {
        "type": "authorized_user",
        "client_id": "client-test.apps.googleusercontent.com",
        "client_secret": "GOCSPX-test-secret",
        "refresh_token": "1//test-adc-refresh",
        "quota_project_id": "project-test",
        "universe_domain": "googleapis.com",
    } | changes


def gemini_cli(**changes):
    return {
        "access_token": "ya29.test-access",
        "refresh_token": "1//test-cli-refresh",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "token_type": "Bearer",
        "expiry_date": ENDS * 1000,
    } | changes


def read(document, name="auth.json", companion=None):
    second = None if companion is None else json.dumps(companion).encode()
    return read_upload(name, json.dumps(document).encode(), second)


def read_one(document, name="auth.json", companion=None):
    offers = read(document, name, companion)
    assert len(offers) == 1
    return offers[0]
