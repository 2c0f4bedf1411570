"""The answer of a run so far: its events, folded into one message.

Beside what one vendor response is (`providers.accumulate`), a run has steps, tool results,
and attempts that broke off. Usage adds up over the steps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.accumulate import Accumulator, part_of
from providers.events import Finished, Started, StreamError, Usage
from providers.types import Part, SteerPart, ToolCallPart, ToolResultPart
from sessions_app.runs import estimates
from sessions_app.runs.log.events import RunEvent, Steered, StepStarted, ToolFinished

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)


class RunResponse(Accumulator):
    """Add every event of the run's log, in order; ask at any time."""

    __slots__ = (
        "_chars",
        "_has_estimate",
        "_said_to_it",
        "_spent",
        "_spent_by_others",
        "has_output",
        "next_part",
        "note",
        "step_part",
        "steps",
    )

    def __init__(self) -> None:
        super().__init__()
        self.steps = 1
        self.note = ""  # who answers instead, and why
        self.next_part = 0  # where the next step's parts begin
        self.step_part = 0  # where the present step's parts begin
        self.has_output = False  # since the last request
        self._chars = 0  # that the present response brought
        self._has_estimate = False  # of an earlier response
        self._spent: list[Usage] = []
        self._spent_by_others: list[tuple[str, str, Usage]] = []
        # What the model was given within the answer, by its place.
        self._said_to_it: dict[int, ToolResultPart | SteerPart] = {}

    def add_event(self, event: RunEvent) -> None:
        """Take one event in."""
        part = getattr(event, "part", None)
        if part is not None and part >= self.next_part:
            self.next_part = part + 1
        if isinstance(event, StepStarted):
            self._begin_step(event)
            return
        if isinstance(event, ToolFinished | Steered):
            self._said_to_it[event.part] = _given(event)
            self.has_output = True
            return
        if not isinstance(event, Started | Usage | Finished | StreamError):
            self.has_output = True
            self._chars += estimates.chars_of(event)
        self.add(event)

    def begin_attempt(self) -> None:
        """A request is about to be sent: how the last one ended does not count."""
        self._close_usage()
        self._chars = 0
        self.has_output = False
        self.error = None
        self.finished = None

    @property
    def spent(self) -> Usage | None:
        """The usage of all responses together; None where no vendor said any."""
        others = (usage for *_, usage in self._spent_by_others)
        return _together([*others, *self._spent, *self._present()])

    @property
    def is_estimate(self) -> bool:
        """Whether a vendor said but the beginning of what was spent, as of an answer that
        was stopped: then the rest is estimated."""
        return self._has_estimate or self._counts_half()

    def spent_by(self, provider: str, model: str) -> list[tuple[str, str, Usage]]:
        """(provider, model, usage) of everybody who answered; given is the last one."""
        own = _together([*self._spent, *self._present()])
        return [*self._spent_by_others, *([(provider, model, own)] if own else [])]

    def parts(self) -> list[Part]:
        """The parts of all steps in order, tool results in their places."""
        found = [
            (index, part)
            for (index, _), slot in self._slots.items()
            if (part := part_of(slot)) is not None
        ]
        found += self._said_to_it.items()
        return [part for _, part in sorted(found, key=lambda item: item[0])]

    def open_calls(self) -> list[ToolCallPart]:
        """Calls that nobody has answered, in the order in which they were asked."""
        waiting: list[ToolCallPart] = []
        for part in self.parts():
            if isinstance(part, ToolCallPart):
                waiting.append(part)
            elif isinstance(part, ToolResultPart):
                # The first of that id: some vendors number calls anew in every answer.
                for call in waiting:
                    if call.call_id == part.call_id:
                        waiting.remove(call)
                        break
        return waiting

    @property
    def has_steps(self) -> bool:
        """Whether the model was given something within the answer (a result, a person's
        words): then nothing is repeated from the very beginning."""
        return bool(self._said_to_it)

    @property
    def is_whole(self) -> bool:
        """Whether the model said its last word: nothing is open, nothing broke off."""
        ended = self.finished is not None and self.finished.stop_reason != "cancelled"
        return ended and not self.awaits_step and not self.open_calls()

    @property
    def is_broken(self) -> bool:
        """Whether it ends in the middle of what a model said: the rest is to come."""
        return self.has_output and not self.awaits_step

    @property
    def awaits_step(self) -> bool:
        """Whether the model has not yet answered what it was given last."""
        parts = self.parts()
        return bool(parts) and isinstance(parts[-1], ToolResultPart | SteerPart)

    @property
    def unfinished(self) -> str:
        """What the model has said since it was given something last, as plain text."""
        last = max(self._said_to_it, default=-1)
        said = [part for (part, kind) in self._slots if kind == "text" and part > last]
        return "".join(p for part in said for p in self._slots[part, "text"].pieces)

    @property
    def can_go_on(self) -> bool:
        """Whether a broken answer is plain text, which a vendor may continue."""
        return bool(self.unfinished.strip()) and not self.tool_calls

    def _begin_step(self, event: StepStarted) -> None:
        if event.why == "repeated":
            self._cut_back(event.part)
        elif event.why == "fallback":
            self.note = event.note
            self._pass_on(event)
        self.steps = max(self.steps, event.step)
        self.step_part = event.part
        self.begin_attempt()

    def _cut_back(self, part: int) -> None:
        """What the broken step said does not count any more."""
        self.forget_from(part)
        for place in [place for place in self._said_to_it if place >= part]:
            del self._said_to_it[place]
        self.next_part = part

    def _pass_on(self, event: StepStarted) -> None:
        """Somebody else goes on: one vendor's opaque state is noise to another."""
        self._close_usage()
        if self._spent and len(event.instead_of) == 2:
            provider, model = event.instead_of
            whole = _together(self._spent)
            if whole is not None:
                self._spent_by_others.append((provider, model, whole))
            self._spent = []
        for slot in self._slots.values():
            slot.state = None

    def _close_usage(self) -> None:
        self._has_estimate = self.is_estimate
        self._spent += self._present()
        self.usage = None

    def _counts_half(self) -> bool:
        is_over = estimates.ended_by_vendor(self.finished)
        return self.usage is not None and not is_over

    def _present(self) -> list[Usage]:
        """What the present response cost; nothing where its vendor did not say."""
        usage = self.usage
        if usage is None or not self._counts_half():
            return [usage] if usage else []
        output = estimates.output_tokens(usage.output_tokens, self._chars)
        return [msgspec.structs.replace(usage, output_tokens=output)]


def _given(event: ToolFinished | Steered) -> ToolResultPart | SteerPart:
    if isinstance(event, Steered):
        return SteerPart(text=event.text)
    return ToolResultPart(
        call_id=event.call_id,
        name=event.name,
        text=event.text,
        is_error=event.is_error,
    )


def _together(rows: list[Usage]) -> Usage | None:
    if len(rows) < 2:
        return rows[0] if rows else None
    counts: dict[str, Any] = {name: _sum(rows, name) for name in _COUNTS}
    return Usage(**counts)


def _sum(rows: list[Usage], name: str) -> int | None:
    values = [value for row in rows if (value := getattr(row, name)) is not None]
    return sum(values) if values else None


def as_data(response: RunResponse) -> dict[str, Any] | None:
    """What a run spent as JSON data, with `is_estimate` where a part of it is one."""
    usage = response.spent
    if usage is None:
        return None
    mark = {"is_estimate": True} if response.is_estimate else {}
    return {**msgspec.to_builtins(usage), **mark}
