"""Start-up of this app: the interface learns where credentials are kept."""

from django.apps import AppConfig


class SessionsConfig(AppConfig):
    """Saved authentications, conversations, runs."""

    name = "sessions_app"
    verbose_name = "Maestro"
