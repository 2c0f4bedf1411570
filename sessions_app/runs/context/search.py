"""Words in the context of one conversation: also in what is older, and in what is not sent.

Called by the panel's door and by the tool of the model. The index says where; what a piece
says now (edited, attached, on this branch) is the composed request's word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from context_app.assembly import Piece
from context_app.full_text import words
from context_app.full_text.words import Snippet
from context_app.services import search
from sessions_app.person import Person
from sessions_app.runs.context.look import Asker, Look, look, view_of

MAX_HITS = 100


class PieceHit(NamedTuple):
    """A part of the context in which the words stand."""

    piece: Piece
    snippet: Snippet


def find(found: Look, query: str, limit: int = MAX_HITS) -> list[PieceHit]:
    """The best first."""
    asked = words.parse(query)
    places = search.in_conversation(
        conversation_id=found.conversation.pk,
        query=query,
        attached=list(_attached(found)),
        limit=2 * MAX_HITS,
    )
    by_row = _by_row(found)
    hits: dict[UUID, PieceHit] = {}
    for place in places:
        for piece in by_row.get(place.id, ()):
            if piece.id not in hits and words.has_all(piece.text, asked):
                hits[piece.id] = PieceHit(piece, words.snippet(piece.text, asked))
    return list(hits.values())[:limit]


def panel_hits(
    user: Person, conversation_id: UUID, asker: Asker, query: str
) -> dict[str, Any]:
    """For the panel: the parts as it lists them, each with where the words stand."""
    found = look(user, conversation_id, asker)
    return {
        "hits": [
            {
                "chunk": view_of(found, hit.piece),
                "text": hit.snippet.text,
                "marks": hit.snippet.marks,
            }
            for hit in find(found, query)
        ]
    }


def _attached(found: Look) -> Iterable[UUID]:
    """Texts that are in this conversation and are not rows of it."""
    for row in found.gathered.rows.values():
        if row.reference_id:
            yield row.reference_id
        elif row.conversation_id is None:
            yield row.pk


def _by_row(found: Look) -> dict[UUID, list[Piece]]:
    """The parts that a row of the index may be about."""
    rows: dict[UUID, list[Piece]] = {}
    for piece in found.composed.pieces:
        row = found.gathered.rows.get(piece.id)
        choice = found.choices.get(piece.id)
        about = (
            piece.message_id or piece.id,
            row.reference_id if row else None,
            choice.pk if choice else None,
        )
        for key in about:
            if key is not None:
                rows.setdefault(key, []).append(piece)
    return rows
