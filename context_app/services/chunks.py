"""Changes of a conversation's context: add, edit, pin, exclude, move, delete, bring back.

A change never touches the transcript. What is about a message or a tool result is kept as
a choice beside it; what came from a library, a credential or a team is changed for this
conversation only. Called by `sessions_app.runs.context`, which has checked whose
conversation it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Length

from context_app.assembly import Kind, Sizer
from context_app.models import ContextChunk, ToolIntent
from context_app.services import order
from context_app.services.order import Place
from sessions_app.errors import Conflict, Invalid, NotFound, TooLarge
from sessions_app.models import Conversation, SavedAuthentication

MAX_TEXT = 1_000_000  # characters of one chunk
MAX_TITLE = 200
MAX_CHUNKS = 10_000  # of one conversation
MAX_ALL = 50_000_000  # characters of one conversation's chunks

CreatedBy = ContextChunk.CreatedBy

_ADDED = (Kind.SYSTEM, Kind.PERSONA, Kind.TEXT, Kind.FILE)


@transaction.atomic
def add(
    conversation: Conversation,
    *,
    kind: str,
    text: str,
    title: str = "",
    source: str = "",
    media_type: str = "",
    size: int = 0,
    created_by: str = CreatedBy.PERSON,
    intent: ToolIntent | None = None,
) -> ContextChunk:
    """A new chunk at the end. Raises Invalid, TooLarge."""
    if kind not in _ADDED:
        raise Invalid(f"A chunk is one of {', '.join(_ADDED)}.", field="kind")
    text = checked_text(text)
    _hold(conversation)
    _check_room(conversation, len(text))
    return ContextChunk.objects.create(
        conversation=conversation,
        owner=conversation.owner,
        kind=kind,
        title=checked_title(title) or _title_from(text),
        text=text,
        source=source[:300],
        media_type=media_type[:120],
        size=size,
        position=order.last(conversation),
        tokens=Sizer().tokens(len(text)),
        created_by=created_by,
        intent=intent,
    )


@transaction.atomic
def attach(
    conversation: Conversation, entry: ContextChunk, version: int | None
) -> ContextChunk:
    """A library's text, at a version or always the newest. Raises Invalid."""
    if version is not None and not entry.versions.filter(number=version).exists():
        raise Invalid(f"“{entry.title}” has no version {version}.", field="version")
    _hold(conversation)
    return ContextChunk.objects.create(
        conversation=conversation,
        owner=conversation.owner,
        kind=entry.kind,
        source=f"Library: {entry.title}"[:300],
        reference=entry,
        reference_version=version,
        position=order.last(conversation),
        tokens=entry.tokens,
    )


def change(
    conversation: Conversation,
    key: UUID,
    piece: Any,
    *,
    version: int | None = None,
    place: Place | None = None,
    credentials: Iterable[SavedAuthentication] = (),
    **fields: Any,
) -> ContextChunk:
    """Set pinned, excluded, removed, title, text or the place of a piece.

    `piece` is what assembly shows under this id, or None; `version` the one the person
    saw; `credentials` as in `order.put`. Raises NotFound, Invalid, Conflict.
    """
    checked = _checked(fields)
    with transaction.atomic():
        _hold(conversation)
        row = _row(conversation, key, piece, checked)
        if version is not None and row.version != version:
            raise Conflict(
                "Somebody changed this chunk meanwhile. Look at it again, then change it.",
                field="version",
            )
        if "text" in checked:
            row.is_edited = True
            row.tokens = Sizer().tokens(len(checked["text"]))
            if row.reference_id:  # no longer the library's words
                row.reference, row.reference_version = None, None
        for name, value in checked.items():
            setattr(row, name, value)
        if place is not None:
            if piece is not None and piece.message_id:
                raise Invalid("A message stays where it was said.", field="after")
            order.put(conversation, row, place, credentials)
        row.version += 1
        row.save()
    return row


def delete(conversation: Conversation, key: UUID, piece: Any) -> None:
    """Take it out of the context; a message stays in the transcript. Raises NotFound."""
    own = ContextChunk.objects.filter(conversation=conversation, pk=key, shadows=None)
    if own.exists():
        own.delete()
        choices = ContextChunk.objects.filter(conversation=conversation, shadows=key)
        choices.delete()
        return
    change(conversation, key, piece, removed=True)


def bring_back(conversation: Conversation) -> int:
    """Undo every deletion of messages and attachments. How many came back."""
    rows = ContextChunk.objects.filter(conversation=conversation, removed=True)
    return rows.update(removed=False, excluded=False, version=F("version") + 1)


def checked_text(text: str) -> str:
    """Text as it is stored. Raises Invalid, TooLarge."""
    text = text.replace("\x00", "")
    if not text.strip():
        raise Invalid("There is no text in it.", field="text")
    if len(text) > MAX_TEXT:
        raise TooLarge(
            f"The text is too long: {len(text):,} characters, and at most {MAX_TEXT:,} "
            "are possible. Add it in parts.",
            field="text",
        )
    return text


def checked_title(title: str) -> str:
    """One line. Raises Invalid."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    if len(plain) > MAX_TITLE:
        raise Invalid(f"A title has at most {MAX_TITLE} characters.", field="title")
    return plain


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in fields.items() if value is not None}
    if "text" in found:
        found["text"] = checked_text(found["text"])
    if "title" in found:
        found["title"] = checked_title(found["title"])
    return found


def _row(
    conversation: Conversation, key: UUID, piece: Any, fields: dict[str, Any]
) -> ContextChunk:
    """The row to change, locked: the chunk itself, or the choice about a piece."""
    mine = ContextChunk.objects.select_for_update().filter(conversation=conversation)
    row = mine.filter(pk=key, shadows=None).first()
    if row is not None:
        return row
    row = mine.filter(shadows=key).first()
    if row is None:
        row = _new_choice(conversation, key, piece)
    if "title" in fields and piece is not None and piece.message_id:
        raise Invalid("A message has no title of its own.", field="title")
    if "text" in fields and row.kind == Kind.TOOL_RESULT:
        raise Invalid(
            "What a tool gave back cannot be rewritten. Exclude it instead.",
            field="text",
        )
    return row


def _new_choice(conversation: Conversation, key: UUID, piece: Any) -> ContextChunk:
    if piece is None:
        raise NotFound("There is no such chunk.")
    row = ContextChunk(
        conversation=conversation,
        owner=conversation.owner,
        kind=piece.kind,
        shadows=key,
        pinned=piece.is_pinned,
        excluded=piece.is_excluded,
        version=0,
    )
    row.save(force_insert=True)
    return row


def _hold(conversation: Conversation) -> None:
    """One change of a conversation's chunks at a time, until the transaction ends: their
    order is one of all of them."""
    rows = Conversation.objects.select_for_update(no_key=True)
    rows.values_list("pk").get(pk=conversation.pk)


def _check_room(conversation: Conversation, chars: int) -> None:
    rows = ContextChunk.objects.filter(conversation=conversation)
    found = rows.aggregate(
        count=Count("pk", filter=Q(shadows=None)), chars=Sum(Length("text"))
    )
    if found["count"] >= MAX_CHUNKS:
        raise Invalid(f"A conversation has at most {MAX_CHUNKS:,} chunks. Delete some.")
    if (found["chars"] or 0) + chars > MAX_ALL:
        raise TooLarge("The chunks of this conversation are too large together.")


def _title_from(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else words[:59].rstrip() + "…"
