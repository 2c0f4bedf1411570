"""A conversation's context at one moment: what the next request would be, and why.

Called by all the rest of this room and by doors. Nothing is changed here.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from context_app.assembly import Composed, Piece
from context_app.models import ContextChunk
from context_app.services import context, requests
from context_app.services.context import Gathered
from providers import provider as interface
from sessions_app import frames
from sessions_app.errors import NotFound
from sessions_app.models import Conversation, SavedAuthentication
from sessions_app.person import Person
from sessions_app.runs import offered
from sessions_app.runs.context.shapes import gauge_view, piece_view, waiting_view
from sessions_app.services.branches import said_until
from sessions_app.services.credentials import credential_for, default_credential

MAX_LISTED = 500  # parts of the transcript; older ones are counted


class Asker(NamedTuple):
    """With whom and how the next answer would be asked for; None: as the conversation
    says, or the model by itself."""

    credential_id: UUID | None = None
    model: str | None = None
    tools: bool = False
    reasoning_effort: str | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The question that is being typed, as a stored message."""

    pk: UUID
    depth: int
    parts: list[dict[str, Any]]
    role: str = "user"
    origin: None = None


class Look(NamedTuple):
    """A conversation's context at one moment."""

    conversation: Conversation
    credential: SavedAuthentication | None
    model: str
    gathered: Gathered
    composed: Composed
    ages: dict[UUID, str]
    choices: dict[UUID, ContextChunk]  # by the piece they are about


def look(
    user: Person, conversation_id: UUID, asker: Asker | None = None, draft: str = ""
) -> Look:
    """What the next request would be. Raises NotFound."""
    rows = Conversation.objects.visible_to(user).select_related("leaf", "credential")
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no such conversation.")
    return _look(user, conversation, asker or Asker(), draft)


def _look(
    user: Person, conversation: Conversation, asker: Asker, draft: str = ""
) -> Look:
    credential, model = _answers(user, conversation, asker)
    branch: list[Any] = said_until(conversation.leaf) if conversation.leaf else []
    ages = {row.pk: row.created_at.isoformat() for row in branch}
    parts = [{"type": "text", "text": draft}] if draft else []
    branch.append(Draft(pk=conversation.pk, depth=len(branch), parts=parts))
    gathered = context.gather(conversation, credential)
    composed = context.next_request(
        conversation,
        branch,
        provider=credential.provider if credential else "",
        model=model,
        tools=offered.specs() if asker.tools else (),
        gathered=gathered,
    )
    if not draft:  # nothing is typed yet: it has no place in the list
        composed.pieces.pop()
    choices = {row.shadows: row for row in gathered.rows.values() if row.shadows}
    return Look(conversation, credential, model, gathered, composed, ages, choices)


def frame_of(found: Look, *, limit: int = MAX_LISTED) -> frames.ContextFrame:
    """The whole, for a page that opens its panel."""
    listed, older = _listed(found.composed.pieces, limit)
    return frames.ContextFrame(
        conversation_id=found.conversation.pk,
        chunks=[*_unready(found), *(view_of(found, piece) for piece in listed)],
        gauge=_gauge(found),
        is_whole=True,
        older=len(older),
        older_tokens=sum(piece.tokens for piece in older if piece.is_sent),
    )


def piece_of(found: Look, chunk_id: UUID) -> Piece | None:
    """What is shown under this id."""
    for piece in found.composed.pieces:
        if piece.id == chunk_id:
            return piece
    return None


def _answers(
    user: Person, conversation: Conversation, asker: Asker
) -> tuple[SavedAuthentication | None, str]:
    credential: SavedAuthentication | None
    if asker.credential_id is not None:
        credential = credential_for(user=user, credential_id=asker.credential_id)
    else:
        mine = SavedAuthentication.objects.visible_to(user)
        kept = conversation.credential_id
        credential = mine.filter(pk=kept).first() if kept else None
        credential = credential or default_credential(user=user)
    if asker.model:
        return credential, asker.model
    if credential is not None and conversation.credential_id == credential.pk:
        return credential, conversation.model
    known = interface.list_providers()
    if credential is None or credential.provider not in known:
        return credential, ""
    facts = interface.provider_capabilities(credential.provider)
    return credential, str(facts["default_model"] or "")


def view_of(found: Look, piece: Piece) -> frames.ChunkView:
    """A piece as the page lists it."""
    row = found.gathered.rows.get(piece.id)
    return piece_view(piece, row, found.choices.get(piece.id), found.ages)


def _unready(found: Look) -> list[frames.ChunkView]:
    """Summaries that are being written, or could not be."""
    waiting = [
        row
        for row in found.gathered.rows.values()
        if row.state != ContextChunk.State.READY and row.shadows is None
    ]
    return [waiting_view(row) for row in waiting]


def _gauge(found: Look) -> frames.GaugeView:
    last = requests.last_of_conversation(found.conversation.pk)
    removed = sum(choice.is_removed for choice in found.gathered.choices.values())
    return gauge_view(
        found.composed,
        provider=found.credential.provider if found.credential else "",
        model=found.model,
        removed=removed,
        last=last.input_tokens if last else None,
    )


def _listed(pieces: list[Piece], limit: int) -> tuple[list[Piece], list[Piece]]:
    """(listed, older): all chunks, and the newest parts of the transcript."""
    own = [piece for piece in pieces if piece.message_id is None]
    said = [piece for piece in pieces if piece.message_id is not None]
    cut = max(len(said) - limit, 0)
    return [*own, *said[cut:]], said[:cut]
