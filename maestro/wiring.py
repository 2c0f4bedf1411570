"""Hands the operator's settings to `providers`, which knows no Django."""

from __future__ import annotations

from django.conf import settings

from providers import catalogue, http, options
from providers.options import VendorOptions
from providers.types import Secret
from sessions_app import installation


def configure_providers() -> None:
    """Timeouts, proxy, certificates, rerouting, OAuth clients, the catalogue's override."""
    http.configure(
        http.HttpSettings(
            connect_timeout_s=settings.MAESTRO_CONNECT_TIMEOUT_S,
            read_timeout_s=settings.MAESTRO_READ_TIMEOUT_S,
            proxy=settings.MAESTRO_HTTP_PROXY,
            ca_bundle=settings.MAESTRO_CA_BUNDLE,
            reroute=settings.MAESTRO_REROUTE,
        )
    )
    options.configure(_vendor_options(), installation=installation.host_id)
    if settings.MAESTRO_CATALOGUE_FILE:
        catalogue.use_override(settings.MAESTRO_CATALOGUE_FILE)


def _vendor_options() -> dict[str, VendorOptions]:
    """What the operator set for logins, by vendor."""
    allows = set()
    if settings.MAESTRO_ANTHROPIC_SUBSCRIPTION_LOGIN:
        allows.add("subscription")
    secret = settings.MAESTRO_GEMINI_OAUTH_CLIENT_SECRET
    callback = ""
    if settings.MAESTRO_GEMINI_OAUTH_WEB_CLIENT:
        callback = f"{settings.MAESTRO_URL}/oauth/callback/gemini/"
    return {
        "openai": VendorOptions(client_id=settings.MAESTRO_OPENAI_OAUTH_CLIENT_ID),
        "anthropic": VendorOptions(
            client_id=settings.MAESTRO_ANTHROPIC_OAUTH_CLIENT_ID,
            scopes=tuple(settings.MAESTRO_ANTHROPIC_OAUTH_SCOPES.split()),
            allows=frozenset(allows),
        ),
        "gemini": VendorOptions(
            client_id=settings.MAESTRO_GEMINI_OAUTH_CLIENT_ID,
            client_secret=Secret(secret) if secret else None,
            scopes=tuple(settings.MAESTRO_GEMINI_OAUTH_SCOPES.split()),
            project=settings.MAESTRO_GEMINI_PROJECT,
            callback_url=callback,
        ),
    }
