"""What the four wires have in common: a turn to render, and the form they render in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from providers.emulator.answers import Answer, Question, Word
from providers.emulator.http11 import Reply, Request
from providers.emulator.state import State, tokens

# Below this no vendor's cache works, and what is cached is a multiple of the step.
_CACHE_MIN_TOKENS = 1024
_CACHE_STEP_TOKENS = 128


@dataclass(slots=True)
class Turn:
    """A request that was understood, and what will be said.

    `cached_tokens`: of the input, what an earlier request began with too; as the vendors
    count it, so none of a short prompt. `is_list`: the chunks of a stream as one array.
    """

    model: str
    question: Question
    answer: Answer
    streams: bool
    body: dict[str, Any]
    input_tokens: int = 1
    cached_tokens: int = 0
    is_list: bool = False

    @property
    def reasoning_tokens(self) -> int:
        thought = self.answer.said("reasoning")
        return tokens(thought) if thought else 0

    @property
    def output_tokens(self) -> int:
        """Without the reasoning."""
        said = [block.text for block in self.answer.blocks if block.kind != "reasoning"]
        return sum(map(tokens, said)) + 1


def turn_of(
    model: str,
    question: Question,
    body: dict[str, Any],
    prompt: Iterable[Any],
    state: State,
    *,
    streams: bool,
) -> Turn:
    """The turn with its answer; `prompt` is what the model reads, in its order."""
    counted, known = state.prompt_chars(model, prompt)
    cached = known // 4 // _CACHE_STEP_TOKENS * _CACHE_STEP_TOKENS
    return Turn(
        model=model,
        question=question,
        answer=state.answer(question),
        streams=streams,
        body=body,
        input_tokens=max(1, counted // 4),
        cached_tokens=cached if cached >= _CACHE_MIN_TOKENS else 0,
    )


def counted(prompt: Iterable[Any]) -> int:
    """Tokens of what a model would read: the same number that its usage would say."""
    return max(1, sum(len(json.dumps(item)) for item in prompt) // 4)


class Piece(NamedTuple):
    """One write to the network. `is_said`: a delta, so it is paced; then `sleep_s`."""

    data: bytes = b""
    is_said: bool = False
    sleep_s: float = 0.0


def spoken(words: Iterable[Word], render: Callable[[str], bytes]) -> Iterator[Piece]:
    """The words of a block as deltas, with its silences."""
    for word in words:
        if isinstance(word, str):
            yield Piece(render(word), is_said=True)
        else:
            yield Piece(sleep_s=word)


class Errors(Protocol):
    """One vendor's way to refuse."""

    def error(
        self,
        status: int,
        *,
        retry_after_s: float | None = None,
        code: str = "",
        message: str = "",
    ) -> Reply:
        """The vendor's body and headers for a status; `code` is its word for the cause."""
        ...


class Wire(Errors, Protocol):
    """One vendor's chat endpoint."""

    headers: dict[str, str]

    def understand(self, request: Request, state: State) -> Turn | Reply:
        """The turn, or the vendor's refusal of a wrong request."""
        ...

    def pieces(self, turn: Turn, state: State) -> Iterator[Piece]:
        """The stream, an event at a time."""
        ...

    def whole(self, turn: Turn, state: State) -> Any:
        """The same answer, not streamed."""
        ...

    def stream_error(self, message: str = "") -> bytes:
        """An error event in mid-stream."""
        ...


class Wrong(Exception):
    """The vendor refuses the request as invalid: its message, and what it is about."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


def require(claim: bool, message: str, **about: Any) -> None:
    """Raise Wrong unless the claim holds."""
    if not claim:
        raise Wrong(message, **about)


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


def as_text(data: Any) -> str:
    """Compact JSON, as it goes over the wire."""
    return json.dumps(data, ensure_ascii=False)
