"""What a tool may do with the context of the conversation it was called in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from context_app.models import ContextChunk, ToolIntent
from context_app.services import chunks
from context_app.tools.base import ToolError
from sessions_app.errors import ServiceError
from sessions_app.models import Run
from sessions_app.runs.context import changes
from sessions_app.runs.context import search as context_search
from sessions_app.runs.context.look import look, piece_of
from sessions_app.runs.turns import in_database


class RunContext:
    """The context of one run's conversation, on behalf of one allowed call."""

    def __init__(self, run: Run, intent: ToolIntent) -> None:
        self._run = run
        self._intent = intent

    def search(self, words: str, limit: int) -> list[dict[str, Any]]:
        """Parts that have all the words, the best first."""
        return in_database(self._search, words, limit)

    def add(self, title: str, text: str) -> str:
        """A new chunk that knows which call made it."""
        return str(in_database(self._add, title, text))

    def remove(self, chunk_id: str) -> str:
        """Taken out as a person would; its title."""
        return in_database(self._remove, chunk_id)

    def _search(self, words: str, limit: int) -> list[dict[str, Any]]:
        found = look(self._person(), self._run.conversation_id)
        return [
            {
                "id": str(hit.piece.id),
                "kind": hit.piece.kind,
                "title": hit.piece.title,
                "is_sent": hit.piece.is_sent,
                "text": hit.snippet.text,
            }
            for hit in context_search.find(found, words, limit)
        ]

    def _add(self, title: str, text: str) -> UUID:
        made: list[ContextChunk] = []

        def act(found: Any) -> None:
            made.append(
                chunks.add(
                    found.conversation,
                    kind=ContextChunk.Kind.TEXT,
                    title=title[: chunks.MAX_TITLE],
                    text=text,
                    source=f"Tool call of {self._run.model}",
                    created_by=ContextChunk.CreatedBy.TOOL,
                    intent=self._intent,
                )
            )

        self._change(act)
        return made[0].pk

    def _remove(self, chunk_id: str) -> str:
        try:
            key = UUID(chunk_id)
        except ValueError:
            raise ToolError("That is no id of a chunk. Search for it first.") from None
        titles: list[str] = []

        def act(found: Any) -> None:
            piece = piece_of(found, key)
            chunks.delete(found.conversation, key, piece)
            titles.append(piece.title if piece else "")

        self._change(act)
        return titles[0]

    def _change(self, act: Any) -> None:
        try:
            changes.change(self._person(), self._run.conversation_id, act)
        except ServiceError as exc:
            raise ToolError(exc.message) from None

    def _person(self) -> Any:
        if self._run.started_by is None:
            raise ToolError("The person who asked is gone.")
        return self._run.started_by
