"""Search of messages, titles and chunks: the one question, and who may ask it for what.

Called by doors, by the list of conversations, by the context panel and by the tool of the
model. What a person may not see is left out before anything is matched or ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from context_app.full_text import ask, words
from context_app.full_text.ask import Found
from context_app.full_text.words import Snippet, Word
from context_app.models import ContextChunk
from sessions_app.models import Conversation, Message
from sessions_app.person import Person

MAX_HITS = 200
_BEST_OF = 500  # hits that are looked through for the best of each conversation


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `kind`: message, title or chunk; `id` of that; of other words for
    a part of the context, that part's, as the panel lists it. `title` of the
    conversation or of the chunk itself; `snippet`: the words and what is around them."""

    kind: str
    id: UUID
    conversation_id: UUID | None
    title: str
    snippet: Snippet


def search(*, user: Person, query: str, limit: int = 50) -> list[Hit]:
    """The best places where all the words stand, in all that this person may see."""
    asked = words.parse(query)
    chunks = ContextChunk.objects.visible_to(user).filter(conversation=None)
    found = ask.hits(
        asked, conversations=_mine(user), chunks=chunks, limit=min(limit, MAX_HITS)
    )
    return _shown(found, asked)


def in_conversation(
    *, conversation_id: UUID, query: str, attached: Sequence[UUID] = (), limit: int = 50
) -> list[Found]:
    """Where in one conversation, and in the texts that are attached to it.

    Whose conversation it is was checked by who calls.
    """
    return ask.hits(
        words.parse(query),
        conversations=Conversation.objects.filter(pk=conversation_id),
        chunks=ContextChunk.objects.filter(pk__in=attached),
        limit=limit,
    )


def entries(*, user: Person, query: str) -> dict[UUID, Snippet]:
    """Entries of the library that this person may attach, the best first."""
    asked = words.parse(query)
    rows = ContextChunk.objects.visible_to(user).library()
    found = ask.hits(
        asked, conversations=Conversation.objects.none(), chunks=rows, limit=MAX_HITS
    )
    return {hit.id: hit.snippet for hit in _shown(found, asked)}


def conversations(*, user: Person, query: str) -> QuerySet[Conversation]:
    """The person's conversations in which every word stands somewhere."""
    rows = _mine(user)
    for word in words.parse(query):
        rows = rows.filter(pk__in=ask.conversations_with(word, _mine(user)))
    return rows


def best_of(*, user: Person, query: str, among: Sequence[UUID]) -> dict[UUID, Hit]:
    """By conversation: the place where most of the words stand."""
    asked = words.parse(query)
    found = ask.hits(
        asked,
        conversations=_mine(user).filter(pk__in=among),
        any_word=True,
        limit=_BEST_OF,
    )
    best: dict[UUID | None, Found] = {}
    for one in found:
        if one.kind != "title":
            best.setdefault(one.conversation_id, one)
    hits = _shown(list(best.values()), asked)
    return {hit.conversation_id: hit for hit in hits if hit.conversation_id}


def _mine(user: Person) -> QuerySet[Conversation]:
    return Conversation.objects.visible_to(user)


def _shown(found: Sequence[Found], asked: Sequence[Word]) -> list[Hit]:
    """With the texts, read for those that are shown."""
    ids: dict[str, list[UUID]] = {"message": [], "title": [], "chunk": []}
    for one in found:
        ids[one.kind].append(one.id)
    chunks = ContextChunk.objects.in_bulk(ids["chunk"])
    messages = Message.objects.in_bulk(ids["message"])
    titles = dict(
        Conversation.objects.filter(
            pk__in={one.conversation_id for one in found if one.conversation_id}
        ).values_list("pk", "title")
    )
    hits = []
    for one in found:
        key = one.id
        title = titles.get(one.conversation_id, "") if one.conversation_id else ""
        text: str | None = title
        if one.kind == "message":
            text = _said(messages.get(one.id), asked)
        elif one.kind == "chunk":
            chunk = chunks.get(one.id)
            text = chunk.text if chunk else None
            title = chunk.title if chunk else ""
            key = (chunk.shadows if chunk else None) or key
        if text is not None:  # else it went away meanwhile
            hits.append(
                Hit(
                    kind=one.kind,
                    id=key,
                    conversation_id=one.conversation_id,
                    title=title,
                    snippet=words.snippet(text, asked),
                )
            )
    return hits


def _said(message: Message | None, asked: Sequence[Word]) -> str | None:
    """What was said, or the tool result in which the words stand."""
    if message is None:
        return None
    texts = [message.text, *results_of(message.parts)]
    for text in texts:
        if words.marks(text, asked):
            return text
    return texts[0]


def results_of(parts: Any) -> list[str]:
    """The texts of the tool results of a stored message."""
    return [
        str(part.get("text", ""))
        for part in parts
        if isinstance(part, dict) and part.get("type") == "tool_result"
    ]
