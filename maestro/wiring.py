"""Hands the operator's settings to `providers`, which knows no Django."""

from __future__ import annotations

from django.conf import settings

try:  # TEMPORARY-UNTIL-HTTP
    from providers import catalogue, http
except ImportError:
    catalogue = http = None


def configure_providers() -> None:
    """Timeouts, proxy, certificates, rerouting and the catalogue's override."""
    if not hasattr(http, "configure"):
        return
    http.configure(
        http.HttpSettings(
            connect_timeout_s=settings.MAESTRO_CONNECT_TIMEOUT_S,
            read_timeout_s=settings.MAESTRO_READ_TIMEOUT_S,
            proxy=settings.MAESTRO_HTTP_PROXY,
            ca_bundle=settings.MAESTRO_CA_BUNDLE,
            reroute=settings.MAESTRO_REROUTE,
        )
    )
    if settings.MAESTRO_CATALOGUE_FILE:
        catalogue.use_override(settings.MAESTRO_CATALOGUE_FILE)
