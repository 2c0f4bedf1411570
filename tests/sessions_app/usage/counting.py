"""Limits and counters for tests: plain functions, every default filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from providers.events import Event, Finished, TextDelta, Usage
from sessions_app.models import UsageCounter, UsageLimit
from sessions_app.services import limits
from sessions_app.services.usage import Call

MODEL = "gpt-5.4"  # of the catalogue: it has a price


def make_limit(metric: str, amount: Any, *, scope: str = "person", **whose: Any) -> Any:
    """A rule; without a person, team or credential for each of the scope."""
    return UsageLimit.objects.create(scope=scope, metric=metric, amount=amount, **whose)


def make_call(person_id: int | None, **fields: Any) -> Call:
    """A call of this person with no credential of the table."""
    given: dict[str, Any] = {
        "person_id": person_id,
        "person_name": "alice",
        "credential_id": None,
        "credential_name": "work",
        "provider": "openai",
        "model": MODEL,
        "is_demo": False,
        "input_tokens": 100,
    }
    return Call(**{**given, **fields})


def counter(scope: str, ref: Any = "") -> UsageCounter:
    """A scope's counter of today; an empty one where nothing was counted."""
    rows = UsageCounter.objects.filter(day=limits.today(), scope=scope, ref=str(ref))
    return rows.first() or UsageCounter()


def held(row: UsageCounter) -> tuple[int, int, int]:
    """What is reserved in it."""
    return row.held_requests, row.held_tokens, row.held_nanos


class Said:
    """A stream that says one word and what it cost."""

    request_body: Mapping[str, Any] = {"q": "x" * 400}
    was_asked = True

    def __init__(self, *events: Event) -> None:
        self._events = events or (
            TextDelta(text="Yes."),
            Usage(input_tokens=90, output_tokens=10),
            Finished(stop_reason="stop"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None: ...

    def close(self) -> None: ...

    def __iter__(self) -> Iterator[Event]:
        yield from self._events
