"""The stored branch of a conversation, piece by piece, with what a person chose for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from context_app.assembly.items import Choice, Kind, Piece, Summary, piece_id
from context_app.assembly.messages import messages_of, paired, parsed
from context_app.assembly.sizes import PER_MESSAGE, Sizer, chars_of
from providers.types import (
    Message,
    Part,
    ReasoningPart,
    RefusalPart,
    SteerPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

PART_OF = "Part of this conversation."
_NONE = Choice()


class Branched(Protocol):
    """A stored message of a branch; a row of the database is one."""

    @property
    def pk(self) -> UUID: ...
    @property
    def depth(self) -> int: ...
    @property
    def role(self) -> str: ...
    @property
    def parts(self) -> Any: ...
    @property
    def origin(self) -> Any: ...


class _Turn(msgspec.Struct):
    """One stored message with its pieces: itself first, then its tool results."""

    row: Branched
    message: Message
    pieces: list[Piece]
    choice: Choice


class History:
    """The branch, piece by piece."""

    def __init__(
        self,
        branch: Sequence[Branched],
        choices: Mapping[UUID, Choice],
        summary: Summary | None,
        sizer: Sizer,
    ) -> None:
        self._choices = choices
        self._sizer = sizer
        covered = summary.depth if summary and not summary.item.is_excluded else -1
        title = summary.item.title if summary else ""
        asked = max(
            (i for i, row in enumerate(branch) if row.role == "user"), default=0
        )
        self._turns: list[_Turn] = []
        self._fixed = 0  # turns from here on are the present question and its answer
        for at, row in enumerate(branch):
            if at == asked:
                self._fixed = len(self._turns)
            turn = self._turn(row)
            if row.depth <= covered and at < asked and not turn.choice.is_pinned:
                _leave_out(turn, f"In the summary “{title}”.")
            self._turns.append(turn)

    @property
    def pieces(self) -> list[Piece]:
        """What is listed: all but what was removed."""
        return [
            piece
            for turn in self._turns
            for piece in turn.pieces
            if not self._choices.get(piece.id, _NONE).is_removed
        ]

    def droppable(self) -> Iterable[list[Piece]]:
        """What may be left out for want of room, oldest first: a message with its tool
        results at a time."""
        for turn in self._turns[: self._fixed]:
            group = [piece for piece in turn.pieces if piece.is_sent]
            if group and not any(piece.is_pinned for piece in group):
                yield group

    def messages(self) -> list[Message]:
        """What a vendor is sent of it."""
        found: list[Message] = []
        for turn in self._turns:
            message = _chosen(turn)
            if message is not None:
                found += messages_of(message)
        return [message for message in paired(found) if message.parts]

    def _turn(self, row: Branched) -> _Turn:
        choice = self._choices.get(row.pk, _NONE)
        message = _edited(parsed(row), choice)
        own: list[Part] = []
        results: list[Piece] = []
        for part in message.parts:
            if isinstance(part, ToolResultPart) and message.role == "assistant":
                results.append(self._result(row, len(results), part))
            else:
                own.append(part)
        piece = self._piece(
            row.pk,
            Kind.MESSAGE,
            _title(row.role),
            _text(own),
            self._sizer.tokens(chars_of(own)) + PER_MESSAGE,
            row,
        )
        piece.is_edited = choice.text is not None
        if not piece.is_sent:
            for result in results:
                result.is_sent, result.why = False, "Its call is left out."
        return _Turn(row=row, message=message, pieces=[piece, *results], choice=choice)

    def _result(self, row: Branched, at: int, part: ToolResultPart) -> Piece:
        return self._piece(
            piece_id(row.pk, at),
            Kind.TOOL_RESULT,
            f"Result of {part.name}",
            part.text,
            self._sizer.tokens(len(part.text)) + PER_MESSAGE,
            row,
        )

    def _piece(
        self, key: UUID, kind: str, title: str, text: str, tokens: int, row: Branched
    ) -> Piece:
        choice = self._choices.get(key, _NONE)
        is_out = choice.is_excluded or choice.is_removed
        why = "Excluded by you." if is_out else PART_OF
        if tokens <= PER_MESSAGE:
            is_out, why = True, "It says nothing."
        return Piece(
            id=key,
            kind=kind,
            title=title,
            text=text,
            source=title,
            tokens=tokens,
            is_sent=not is_out,
            why=why,
            is_pinned=choice.is_pinned,
            is_excluded=choice.is_excluded,
            message_id=row.pk,
            depth=row.depth,
        )


def _leave_out(turn: _Turn, why: str) -> None:
    for piece in turn.pieces:
        if piece.is_sent and not piece.is_pinned:
            piece.is_sent, piece.why = False, why


def _edited(message: Message, choice: Choice) -> Message:
    """The person's words instead of what was said; calls and results stay."""
    if choice.text is None:
        return message
    kept = [p for p in message.parts if not isinstance(p, TextPart)]
    parts: list[Part] = [TextPart(text=choice.text), *kept]
    return Message(role=message.role, parts=parts, origin=None)


def _chosen(turn: _Turn) -> Message | None:
    """The message without what is left out of it; None without anything."""
    own, *results = turn.pieces
    if not own.is_sent and not any(piece.is_sent for piece in results):
        return None
    at = iter(results)
    parts: list[Part] = []
    for part in turn.message.parts:
        if isinstance(part, ToolResultPart) and turn.message.role == "assistant":
            if next(at).is_sent and own.is_sent:
                parts.append(part)
        elif own.is_sent:
            parts.append(part)
    return msgspec.structs.replace(turn.message, parts=parts)


def _title(role: str) -> str:
    return "Your message" if role == "user" else "Answer"


def _text(parts: Iterable[Part]) -> str:
    """What a person reads of it."""
    found = []
    for part in parts:
        match part:
            case TextPart() | RefusalPart() | SteerPart():
                found.append(part.text)
            case ReasoningPart() if part.text:
                found.append(f"[Thinking] {part.text}")
            case ToolCallPart():
                found.append(f"[Calls {part.name}]")
    return "\n".join(found)
