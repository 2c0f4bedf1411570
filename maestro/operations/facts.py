"""What a database holds, as the manifest of a backup tells it, and whether we know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

from maestro.operations.errors import NewerSchema
from sessions_app import installation
from sessions_app.services import sealed_columns

Ask = Callable[[str], Iterable[tuple[Any, ...]]]
Node = tuple[str, str]

ENCRYPTING_MIGRATION = "0003_encrypt_and_name"


def gather(ask: Ask, tables: Collection[str]) -> dict[str, Any]:
    """Whose it is, its migrations and the keys in use, from one snapshot of a database."""
    keys: Counter[str] = Counter()
    for column in sealed_columns.COLUMNS:
        if column.table not in tables:
            continue
        field, table = column.field, column.table  # names of our own models
        if not _has(ask, table, field):
            continue
        statement = (
            f"SELECT substr({field}, 1, 12), count(*) FROM {table} "  # noqa: S608
            f"WHERE {field} <> '' GROUP BY 1"
        )
        for head, count in ask(statement):
            keys[sealed_columns.key_id(head)] += count
    migrations: Iterable[tuple[Any, ...]] = []
    if "django_migrations" in tables:
        migrations = ask("SELECT app, name FROM django_migrations ORDER BY id")
    return {
        "migrations": [list(row) for row in migrations],
        "keys": dict(keys),
        "installation": _installation(ask, tables),
    }


def _installation(ask: Ask, tables: Collection[str]) -> str:
    """Its opaque id; "" for a database that was not prepared by this version."""
    if "sessions_app_installationfact" not in tables:
        return ""
    known: dict[str, str] = dict(
        ask("SELECT name, value FROM sessions_app_installationfact")
    )
    return known.get(installation.HOST_ID, "")


def _has(ask: Ask, table: str, field: str) -> bool:
    """Only the table of credentials was once without its encrypted column."""
    if table != "sessions_app_savedauthentication":
        return True
    return "0002_team_and_columns" in _applied(ask)


def holds_plain_secrets(migrations: Iterable[Iterable[str]]) -> bool:
    """Whether this is the table of the previous product, not encrypted yet."""
    ours = {name for app, name in migrations if app == "sessions_app"}
    return bool(ours) and ENCRYPTING_MIGRATION not in ours


def _applied(ask: Ask) -> set[str]:
    statement = "SELECT name FROM django_migrations WHERE app = 'sessions_app'"
    return {name for (name,) in ask(statement)}


def unknown(migrations: Iterable[Iterable[str]]) -> list[str]:
    """Of installed apps: migrations that this version does not have."""
    loader = MigrationLoader(None)
    ours = {config.label for config in apps.get_app_configs()}
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known |= set(migration.replaces)
    return sorted(
        f"{app}.{name}"
        for app, name in migrations
        if app in ours and (app, name) not in known
    )


def refuse_newer(migrations: Iterable[Iterable[str]], what: str) -> None:
    """Raises NewerSchema when a newer version made `what`."""
    strange = unknown(migrations)
    if strange:
        raise NewerSchema(
            f"{what} is newer than this version ({strange[-1]} is not known here). "
            "Use the version that made it, or an older backup."
        )


def targets(migrations: Iterable[Iterable[str]]) -> list[Node]:
    """The last of the applied migrations: going there gives the schema of then."""
    applied = {(app, name) for app, name in migrations}
    graph = MigrationLoader(None).graph
    nodes = [node for node in graph.nodes if node in applied]
    return sorted(
        node
        for node in nodes
        if not any(
            child.key in applied and child.key[0] == node[0]
            for child in graph.node_map[node].children
        )
    )
