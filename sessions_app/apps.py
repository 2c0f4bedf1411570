"""Start-up of this app: the interface learns where credentials are kept."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.db.models.signals import post_migrate


class SessionsConfig(AppConfig):
    """Saved authentications, conversations, runs."""

    name = "sessions_app"
    verbose_name = "Maestro"

    def ready(self) -> None:
        from sessions_app import checks, metrics, signals  # noqa: F401  (checks)
        from sessions_app.tokens.store import install

        install()
        metrics.register()
        signals.connect()
        post_migrate.connect(plant_canary, sender=self)


def plant_canary(using: str, apps: Any = installed, **_: Any) -> None:
    """After `migrate`: a row by which every later start tells its keys."""
    from sessions_app.sealing import crypto

    try:
        apps.get_model("sessions_app", "EncryptionCanary")
    except LookupError:
        return  # migrated back to before there was one
    crypto.plant_canary(using)
