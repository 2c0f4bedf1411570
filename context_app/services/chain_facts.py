"""What an event of the record says, and how it is hashed. Pure; no row is read here.

    hash = SHA-256(previous hash ‖ canonical JSON of number, intent, state, facts, at)

`facts` is all that counts of an intent at that moment, so an intent's row must agree with
its last event. Called by `chain.py`, which appends, and `chain_check.py`, which verifies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from context_app.models import IntentEvent, ToolIntent

GENESIS = "0" * 64

# Columns that never change once a call is declared, and those that may.
DECLARED = (
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
    "created_at",
)
_DECIDED = ("decided_by_name", "words", "decided_at", "started_at", "finished_at")
# Ids of rows that may be deleted: then the column is empty, and the record keeps the id.
_LINKS = {"run": "run_id", "person": "person_id", "decided_by": "decided_by_id"}


def canonical(value: Any) -> str:
    """JSON in one spelling: sorted keys, no spaces, plain text."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_text
    )


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def facts_of(intent: ToolIntent) -> dict[str, Any]:
    """What the record says of an intent in its present state; plain JSON."""
    facts = {name: getattr(intent, name) for name in (*DECLARED, *_DECIDED)}
    facts |= {name: getattr(intent, column) for name, column in _LINKS.items()}
    facts |= {"state": intent.state, "result_hash": digest(intent.result)}
    found: dict[str, Any] = json.loads(canonical(facts))
    return found


def changed(recorded: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """The facts that are not as they were recorded.

    An older version recorded fewer of them. A link to a row that was deleted is empty.
    """
    return [
        name
        for name, value in recorded.items()
        if present.get(name) != value
        and not (name in _LINKS and present.get(name) is None)
    ]


def hash_of(event: IntentEvent) -> str:
    """The hash that an event with this content must have."""
    content = {
        "number": event.number,
        "intent": str(event.intent_id),
        "state": event.state,
        "facts": event.facts,
        "at": event.at,
    }
    return hashlib.sha256(f"{event.previous}{canonical(content)}".encode()).hexdigest()


def _text(value: Any) -> str:
    """Times in UTC, whatever zone a database gives them in."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)
