"""What the processes of the refresh tests do. Every function is one process's whole life.

Run by `nursery.py`. Results are JSON. Access tokens in them are fakes of the token server.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from providers import provider as interface
from providers import refresh as refresh_module
from providers import sessions
from providers.errors import ProviderError
from providers.types import Credential, Secret
from sessions_app import tasks
from sessions_app.models import InstallationFact, SavedAuthentication
from sessions_app.sealing import spool
from sessions_app.tokens import leases, sweep


def migrate() -> None:
    """Make the schema."""
    call_command("migrate", verbosity=0, interactive=False)


def save(
    provider: str,
    name: str,
    access: str,
    refresh: str,
    left_s: float = -1.0,
    life_s: float = 3600.0,
    is_again: bool = False,
    **facts: str,
) -> str:
    """Save a login whose token lives `left_s` more. Its id."""
    if provider == "openai":
        facts = {"kind": "codex", "mode": "chatgpt", "mode_choice": "chatgpt", **facts}
    end = datetime.now(UTC) + timedelta(seconds=left_s)
    credential = Credential(
        provider=provider,
        auth_type="oauth",
        name=name,
        secrets={"access_token": Secret(access), "refresh_token": Secret(refresh)},
        metadata={"lifetime_s": f"{life_s:.0f}", **facts},
        expires_at=end.isoformat(),
    )
    store = sessions.store()
    store.replace(credential) if is_again else store.create(credential)
    return str(SavedAuthentication.objects.get(provider=provider, name=name).pk)


def forget(provider: str, name: str) -> None:
    """Delete a login, here only."""
    sessions.store().delete(provider, "oauth", name)


def row(provider: str, name: str) -> dict[str, Any]:
    """How it is stored, tokens included; {} when it is gone."""
    found = SavedAuthentication.objects.filter(provider=provider, name=name).first()
    if found is None:
        return {}
    secrets = found.unseal()
    return {
        "state": found.state,
        "cause": found.cause,
        "generation": found.generation,
        "holder": found.lease_holder,
        "beat": found.lease_beat,
        "access": secrets.get("access_token"),
        "refresh": secrets.get("refresh_token"),
        "error": (found.refresh_error or {}).get("kind"),
        "left_s": (found.expires_at - timezone.now()).total_seconds()
        if found.expires_at
        else None,
        "due_s": (found.refresh_at - timezone.now()).total_seconds()
        if found.refresh_at
        else None,
    }


def ask(
    provider: str,
    name: str,
    how: str = "refresh",
    threads: int = 1,
    at: float = 0.0,
    stale_s: float | None = None,
    beat_s: float | None = None,
    breath_s: float | None = None,
) -> dict[str, Any]:
    """So many threads want the login at once, at a moment of the monotonic clock."""
    _pace(stale_s, beat_s)
    if breath_s is not None:
        refresh_module.BREATH_S = breath_s
    answers: list[Any] = [None] * threads
    begin = threading.Barrier(threads)

    def one(number: int) -> None:
        begin.wait()
        time.sleep(max(0.0, at - time.monotonic()))
        try:
            answers[number] = _ask(provider, name, how)
        except Exception as exc:
            answers[number] = {
                "error": type(exc).__name__,
                "message": str(exc),
                "is_ours": isinstance(exc, ProviderError),
            }
        finally:
            connections.close_all()

    started = time.monotonic()
    running = [threading.Thread(target=one, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return {
        "answers": answers,
        "took_s": time.monotonic() - max(at, started),
        "left": _left(),
    }


def _ask(provider: str, name: str, how: str) -> dict[str, Any]:
    if how == "models":
        interface.list_models(provider, "oauth", name)
        return {}
    end = interface.refresh_tokens(provider, name, auth_type="oauth")
    access = sessions.find(provider, name, "oauth").secret("access_token")
    return {"expires_at": end, "access": access}


def _left() -> list[str]:
    """Threads that did not end, connections that did not come back to the pool."""
    connections.close_all()
    end = time.monotonic() + 2
    while True:
        found = [*_threads_left(), *_connections_left()]
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.02)


def _threads_left() -> list[str]:
    names = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    # The pool of connections keeps its own.
    return [name for name in names if not name.startswith("pool-")]


def _connections_left() -> list[str]:
    if connection.vendor != "postgresql":
        return []
    found = connection.pool.get_stats()
    return ["connection"] * (found["pool_size"] - found["pool_available"])


def _pace(stale_s: float | None, beat_s: float | None) -> None:
    """The lease's own times, in another measure."""
    if stale_s is not None:
        leases.STALE_S = stale_s
    if beat_s is not None:
        refresh_module.BEAT_S = beat_s


def write_rows(at: float, until: float) -> dict[str, float]:
    """A bystander: writes rows from one moment to another, and times each.

    `stall_s` is by how much its pauses were longer than asked for: what a busy machine
    adds to everything, writes included.
    """
    fact, _ = InstallationFact.objects.get_or_create(name=f"bystander-{at}")
    time.sleep(max(0.0, at - time.monotonic()))
    slowest, stall, count = 0.0, 0.0, 0
    while time.monotonic() < until:
        began = time.monotonic()
        InstallationFact.objects.filter(pk=fact.pk).update(value=str(count))
        slowest = max(slowest, time.monotonic() - began)
        count += 1
        began = time.monotonic()
        time.sleep(0.005)
        stall = max(stall, time.monotonic() - began - 0.005)
    return {"slowest_s": slowest, "stall_s": stall, "count": count}


def sweep_once(budget_s: float = 45.0) -> dict[str, int]:
    """The scheduled renewal, once."""
    return sweep.sweep(budget_s)


def recover() -> int:
    """What a start does about tokens left behind."""
    return sweep.recover()


def spool_files() -> list[str]:
    """Names in the spool."""
    directory = spool._directory()
    return sorted(p.name for p in directory.iterdir()) if directory.is_dir() else []


def cut_connections() -> int:
    """PostgreSQL ends every connection but this one. How many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def use_at(name: str, jumps_s: list[float], provider: str = "openai") -> list[str]:
    """Use a login under wall clocks that are so far off; the errors, "" for none."""
    found = []
    for jump_s in jumps_s:
        moment = datetime.now(UTC) + timedelta(seconds=jump_s)
        with time_machine.travel(moment, tick=True):
            try:
                interface.list_models(provider, "oauth", name)
                found.append("")
            except ProviderError as exc:
                found.append(type(exc).__name__)
    return found


def ask_while_the_clock_jumps(
    name: str, after_s: float, jump_s: float
) -> dict[str, Any]:
    """Ask for a login whose renewal takes longer than `after_s`."""

    def jump() -> None:
        time.sleep(after_s)
        moment = datetime.now(UTC) + timedelta(seconds=jump_s)
        time_machine.travel(moment, tick=True).start()

    threading.Thread(target=jump, daemon=True).start()
    return _ask("openai", name, "refresh")


def end_of_queue() -> dict[str, Any]:
    """Every schedule and queued task as django-q keeps it: names and arguments."""
    rows = [(s.func, s.args, s.kwargs) for s in Schedule.objects.all()]
    tasks = [q.task for q in OrmQ.objects.all()]
    rows += [(t["func"], list(t["args"]), t["kwargs"]) for t in tasks]
    rows += [(t.func, list(t.args or ()), t.kwargs) for t in Task.objects.all()]
    return {
        "rows": rows,
        "done": [
            (t.func, t.success, t.started.timestamp(), t.result)
            for t in Task.objects.order_by("started")
        ],
    }


def schedule() -> None:
    """What an installation does when it is prepared."""
    tasks.ensure_schedules()


def hurry(seconds: float) -> None:
    """Let the renewal be due at the next look of a scheduler."""
    due = timezone.now() + timedelta(seconds=seconds)
    Schedule.objects.filter(name="refresh").update(next_run=due)
