"""The context of a conversation as people change it, live in every tab.

Called by doors. Every change is stored, then composed anew, and what became different is
rung to everybody who has the conversation open. `context_app` knows what a chunk is and
what is sent; whose conversation it is, is checked here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from context_app import documents
from context_app.models import ContextChunk
from context_app.services import chunks, library
from sessions_app import frames
from sessions_app.errors import Invalid, NotFound, TooLarge
from sessions_app.models import SavedAuthentication, Verb
from sessions_app.person import Person
from sessions_app.runs import notices
from sessions_app.runs.context import summaries
from sessions_app.runs.context.look import Look, frame_of, look, piece_of, view_of
from sessions_app.services import sharing
from sessions_app.services.conversations import conversation_for


def change(
    user: Person, conversation_id: UUID, act: Callable[[Look], Any]
) -> frames.ContextFrame:
    """Do something to the context, tell every page, and return what became different.

    Raises NotFound, NotAllowed, and what `act` raises; then nothing is stored.
    """
    before = look(user, conversation_id)
    sharing.check(user, Verb.TAKE_PART, before.conversation)
    act(before)
    after = look(user, conversation_id)
    frame = _difference(before, after)
    if before.conversation.is_shared:
        # Others see it with a credential of their own, and what is attached to that.
        notices.context_changed(conversation_id)
    else:
        notices.context_frame(conversation_id, frame)
    return frame


def add_text(user: Person, conversation_id: UUID, **fields: Any) -> frames.ContextFrame:
    """See `chunks.add`."""
    return change(
        user, conversation_id, lambda found: chunks.add(found.conversation, **fields)
    )


def add_file(
    user: Person, conversation_id: UUID, sent: UploadedFile[Any] | None
) -> frames.ContextFrame:
    """The text of a document as a chunk. Raises NotFound, NotAllowed,
    Invalid, TooLarge, Conflict.

    Nothing is opened for who may not add it.
    """
    found = conversation_for(user=user, conversation_id=conversation_id)
    sharing.check(user, Verb.TAKE_PART, found)
    if sent is None:
        raise Invalid("Send one file, as `file` of a form.", field="file")
    limit = settings.MAESTRO_MAX_FILE_BYTES
    if (sent.size or 0) > limit:
        raise TooLarge(f"A file has at most {limit / 1_000_000:g} MB.", field="file")
    name, content = sent.name or "", sent.read()
    read = documents.read(name, content)
    return add_text(
        user,
        conversation_id,
        kind=ContextChunk.Kind.FILE,
        text=read.text,
        title=read.name,
        source=read.source,
        media_type=read.media_type,
        size=read.size,
    )


def attach(
    user: Person, conversation_id: UUID, entry_id: UUID, version: int | None = None
) -> frames.ContextFrame:
    """A library's text into this conversation. Raises NotFound, Invalid."""
    entry = library.entry_for(user, entry_id)
    return change(
        user,
        conversation_id,
        lambda found: chunks.attach(found.conversation, entry, version),
    )


def change_chunk(
    user: Person, conversation_id: UUID, chunk_id: UUID, **fields: Any
) -> frames.ContextFrame:
    """See `chunks.change`."""
    mine = SavedAuthentication.objects.visible_to(user)

    def act(found: Look) -> None:
        piece = piece_of(found, chunk_id)
        chunks.change(found.conversation, chunk_id, piece, credentials=mine, **fields)

    return change(user, conversation_id, act)


def delete_chunk(
    user: Person, conversation_id: UUID, chunk_id: UUID
) -> frames.ContextFrame:
    """See `chunks.delete`."""

    def act(found: Look) -> None:
        chunks.delete(found.conversation, chunk_id, piece_of(found, chunk_id))
        summaries.stop(chunk_id)

    return change(user, conversation_id, act)


def bring_back(user: Person, conversation_id: UUID) -> frames.ContextFrame:
    """Undo the deletions of what is not the person's own text."""
    return change(
        user, conversation_id, lambda found: chunks.bring_back(found.conversation)
    )


def text_of(user: Person, conversation_id: UUID, chunk_id: UUID) -> dict[str, Any]:
    """A chunk with all of its text. Raises NotFound."""
    found = look(user, conversation_id)
    piece = piece_of(found, chunk_id)
    if piece is None:
        raise NotFound("There is no such chunk.")
    return {"chunk": view_of(found, piece), "text": piece.text}


def _difference(before: Look, after: Look) -> frames.ContextFrame:
    old = {view.id: view for view in frame_of(before).chunks}
    frame = frame_of(after)
    kept = {view.id for view in frame.chunks}
    return msgspec.structs.replace(
        frame,
        chunks=[view for view in frame.chunks if old.get(view.id) != view],
        removed=[key for key in old if key not in kept],
        is_whole=False,
    )
