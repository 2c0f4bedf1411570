"""How the whole installation is, at one look: for the admin's page about operations.

Numbers, names of parts and classes of errors; never a text, a key or what a task returned.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import Error, connection, models
from django.db.models import Count, Max, Min
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

import providers
from maestro import probes
from maestro.operations import backups, verifying
from sessions_app import presence
from sessions_app.models import (
    Conversation,
    InstallationFact,
    Message,
    Run,
    RunBatch,
    ServerProcess,
)

ROWS = 20
LAST_BACKUP = "last_backup"
_OLD_BACKUP = timedelta(days=2)
_COUNTED: dict[type[models.Model], str] = {
    Conversation: "conversations",
    Message: "messages",
    Run: "answers",
    RunBatch: "rows of answers' logs",
}
_OVER_BADLY = (Run.Status.FAILED, Run.Status.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a table of facts. `is_bad`: somebody should look."""

    name: str
    value: str
    is_bad: bool = False


def everything() -> dict[str, Any]:
    """The page's context. Each part by itself: one that fails is named, not fatal."""
    parts: dict[str, Callable[[], Any]] = {
        "health": health,
        "processes": processes,
        "queue": queue,
        "schedules": schedules,
        "running": running,
        "failures": failures,
        "storage": storage,
        "versions": versions,
        "saved": saved,
    }
    found: dict[str, Any] = {"broken": []}
    for name, part in parts.items():
        try:
            found[name] = part()
        except (Error, OSError) as exc:
            found["broken"].append(f"{name}: {type(exc).__name__}")
    return found


def health() -> list[Fact]:
    """What `/readyz` says, part by part."""
    return [
        Fact(name.replace("_", " "), word, is_bad=word != "ok")
        for name, word in probes.results().items()
    ]


def processes() -> list[ServerProcess]:
    """Every process that said it lives, with how long ago."""
    rows = ServerProcess.objects.exclude(role=presence.Role.PAST).defer("counters")
    living = set(ServerProcess.objects.living().values_list("pk", flat=True))
    found = list(rows.order_by("role", "started_at"))
    for row in found:
        row.is_living = row.pk in living  # type: ignore[attr-defined]
    return found


def queue() -> list[Fact]:
    """What waits for a worker, and what the workers did lately."""
    since = timezone.now() - timedelta(days=1)
    failed = Failure.objects.filter(stopped__gte=since)
    facts = [
        Fact("tasks waiting or at work", str(OrmQ.objects.count())),
        Fact(
            "tasks done in a day",
            str(Success.objects.filter(stopped__gte=since).count()),
        ),
        Fact("tasks failed in a day", str(failed.count()), is_bad=failed.exists()),
    ]
    for func, count, last in failed.values_list("func").annotate(
        n=Count("pk"), last=Max("stopped")
    )[:ROWS]:
        facts.append(
            Fact(f"failed: {func}", f"{count}, last {_when(last)}", is_bad=True)
        )
    return facts


def schedules() -> list[Fact]:
    """When each schedule fires next; one that is long due has no worker."""
    late = timezone.now() - timedelta(minutes=5)
    return [
        Fact(
            row.name or row.func,
            f"next {_when(row.next_run)}",
            is_bad=row.next_run < late,
        )
        for row in Schedule.objects.order_by("name")
    ]


def running() -> dict[str, Any]:
    """How many answers are how, and the oldest that are not over."""
    active = Run.objects.active()
    counts = active.order_by().values_list("status").annotate(count=Count("pk"))
    oldest = active.select_related("started_by").order_by("created_at")[:ROWS]
    return {"counts": sorted(counts), "oldest": list(oldest)}


def failures() -> list[dict[str, Any]]:
    """The last answers that ended badly."""
    rows = Run.objects.filter(status__in=_OVER_BADLY).order_by("-finished_at")[:ROWS]
    return [
        {
            "finished_at": row.finished_at,
            "provider": row.provider,
            "model": row.model,
            "status": row.status,
            "kind": (row.error or {}).get("kind", ""),
            "id": row.pk,
        }
        for row in rows
    ]


def storage() -> list[Fact]:
    """The database, the disk, and what fills them."""
    facts = [Fact("database", _size(_database_bytes()))]
    for model, name in _COUNTED.items():
        facts.append(Fact(name, f"{model._default_manager.count():,}"))
    data = Path(settings.DATA_DIR)
    disk = shutil.disk_usage(data)
    is_low = disk.free < disk.total / 20
    facts.append(
        Fact("free disk of the data directory", _size(disk.free), is_bad=is_low)
    )
    return facts


def versions() -> list[Fact]:
    """What is installed and what it stands on."""
    return [
        Fact("Maestro", providers.VERSION),
        Fact("Python", platform.python_version()),
        Fact("Django", django.get_version()),
        Fact(connection.display_name, ".".join(map(str, _database_version()))),
        Fact("channel layer", "Redis" if presence.layer() == "shared" else "in memory"),
    ]


def saved() -> list[Fact]:
    """The last backup that was made here, and those in the usual folder."""
    fact = InstallationFact.objects.filter(name=LAST_BACKUP).first()
    oldest = Run.objects.aggregate(first=Min("created_at"))["first"]
    if fact is None:
        is_bad = oldest is not None and oldest < timezone.now() - _OLD_BACKUP
        facts = [Fact("last backup", "none was made: manage.py backup", is_bad=is_bad)]
    else:
        is_old = fact.updated_at < timezone.now() - _OLD_BACKUP
        words = f"{_when(fact.updated_at)}, {fact.value}"
        facts = [Fact("last backup", words, is_bad=is_old)]
    folder = backups.default_folder()
    found = sorted(folder.glob("*.backup"), reverse=True) if folder.is_dir() else []
    facts += [Fact(path.name, _size(path.stat().st_size)) for path in found[:5]]
    return facts


def remember_backup(report: verifying.Report) -> None:
    """Note that one was made, wherever it went."""
    InstallationFact.objects.update_or_create(
        name=LAST_BACKUP, defaults={"value": f"{report.rows} rows, verified"}
    )


def _database_bytes() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    path = Path(str(connection.settings_dict["NAME"]))
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _database_version() -> tuple[int, ...]:
    found: tuple[int, ...] = connection.get_database_version()
    return found


def _size(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
