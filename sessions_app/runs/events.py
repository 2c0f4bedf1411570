"""What happens in a run beside what a vendor says: further requests, tool results.

They are numbered and logged with the vendor's events. `part` goes on counting through the
whole answer: the loop shifts the numbers of later steps, so that a reader folds all events
of a run into one message.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from providers.events import Event


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class _RunEvent(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake, gc=False
):
    """Base; `type` on the wire is the class name in snake case."""


class StepStarted(_RunEvent, frozen=True):
    """Another response of this run begins, asked of this credential and model."""

    part: int
    step: int
    provider: str
    session_id: str
    model: str
    why: str = ""  # "tools", "continued"


class ToolFinished(_RunEvent, frozen=True):
    """What a tool gave back to the model, in answer to one call."""

    part: int
    call_id: str
    name: str
    text: str
    is_error: bool = False


RunEvent: TypeAlias = Event | StepStarted | ToolFinished


def shifted(event: Event, by: int) -> Event:
    """The same event, its part `by` further on in the answer."""
    if not by or not hasattr(event, "part"):
        return event
    return msgspec.structs.replace(event, part=event.part + by)
