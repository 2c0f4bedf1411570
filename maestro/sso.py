"""What Django and django-allauth must be told for single sign-on, if it is set up.

Called by `settings.py`, with the settings read so far. Nothing of the library is installed
or imported without an issuer.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from maestro.env import SettingError, read

_EVERYBODY = "django.contrib.auth.backends.ModelBackend"


def password_backend(is_for_all: bool) -> str:
    """Who may have a password: everybody, or those with all rights."""
    return _EVERYBODY if is_for_all else "sessions_app.sign_in.BreakGlass"


def install(found: dict[str, Any]) -> None:
    """Add to the settings what the issuer needs. Raises SettingError."""
    issuer = found["MAESTRO_SSO_ISSUER"]
    parts = urlsplit(issuer)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query:
        raise SettingError("MAESTRO_SSO_ISSUER must look like https://id.example.org.")
    if not read("MAESTRO_SSO_CLIENT_ID"):
        raise SettingError("MAESTRO_SSO_CLIENT_ID is missing: single sign-on needs it.")
    if find_spec("allauth") is None:
        raise SettingError(
            "MAESTRO_SSO_ISSUER needs packages that are not installed: "
            "pip install --require-hashes -r requirements-sso.txt"
        )
    found["INSTALLED_APPS"] += [
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ]
    found["MIDDLEWARE"] += ["allauth.account.middleware.AccountMiddleware"]
    backends = found["AUTHENTICATION_BACKENDS"]
    backends[backends.index(_EVERYBODY)] = found["MAESTRO_PASSWORD_BACKEND"]
    backends.append("sessions_app.sign_in.SsoBackend")
    # The form of the sign-in page leads there.
    policy = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    policy["form-action"].append(f"{parts.scheme}://{parts.netloc}")
    found |= {
        "SOCIALACCOUNT_ADAPTER": "sessions_app.views.sso.Adapter",
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": False,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "SOCIALACCOUNT_PROVIDERS": {
            "openid_connect": {
                "OAUTH_PKCE_ENABLED": True,
                "APPS": [_client(issuer, found["MAESTRO_SSO_LABEL"])],
            }
        },
    }


def _client(issuer: str, label: str) -> dict[str, Any]:
    return {
        "provider_id": f"oidc-{hashlib.sha256(issuer.encode()).hexdigest()[:20]}",
        "name": label,
        "client_id": read("MAESTRO_SSO_CLIENT_ID"),
        "secret": read("MAESTRO_SSO_CLIENT_SECRET"),
        "settings": {"server_url": issuer, "oauth_pkce_enabled": True},
    }
