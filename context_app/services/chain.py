"""The record of intents: appended, hashed, verified. A change of any row is found.

hash = SHA-256(previous hash ‖ canonical JSON of number, intent, state, facts, at)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from context_app.models import ChainHead, IntentEvent, ToolIntent

GENESIS = "0" * 64

# Columns of an intent that its events must bear out.
_DECLARED = (
    "run_ref",
    "conversation_ref",
    "person_name",
    "step",
    "call_id",
    "provider",
    "model",
    "tool",
    "arguments",
    "arguments_hash",
    "target",
    "purpose",
    "scope",
    "declared_risk",
    "computed_risk",
    "decision",
    "decision_why",
)
_DECIDED = ("decided_by_name", "words")


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that is not as it was written, and what is wrong with it."""

    table: str
    row: str
    why: str


def canonical(value: Any) -> str:
    """JSON in one spelling: sorted keys, no spaces, plain text."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def append(intent: ToolIntent) -> IntentEvent:
    """Record the state an intent has now. Inside the transaction that changed it."""
    with transaction.atomic():
        ChainHead.objects.get_or_create(pk=1)
        head = ChainHead.objects.select_for_update().get(pk=1)
        at = datetime.now(UTC).isoformat()
        event = IntentEvent(
            number=head.number + 1,
            intent=intent,
            state=intent.state,
            facts=_facts(intent),
            at=at,
            previous=head.hash,
        )
        event.hash = _hash(event)
        event.save(force_insert=True)
        head.number, head.hash = event.number, event.hash
        head.save(update_fields=["number", "hash"])
    return event


def verify() -> Fault | None:
    """None when everything is as it was written, else the first row that is not."""
    previous, number = GENESIS, 0
    latest: dict[Any, IntentEvent] = {}
    for event in IntentEvent.objects.order_by("number").iterator(chunk_size=1000):
        fault = _fault_of(event, previous, number + 1)
        fault = fault or _changed_since(latest.get(event.intent_id), event)
        if fault is not None:
            return fault
        previous, number = event.hash, event.number
        latest[event.intent_id] = event
    head = ChainHead.objects.filter(pk=1).first()
    if (head.number, head.hash) != (number, previous) if head else number:
        return Fault("IntentEvent", str(number + 1), "events are missing at the end")
    return next(_intents_that_differ(latest), None)


def _fault_of(event: IntentEvent, previous: str, number: int) -> Fault | None:
    row = str(event.number)
    if event.number != number:
        return Fault("IntentEvent", str(number), "an event is missing")
    if event.previous != previous:
        return Fault("IntentEvent", row, "it does not follow the event before it")
    if event.hash != _hash(event):
        return Fault("IntentEvent", row, "it was altered")
    return None


def _changed_since(before: IntentEvent | None, event: IntentEvent) -> Fault | None:
    """What was declared once stays: a later event must not tell it differently."""
    if before is None:
        return None
    changed = [k for k in _DECLARED if before.facts.get(k) != event.facts.get(k)]
    if not changed:
        return None
    return Fault("ToolIntent", str(event.intent_id), f"altered: {', '.join(changed)}")


def _intents_that_differ(latest: dict[Any, IntentEvent]) -> Iterator[Fault]:
    for intent in ToolIntent.objects.order_by("created_at").iterator(chunk_size=1000):
        event = latest.pop(intent.pk, None)
        if event is None:
            yield Fault("ToolIntent", str(intent.pk), "it was never recorded")
        elif event.facts != json.loads(canonical(_facts(intent))):
            facts = _facts(intent)
            changed = [k for k, v in facts.items() if event.facts.get(k) != v]
            words = ", ".join(changed) or "something"
            yield Fault("ToolIntent", str(intent.pk), f"altered: {words}")
    for intent_id in latest:
        yield Fault("ToolIntent", str(intent_id), "it is gone")


def _facts(intent: ToolIntent) -> dict[str, Any]:
    """What the record says of an intent in its present state."""
    facts = {name: getattr(intent, name) for name in (*_DECLARED, *_DECIDED)}
    facts |= {"state": intent.state, "result_hash": digest(intent.result)}
    found: dict[str, Any] = json.loads(canonical(facts))
    return found


def _hash(event: IntentEvent) -> str:
    content = {
        "number": event.number,
        "intent": str(event.intent_id),
        "state": event.state,
        "facts": event.facts,
        "at": event.at,
    }
    return hashlib.sha256(f"{event.previous}{canonical(content)}".encode()).hexdigest()
