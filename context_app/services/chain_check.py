"""Is the record of intents as it was written? Names the first row that is not.

First the chain, event by event; then every intent against its last event. Others may
append meanwhile: what is new since the walk began is looked at with the chain held still.

Who can write to the database can also write a whole new chain. Note its end (`end`) in
another place from time to time, and say it when verifying (`expected`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from context_app.models import ChainHead, IntentEvent, ToolIntent
from context_app.services.chain_facts import (
    DECLARED,
    GENESIS,
    changed,
    digest,
    facts_of,
    hash_of,
)

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that is not as it was written, and what is wrong with it."""

    table: str
    row: str
    why: str


class Mark(NamedTuple):
    """A place in the chain: an event's number and its hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


NOTHING = Mark(0, GENESIS)


class _Last(NamedTuple):
    """What is remembered of an intent's last event so far: 10,000 fit in memory."""

    number: int
    declared: str  # digest


@dataclass(slots=True)
class _Walk:
    """How far the walk along the chain has come."""

    at: Mark = NOTHING
    last: dict[UUID, _Last] = field(default_factory=dict)  # in the order of the chain


def end() -> Mark:
    """The last event: what to note in a place that this database cannot reach."""
    head = ChainHead.objects.filter(pk=1).first()
    return Mark(head.number, head.hash) if head else NOTHING


def verify(expected: Mark | None = None) -> Fault | None:
    """None when everything is as it was written, else the first row that is not.

    `expected`: a place that the chain must still have.
    """
    walk = _Walk()
    events = IntentEvent.objects.order_by("number")
    fault = _follow(walk, events.iterator(chunk_size=1000)) or _follow_to_the_end(walk)
    if fault is None and expected is not None and expected.number:
        fault = _no_longer_there(expected)
    return fault or next(_intents_that_differ(walk), None)


def _follow(walk: _Walk, events: Iterable[IntentEvent]) -> Fault | None:
    for event in events:
        fault = _fault_of(event, walk.at) or _retold(
            walk.last.get(event.intent_id), event
        )
        if fault is not None:
            return fault
        walk.at = Mark(event.number, event.hash)
        walk.last[event.intent_id] = _Last(event.number, _declared(event))
    return None


def _follow_to_the_end(walk: _Walk) -> Fault | None:
    """What came since, with the head held: nobody appends; then the two must agree."""
    with transaction.atomic():
        head = _held()
        fault = _follow(walk, _after(walk.at))
        if fault is None and head is None and walk.at != NOTHING:
            # There was no head to hold: the very first event came between the questions.
            head = _held()
            fault = _follow(walk, _after(walk.at))
    if fault is not None:
        return fault
    noted = Mark(head.number, head.hash) if head else NOTHING
    if noted.number > walk.at.number:
        row = str(walk.at.number + 1)
        return Fault("IntentEvent", row, "events are missing at the end")
    if noted.number < walk.at.number:
        row = str(noted.number + 1)
        return Fault("IntentEvent", row, "it is beyond the noted end of the record")
    if noted != walk.at:
        return Fault("ChainHead", "1", "it is not the hash of the last event")
    return None


def _held() -> ChainHead | None:
    return ChainHead.objects.select_for_update().filter(pk=1).first()


def _after(place: Mark) -> Iterable[IntentEvent]:
    return IntentEvent.objects.filter(number__gt=place.number).order_by("number")


def _fault_of(event: IntentEvent, before: Mark) -> Fault | None:
    row = str(event.number)
    if event.number > before.number + 1:
        return Fault("IntentEvent", str(before.number + 1), "an event is missing")
    if event.number <= before.number:
        return Fault("IntentEvent", row, "it was put in")
    if event.previous != before.hash:
        return Fault("IntentEvent", row, "it does not follow the event before it")
    if event.hash != hash_of(event):
        return Fault("IntentEvent", row, "it was altered")
    return None


def _retold(before: _Last | None, event: IntentEvent) -> Fault | None:
    """What was declared once stays: a later event must not tell it differently."""
    if before is None or before.declared == _declared(event):
        return None
    first = IntentEvent.objects.get(number=before.number)
    declared = {k: v for k, v in first.facts.items() if k in DECLARED}
    return _altered(event.intent_id, changed(declared, event.facts))


def _no_longer_there(expected: Mark) -> Fault | None:
    event = IntentEvent.objects.filter(number=expected.number).first()
    if event is not None and event.hash == expected.hash:
        return None
    row = str(expected.number)
    return Fault("IntentEvent", row, "it is not the event that was noted elsewhere")


def _intents_that_differ(walk: _Walk) -> Iterator[Fault]:
    """In the order in which they entered the chain, then those that never did."""
    ids = iter(walk.last)
    while some := list(islice(ids, _AT_ONCE)):
        rows = ToolIntent.objects.in_bulk(some)
        events = IntentEvent.objects.in_bulk([walk.last[pk].number for pk in some])
        for pk in some:
            row, event = rows.get(pk), events.get(walk.last[pk].number)
            if row is None or event is None or changed(event.facts, facts_of(row)):
                fault = _difference(pk)
                if fault is not None:
                    yield fault
    unknown = ToolIntent.objects.filter(events=None).order_by("created_at", "pk")
    for pk in unknown.values_list("pk", flat=True)[:1]:
        yield Fault("ToolIntent", str(pk), "it was never recorded")


def _difference(intent_id: UUID) -> Fault | None:
    """Look again, with nobody changing it meanwhile."""
    with transaction.atomic():
        row = ToolIntent.objects.select_for_update().filter(pk=intent_id).first()
        of_it = IntentEvent.objects.filter(intent_id=intent_id)
        event = of_it.order_by("-number").first()
    if row is None or event is None:
        return Fault("ToolIntent", str(intent_id), "it is gone")
    return _altered(intent_id, changed(event.facts, facts_of(row)))


def _altered(intent_id: Any, names: list[str]) -> Fault | None:
    if not names:
        return None
    return Fault("ToolIntent", str(intent_id), f"altered: {', '.join(names)}")


def _declared(event: IntentEvent) -> str:
    return digest({name: event.facts.get(name) for name in DECLARED})
