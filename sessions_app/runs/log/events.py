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
    """Another response of this run begins, asked of this credential and model.

    `why`: tools, steered, continued (the rest of what broke off), repeated (what broke
    off is asked for again: parts from `part` on do not count), fallback (somebody else
    answers now, `instead_of` [provider, model]). `note` says why in a sentence.
    """

    part: int
    step: int
    provider: str
    session_id: str
    model: str
    why: str = ""
    note: str = ""
    instead_of: list[str] = []


class ToolFinished(_RunEvent, frozen=True):
    """What a tool gave back to the model, in answer to one call."""

    part: int
    call_id: str
    name: str
    text: str
    is_error: bool = False


class Steered(_RunEvent, frozen=True):
    """The person said something while the answer was on its way; the model reads it now.

    `text` is shown where it came; `client_message_id` is the one it was sent with.
    """

    part: int
    text: str
    client_message_id: str


RunEvent: TypeAlias = Event | StepStarted | ToolFinished | Steered


def shifted(event: Event, by: int) -> Event:
    """The same event, its part `by` further on in the answer."""
    if not by or not hasattr(event, "part"):
        return event
    return msgspec.structs.replace(event, part=event.part + by)
