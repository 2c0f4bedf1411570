"""What others wait for while a step rewrites 100,000 rows on PostgreSQL, at most.

    0003, 0004       credentials of the previous product: encrypted and named, the plain
                     column dropped, its values scrubbed
    full text        words of messages, in a generated column with an index
    0014             who wrote the questions

A bystander reads and writes rows of the table all the while (`bystander.py`). Its longest
read and write of two quiet seconds are the anchor. The bound is 250 ms where a step can go
in batches; docs/operations.md names those that cannot, and why.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.bystander import watching
from benchmarks.inside import databases

CREDENTIALS = ("sessions_app_savedauthentication", "provider")
MESSAGES = ("sessions_app_message", "depth")


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {migration, rows, seconds, read ms, write ms, anchor ms}."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    if "postgresql" not in databases():
        return []
    count = 10_000 if quick else 100_000
    return [*_with_database(_credentials, count), *_with_database(_messages, count)]


def _with_database(steps: Callable[..., list[dict]], count: int) -> list[dict]:
    from tests.sessions_app.credentials.databases import empty_database

    with (
        tempfile.TemporaryDirectory(prefix="maestro-benchmark-") as folder,
        empty_database("postgresql", Path(folder)) as database,
    ):
        return steps(database, count)


def _credentials(database: Any, count: int) -> list[dict]:
    from tests.sessions_app.credentials.old_table import fill, old_row

    fill(
        database,
        lambda table: [
            old_row(table, f"provider-{i}", credentials={"api_key": f"sk-{i}"})
            for i in range(count)
        ],
    )
    steps = ("0002_team_and_columns", "0003_encrypt_and_name", "0004_unique_by_name")
    _migrate(database, "sessions_app", steps[0])
    return [
        _watched(database, "sessions_app", name, count, CREDENTIALS)
        for name in steps[1:]
    ]


def _messages(database: Any, count: int) -> list[dict]:
    _migrate(database, "context_app", "0003_audits")
    _fill_messages(_migrate(database, "sessions_app", "0009_steering"), database, count)
    rows = [_watched(database, "context_app", "0004_full_text", count, MESSAGES)]
    _migrate(database, "sessions_app", "0013_shared_conversations")
    rows.append(_watched(database, "sessions_app", "0014_authors", count, MESSAGES))
    return rows


def _fill_messages(apps: Any, database: Any, count: int) -> None:
    from benchmarks.history import TEXT

    alias = database.alias
    owner = apps.get_model("auth", "User").objects.using(alias).create(username="a")
    talks = apps.get_model("sessions_app", "Conversation").objects.using(alias)
    talk = talks.create(owner=owner)
    message = apps.get_model("sessions_app", "Message")
    rows = message.objects.using(alias)
    for start in range(0, count, 2000):
        rows.bulk_create(
            message(
                conversation=talk,
                depth=depth,
                role="assistant" if depth % 2 else "user",
                parts=[{"type": "text", "text": f"{depth} {TEXT}"}],
                text=f"{depth} {TEXT}",
            )
            for depth in range(start, min(start + 2000, count))
        )


def _migrate(database: Any, app: str, name: str) -> Any:
    """Bring an app to a migration; the models as they are there."""
    from django.db.migrations.executor import MigrationExecutor

    MigrationExecutor(database).migrate([(app, name)])
    return MigrationExecutor(database).loader.project_state([(app, name)]).apps


def _watched(
    database: Any, app: str, name: str, count: int, where: tuple[str, str]
) -> dict:
    """One step under the eyes of a bystander."""
    from tests.sessions_app.credentials.databases import SERVER

    dsn = f"{SERVER.rstrip('/')}/{database.settings_dict['NAME']}"
    with watching(dsn, *where) as quiet:
        time.sleep(2)
    with watching(dsn, *where) as waited:
        started = time.monotonic()
        _migrate(database, app, name)
        took_s = time.monotonic() - started
    return {
        "migration": f"{app}.{name}",
        "rows": count,
        "seconds": round(took_s, 2),
        "read ms": waited["read"],
        "write ms": waited["write"],
        "anchor ms": max(quiet.values()),
    }
