"""A record of tool calls, written by the words of its documentation and by no code of it.

    hash = SHA-256(previous hash ‖ canonical JSON of number, intent, state, facts, at)

What the product's check says of it is then worth something; and it is quick to write.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from context_app.models import ChainHead, IntentEvent, ToolIntent

BEGINNING = datetime(2031, 3, 1, 9, 0, tzinfo=UTC)
STATES = ("requested", "approved", "started", "done")
INTENTS = 2_500
EVENTS = INTENTS * len(STATES)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is done to the record here is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_of(previous: str, content: dict[str, Any]) -> str:
    return sha256(previous + as_json(content))


def write(intents: int) -> None:
    """So many calls, four events each, in turns: their states come one after the other."""
    rows = [_row(number) for number in range(intents)]
    ToolIntent.objects.bulk_create(rows, batch_size=500)
    for number, row in enumerate(rows):
        ToolIntent.objects.filter(pk=row.pk).update(created_at=_at(number))
        row.created_at = _at(number)
    events, previous = [], "0" * 64
    for place in range(intents * len(STATES)):
        state, row = STATES[place // intents], rows[place % intents]
        content = {
            "number": place + 1,
            "intent": str(row.pk),
            "state": state,
            "facts": _facts(row, state),
            "at": (BEGINNING + timedelta(seconds=place)).isoformat(),
        }
        hashed = hash_of(previous, content)
        events.append(
            IntentEvent(**{**content, "intent": row}, previous=previous, hash=hashed)
        )
        previous = hashed
    IntentEvent.objects.bulk_create(events, batch_size=500)
    ChainHead.objects.create(pk=1, number=len(events), hash=previous)


def insert(number: int, content_of: IntentEvent) -> None:
    """Put an event in at this place, well made, and move those behind it."""
    behind = IntentEvent.objects.filter(number__gte=number).order_by("-number")
    for event in list(behind):
        IntentEvent.objects.filter(number=event.number).update(number=event.number + 1)
    before = IntentEvent.objects.get(number=number - 1)
    content = {
        "number": number,
        "intent": str(content_of.intent_id),
        "state": content_of.state,
        "facts": content_of.facts,
        "at": content_of.at,
    }
    IntentEvent.objects.create(
        **{**content, "intent": content_of.intent},
        previous=before.hash,
        hash=hash_of(before.hash, content),
    )


def _at(number: int) -> datetime:
    return BEGINNING + timedelta(minutes=number)


def _row(number: int) -> ToolIntent:
    arguments = {"path": f"docs/{number}.md", "text": "Grüezi ✓"}
    return ToolIntent(
        run_ref=uuid.UUID(int=number // 7),
        conversation_ref=uuid.UUID(int=number // 50),
        person_name="alice",
        step=1 + number % 7,
        call_id=f"call_{number}",
        provider="openai",
        model="m",
        tool=("write_file", "shell", "web_fetch")[number % 3],
        arguments=arguments,
        arguments_hash=sha256(as_json(arguments)),
        target=f"docs/{number}.md",
        purpose="maintenance",
        scope="Write the page.",
        declared_risk="low",
        computed_risk="medium",
        state="done",
        decision="ask",
        decision_why="Risk medium, and no rule says otherwise.",
        decided_by_name="alice",
        decided_at=_at(number),
        started_at=_at(number),
        finished_at=_at(number),
        result=f"Wrote page {number}.",
    )


def _facts(row: ToolIntent, state: str) -> dict[str, Any]:
    columns = (
        "step", "call_id", "provider", "model", "tool", "arguments", "arguments_hash",
        "target", "purpose", "scope", "declared_risk", "computed_risk", "decision",
        "decision_why", "person_name", "decided_by_name", "words",
    )  # fmt: skip
    times = ("created_at", "decided_at", "started_at", "finished_at")
    return {
        **{name: getattr(row, name) for name in columns},
        **{name: getattr(row, name).isoformat() for name in times},
        "run_ref": str(row.run_ref),
        "conversation_ref": str(row.conversation_ref),
        **dict.fromkeys(("run", "person", "decided_by")),
        "state": state,
        "result_hash": sha256(as_json(row.result)),
    }
