"""Start-up of this app."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class ContextConfig(AppConfig):
    """Context, tools, intents, audits."""

    name = "context_app"
    verbose_name = "Context"

    def ready(self) -> None:
        from context_app.auditors import make_group
        from context_app.mcp import checks  # noqa: F401  (registers them)

        post_migrate.connect(make_group, sender=self)
        post_migrate.connect(keep_search, sender=self)


def keep_search(using: str, **_: Any) -> None:
    """After `migrate`: triggers go with a table that a migration made anew."""
    from context_app.full_text import sqlite

    connection = connections[using]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            sqlite.restore(cursor)
