"""Hands the operator's settings to `providers`, which knows no Django."""

from __future__ import annotations

from django.conf import settings

from providers import catalogue, http


def configure_providers() -> None:
    """Timeouts, proxy, certificates, rerouting and the catalogue's override."""
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
