"""System checks: what would hurt later, said at the start, with what to do about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection

from context_app.tools import registry
from providers import resolver
from sessions_app.models import ServerProcess


@register()
def providers_comply(**_: Any) -> list[CheckMessage]:
    """Every provider that was found is what it says."""
    return [
        Error(
            f"A provider cannot be used: {problem}.",
            hint="Mend or remove it; `manage.py provider_check SLUG` tells more.",
            id="providers.E001",
        )
        for problem in resolver.problems()
    ]


@register()
def tools_can_be_used(**_: Any) -> list[CheckMessage]:
    """A drop-in that is no tool is left out; that is said, not only missed."""
    return [
        Warning(
            f"A tool is left out: {problem}.",
            hint="Mend or remove it; docs/tools.md says what a tool is.",
            id="context_app.W002",
        )
        for problem in registry.problems()
    ]


@register(Tags.database)
def sqlite_is_tuned(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """SQLite must wait for other writers instead of failing."""
    if not databases or connection.vendor != "sqlite":
        return []
    options = settings.DATABASES["default"].get("OPTIONS", {})
    with connection.cursor() as cursor:
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        timeout_ms = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
    wrong = []
    if journal != "wal" and not str(settings.DATABASES["default"]["NAME"]).startswith(
        "file:"
    ):
        wrong.append(f"journal mode is {journal}, not WAL")
    if options.get("transaction_mode") != "IMMEDIATE":
        wrong.append("transactions do not begin IMMEDIATE")
    if timeout_ms < 5000:
        wrong.append(f"it waits {timeout_ms} ms for a lock, less than 5000")
    return [
        Error(
            f"SQLite would answer “database is locked”: {reason}.",
            hint="Use the settings of maestro/database.py, or PostgreSQL.",
            id="maestro.E001",
        )
        for reason in wrong
    ]


@register(Tags.database)
def web_processes_hear_each_other(
    databases: Any = None, **_: Any
) -> list[CheckMessage]:
    """Several web processes need a channel layer between them."""
    if not databases:
        return []
    try:
        webs = ServerProcess.objects.living().filter(role=ServerProcess.Role.WEB)
        layers = list(webs.values_list("layer", "layer_mark"))
    except DatabaseError:
        return []  # no database, or no table yet: another check's news
    marks = {mark for _, mark in layers if mark}  # the version before wrote none
    is_alone = any(layer == ServerProcess.Layer.MEMORY for layer, _ in layers)
    if len(layers) < 2 or (len(marks) < 2 and not is_alone):
        return []
    return [
        Error(
            f"{len(layers)} web processes use this database without one channel layer "
            "between them: a page would miss what another process answers.",
            hint="Stop all but one, or give each the same MAESTRO_REDIS_URL.",
            id="maestro.E002",
        )
    ]


@register()
def public_address_uses_tls(**_: Any) -> list[CheckMessage]:
    """Beyond this machine, passwords and answers should not travel in the clear."""
    host = urlsplit(settings.MAESTRO_URL).hostname
    if settings.IS_HTTPS or host in ("127.0.0.1", "localhost", "::1"):
        return []
    return [
        Warning(
            "MAESTRO_URL is plain http on an address that others can reach.",
            hint="Put a TLS proxy in front and set MAESTRO_URL to its https address.",
            id="maestro.W001",
        )
    ]
