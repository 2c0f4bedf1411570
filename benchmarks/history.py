"""Long conversations and many runs: opening, composing, and the log's grouped commits.

    open      a conversation of 10,000 and one of 100,000 messages, as the page does it
    compose   the next request of 100,000 messages and 10,000 chunks; the panel with 2,000
    commit    the log of N running runs, 250 ms of deltas at a time

On SQLite, and on PostgreSQL where one answers. The anchor of opening is a conversation of
50 messages; that of composing is decoding the same messages' JSON, and nothing else; that
of commits is one bare transaction a run.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import uuid
from typing import Any

from benchmarks.inside import Timer, databases, run_inside

TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind it. " * 4


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {what, database, size, seconds, anchor s, ratio, queries}."""
    sizes = "50,1000" if quick else "50,10000,100000"
    chunks = 500 if quick else 10_000
    rows: list[dict] = []
    for database in databases():
        found = run_inside("benchmarks.history", sizes, chunks, database=database)
        rows += [{"database": database, **row} for row in found]
    return rows


def work(sizes: list[int], chunks: int) -> list[dict[str, Any]]:
    """What the measured process does."""
    import django

    django.setup()
    timer = Timer()
    from django.contrib.auth.models import User

    user = User.objects.create_superuser("root")
    rows = _opening(timer, user, sizes)
    rows += _composing(timer, user, sizes[-1], chunks)
    rows += _commits((50, 200, 500) if sizes[-1] > 1000 else (50,))
    return rows


def conversation(user: Any, size: int) -> Any:
    """A conversation of one branch of `size` messages."""
    from sessions_app.models import Conversation, Message

    row = Conversation.objects.create(owner=user, title=f"{size} messages")
    parent_id = None
    batch: list[Any] = []
    for depth in range(size):
        role = "assistant" if depth % 2 else "user"
        message = Message(
            id=uuid.uuid4(),
            conversation=row,
            parent_id=parent_id,
            depth=depth,
            role=role,
            parts=[{"type": "text", "text": f"{depth} {TEXT}"}],
            text=f"{depth} {TEXT}",
        )
        parent_id = message.pk
        batch.append(message)
        if len(batch) == 2000:
            Message.objects.bulk_create(batch)
            batch = []
    Message.objects.bulk_create(batch)
    row.leaf_id = parent_id
    row.save()
    return row


def _opening(timer: Timer, user: Any, sizes: list[int]) -> list[dict[str, Any]]:
    from django.test import Client

    client = Client(headers={"host": "127.0.0.1:8000"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    rows: list[dict[str, Any]] = []
    for size in sizes:
        row = conversation(user, size)
        urls = (
            f"/api/conversations/{row.pk}/",
            f"/api/conversations/{row.pk}/messages/",
        )
        client.get(urls[1])
        times, count = [], 0
        for _ in range(7):
            with timer.measured() as took:
                for url in urls:
                    assert client.get(url).status_code == 200
            times.append(took["s"])
            count = timer.count
        seconds = statistics.median(times)
        anchor = rows[0]["seconds"] if rows else seconds
        rows.append(_row("open a conversation", size, seconds, anchor, count))
    return rows


def _composing(timer: Timer, user: Any, size: int, chunks: int) -> list[dict[str, Any]]:
    import msgspec

    from context_app.models import ContextChunk
    from sessions_app.models import Conversation, Message
    from sessions_app.runs.context.look import Asker, frame_of, look
    from sessions_app.services.branches import branch_to

    row = Conversation.objects.select_related("leaf").get(title=f"{size} messages")
    branch = branch_to(row.leaf)
    started = time.monotonic()
    for message in branch:
        msgspec.json.decode(msgspec.json.encode(message.parts))
    anchor = time.monotonic() - started
    rows = []
    small = min(2000, chunks)
    for count in (0, small, chunks):
        have = ContextChunk.objects.filter(conversation=row).count()
        ContextChunk.objects.bulk_create(
            ContextChunk(
                conversation=row,
                owner=user,
                kind="text",
                title=f"chunk {at}",
                text=TEXT,
                position=float(at),
            )
            for at in range(have, count)
        )
        with timer.measured() as took:
            found = look(user, row.pk, Asker())
        name = f"read and compose, {count:,} chunks"
        rows.append(_row(name, size, took["s"], anchor, timer.count))
        with timer.measured() as took:
            text = msgspec.json.encode(frame_of(found))
        made = _row(f"panel's frame, {count:,} chunks", size, took["s"], anchor, 0)
        rows.append({**made, "KB": round(len(text) / 1024)})
        rows.append(_pure(found, branch, count, anchor))
    assert Message.objects.filter(conversation=row).count() == size
    return rows


def _pure(found: Any, branch: list[Any], count: int, anchor: float) -> dict[str, Any]:
    from context_app.assembly import Budget, compose

    items = found.gathered.items
    started = time.monotonic()
    compose(items, branch, budget=Budget(window=200_000, reserve=8192))
    seconds = time.monotonic() - started
    return _row(f"compose alone, {count:,} chunks", len(branch), seconds, anchor, 0)


def _commits(levels: tuple[int, ...]) -> list[dict[str, Any]]:
    """One tick of the writer with N runs that each logged 250 ms at 50 deltas a second."""
    from providers.events import TextDelta
    from sessions_app.runs.log import live
    from sessions_app.runs.log.writer import LogWriter

    rows = []
    for level in levels:
        runs = _running(level)
        writer, times = LogWriter(), []
        for _ in range(20):
            for run in runs:
                run.log.append([TextDelta(part=0, text="word ") for _ in range(12)])
            started = time.monotonic()
            writer.tick()
            times.append(time.monotonic() - started)
        anchor = statistics.mean(_bare_commits(runs[:200])) * level
        for run in runs:
            live.end(run)
        seconds = statistics.median(times)
        made = _row("commit the log of all runs", level, seconds, anchor, 0)
        speed = {"run-commits/s": round(level / seconds)}
        rows.append({**made, **speed, "longest s": round(max(times), 4)})
    return rows


def _running(count: int) -> list[Any]:
    """So many runs under way, as this process holds them."""
    from sessions_app.models import Conversation, Message, Run
    from sessions_app.runs.log import live
    from sessions_app.runs.log.run_log import RunLog

    runs = []
    owner = Conversation.objects.first().owner
    for _ in range(count):
        talk = Conversation.objects.create(owner=owner)
        run = Run.objects.create(
            conversation=talk,
            question=Message.objects.create(conversation=talk, role="user"),
            answer=Message.objects.create(conversation=talk, role="assistant"),
            provider="openai",
            auth_type="api_key",
            credential_name="bench",
            model="m",
            status="running",
            epoch=1,
        )
        runs.append(live.LiveRun(RunLog(run.pk, talk.pk, 1, after=0), talk.pk))
        live.begin(runs[-1])
    return runs


def _bare_commits(runs: list[Any]) -> list[float]:
    """The anchor: a transaction of its own for each run, in seconds."""
    from django.db import transaction

    from sessions_app.models import Run, RunBatch

    took = []
    for at, run in enumerate(runs):
        started = time.monotonic()
        with transaction.atomic():
            RunBatch.objects.create(
                run_id=run.run_id, epoch=9, first_seq=at, last_seq=at, events="[]"
            )
            Run.objects.filter(pk=run.run_id).update(seq=at)
        took.append(time.monotonic() - started)
    return took


def _row(
    what: str, size: int, seconds: float, anchor: float, queries: int
) -> dict[str, Any]:
    return {
        "what": what,
        "size": size,
        "seconds": round(seconds, 4),
        "anchor s": round(anchor, 4),
        "ratio": round(seconds / max(anchor, 1e-9), 2),
        "queries": queries,
    }


if __name__ == "__main__":
    _, _, sizes, chunks = sys.argv
    print(json.dumps(work([int(n) for n in sizes.split(",")], int(chunks))))
