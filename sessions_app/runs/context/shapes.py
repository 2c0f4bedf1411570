"""Chunks and the gauge as the page sees them (`frames/views.py`)."""

from __future__ import annotations

from uuid import UUID

from context_app.assembly import Composed, Piece
from context_app.assembly.compose import FULL
from context_app.models import ContextChunk
from sessions_app.frames.views import ChunkView, GaugeView

PREVIEW = 300  # characters


def piece_view(
    piece: Piece,
    row: ContextChunk | None,
    choice: ContextChunk | None,
    ages: dict[UUID, str],
) -> ChunkView:
    """A piece with the row behind it, and the row that is a choice about it."""
    decided = choice or row
    version = decided.version if decided else None
    created = row.created_at.isoformat() if row else None
    if created is None and piece.message_id is not None:
        created = ages.get(piece.message_id)
    return ChunkView(
        id=piece.id,
        kind=piece.kind,
        title=piece.title,
        preview=piece.text[:PREVIEW],
        length=len(piece.text),
        source=piece.source,
        tokens=piece.tokens,
        is_sent=piece.is_sent,
        why=piece.why,
        pinned=piece.is_pinned,
        excluded=piece.is_excluded,
        edited=piece.is_edited or bool(choice and choice.is_edited),
        position=piece.position,
        scope=row.applies_to if row else "transcript",
        message_id=piece.message_id,
        depth=piece.depth,
        created_by=row.created_by if row else "",
        created_at=created,
        library_id=row.reference_id if row else None,
        intent_id=row.intent_id if row else None,
        version=version,
    )


def gauge_view(
    composed: Composed, *, provider: str, model: str, removed: int, last: int | None
) -> GaugeView:
    """How full the window is."""
    by_kind: dict[str, int] = {}
    for piece in composed.pieces:
        if piece.is_sent:
            by_kind[piece.kind] = by_kind.get(piece.kind, 0) + piece.tokens
    return GaugeView(
        provider=provider,
        model=model,
        window=composed.budget.window,
        used=composed.tokens,
        tools=composed.budget.tools,
        reserve=composed.budget.reserve,
        by_kind=by_kind,
        left_out=sum(piece.why == FULL for piece in composed.pieces),
        removed=removed,
        last=last,
        says=composed.sizer.says,
    )


def waiting_view(row: ContextChunk) -> ChunkView:
    """A row that is no part of a request yet: it is being written, or could not be."""
    is_failed = row.state == ContextChunk.State.FAILED
    return ChunkView(
        id=row.pk,
        kind=row.kind,
        title=row.title,
        preview=row.text[:PREVIEW],
        length=len(row.text),
        source=row.source,
        tokens=0,
        is_sent=False,
        why=row.cause if is_failed else "It is being written.",
        position=row.position,
        scope=row.applies_to,
        state=row.state,
        cause=row.cause,
        created_by=row.created_by,
        created_at=row.created_at.isoformat(),
        version=row.version,
    )
