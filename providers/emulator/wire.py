"""What the four wires have in common: a turn to render, and the form they render in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from providers.emulator.answers import Answer, Question
from providers.emulator.http11 import Reply, Request
from providers.emulator.state import State, tokens


@dataclass(slots=True)
class Turn:
    """A request that was understood, and what will be said."""

    model: str
    question: Question
    answer: Answer
    streams: bool
    body: dict[str, Any]

    @property
    def input_tokens(self) -> int:
        return max(1, self.question.prompt_chars // 4)

    @property
    def reasoning_tokens(self) -> int:
        return tokens(self.answer.reasoning) if self.answer.reasoning else 0

    @property
    def output_tokens(self) -> int:
        said = tokens(self.answer.text) if self.answer.text else 0
        return said + sum(tokens(arguments) for _, arguments in self.answer.calls) + 1


# One write to the network, and whether it is part of what is said (and so paced).
Piece = tuple[bytes, bool]


class Wire(Protocol):
    """One vendor's chat endpoint."""

    headers: dict[str, str]

    def understand(self, request: Request, state: State) -> Turn | Reply:
        """The turn, or the vendor's refusal of a wrong request."""
        ...

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        """The stream, an event at a time."""
        ...

    def whole(self, turn: Turn, state: State) -> dict[str, Any]:
        """The same answer, not streamed."""
        ...

    def error(self, status: int, retry_after_s: float | None = None) -> Reply:
        """The vendor's body and headers for a status."""
        ...

    def stream_error(self) -> bytes:
        """An error event in mid-stream."""
        ...


def text_of(content: Any) -> str:
    """The text in a message's content, be it a string or parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(
        part["text"]
        for part in content
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )
