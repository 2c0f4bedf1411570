"""Links that are shown once: to the one public address, whatever address was used."""

from __future__ import annotations

from django.conf import settings


def join_link(token: str) -> str:
    """Where somebody invited begins."""
    return f"{settings.MAESTRO_URL}/join/{token}/"


def reset_link(token: str) -> str:
    """Where somebody chooses a new password."""
    return f"{settings.MAESTRO_URL}/reset/{token}/"
