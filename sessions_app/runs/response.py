"""The answer of a run so far: its events, folded into one message.

Beside what one vendor response is (`providers.accumulate`), a run has steps, tool results,
and attempts that broke off. Usage adds up over the steps.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.accumulate import Accumulator, part_of
from providers.events import Finished, Started, StreamError, Usage
from providers.types import Part, TextPart, ToolCallPart, ToolResultPart
from sessions_app.runs.events import RunEvent, StepStarted, ToolFinished

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)


class RunResponse(Accumulator):
    """Add every event of the run's log, in order; ask at any time."""

    __slots__ = ("_results", "_spent", "has_output", "next_part", "steps")

    def __init__(self) -> None:
        super().__init__()
        self.steps = 1
        self.next_part = 0  # where the next step's parts begin
        self.has_output = False  # since the last request
        self._spent: list[Usage] = []
        self._results: dict[int, ToolResultPart] = {}

    def add_event(self, event: RunEvent) -> None:
        """Take one event in."""
        part = getattr(event, "part", None)
        if part is not None and part >= self.next_part:
            self.next_part = part + 1
        if isinstance(event, StepStarted):
            self._begin_step(event)
            return
        if isinstance(event, ToolFinished):
            self._results[event.part] = ToolResultPart(
                call_id=event.call_id,
                name=event.name,
                text=event.text,
                is_error=event.is_error,
            )
            self.has_output = True
            return
        if not isinstance(event, Started | Usage | Finished | StreamError):
            self.has_output = True
        self.add(event)

    def begin_attempt(self) -> None:
        """A request is about to be sent: how the last one ended does not count."""
        self._close_usage()
        self.has_output = False
        self.error = None
        self.finished = None

    @property
    def spent(self) -> Usage | None:
        """The usage of all responses together; None where no vendor said any."""
        rows = [*self._spent, *([self.usage] if self.usage else [])]
        if not rows:
            return None
        if len(rows) == 1:
            return rows[0]
        counts: dict[str, Any] = {name: _sum(rows, name) for name in _COUNTS}
        return Usage(**counts)

    def parts(self) -> list[Part]:
        """The parts of all steps in order, tool results in their places."""
        found = [
            (index, part)
            for (index, _), slot in self._slots.items()
            if (part := part_of(slot)) is not None
        ]
        found += self._results.items()
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
    def has_results(self) -> bool:
        """Whether a tool was answered: then nothing is repeated from the beginning."""
        return bool(self._results)

    @property
    def is_broken(self) -> bool:
        """Whether it ends in the middle of what a model said: the rest is to come."""
        return self.has_output and not self._ends_with_result()

    def _ends_with_result(self) -> bool:
        parts = self.parts()
        return bool(parts) and isinstance(parts[-1], ToolResultPart)

    @property
    def can_go_on(self) -> bool:
        """Whether a broken answer is plain text, which a vendor may continue."""
        return bool(self.text.strip()) and not self.tool_calls

    def partial(self) -> list[Part]:
        """What a vendor gets to see of a broken answer: its text."""
        return [TextPart(text=self.text)] if self.text else []

    def _begin_step(self, event: StepStarted) -> None:
        self.steps = max(self.steps, event.step)
        self.begin_attempt()

    def _close_usage(self) -> None:
        if self.usage is not None:
            self._spent.append(self.usage)
            self.usage = None


def _sum(rows: list[Usage], name: str) -> int | None:
    values = [value for row in rows if (value := getattr(row, name)) is not None]
    return sum(values) if values else None


def as_data(usage: Usage | None) -> dict[str, Any] | None:
    """Usage as JSON data."""
    return msgspec.to_builtins(usage) if usage else None
