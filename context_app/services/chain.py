"""The record of intents: an event for each change of state, hashed onto the one before.

Appended inside the transaction that makes the change. `chain_facts.py` says what an event
holds, `chain_check.py` whether the record is as it was written.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from context_app.models import ChainHead, IntentEvent, ToolIntent
from context_app.services.chain_check import Fault, Mark, end, verify
from context_app.services.chain_facts import (
    DECLARED,
    changed,
    digest,
    facts_of,
    hash_of,
)

__all__ = ["Fault", "Mark", "append", "bears_out", "digest", "end", "verify"]


def append(intent: ToolIntent) -> IntentEvent:
    """Record the state an intent has now. Inside the transaction that changed it."""
    with transaction.atomic():
        ChainHead.objects.get_or_create(pk=1)
        head = ChainHead.objects.select_for_update().get(pk=1)
        event = IntentEvent(
            number=head.number + 1,
            intent=intent,
            state=intent.state,
            facts=facts_of(intent),
            at=datetime.now(UTC).isoformat(),
            previous=head.hash,
        )
        event.hash = hash_of(event)
        event.save(force_insert=True)
        head.number, head.hash = event.number, event.hash
        head.save(update_fields=["number", "hash"])
    return event


def bears_out(intent: ToolIntent) -> bool:
    """Whether an intent is what all its events say: nobody changed the row meanwhile."""
    events = list(IntentEvent.objects.filter(intent=intent).order_by("number"))
    if not events or any(event.hash != hash_of(event) for event in events):
        return False
    present = facts_of(intent)
    declared = {k: v for k, v in events[0].facts.items() if k in DECLARED}
    return not changed(declared, present) and not changed(events[-1].facts, present)
