"""Conversations for tests, without runs: straight ones, and branches added to them."""

from __future__ import annotations

import itertools
from typing import Any

from django.contrib.auth.models import User

from sessions_app.models import Conversation, Message
from sessions_app.services import branches


def make_conversation(owner: User, *texts: str, **fields: Any) -> Conversation:
    """A straight conversation of these texts, question and answer in turn."""
    conversation = Conversation.objects.create(owner=owner, **fields)
    parent = None
    for depth, words in enumerate(texts):
        parent = add(conversation, parent, words, depth)
    conversation.leaf = parent
    conversation.save()
    return conversation


def add(
    conversation: Conversation,
    parent: Message | None,
    words: str,
    depth: int | None = None,
) -> Message:
    """A message under `parent`; the shown branch stays as it is."""
    if depth is None:
        depth = parent.depth + 1 if parent else 0
    return Message.objects.create(
        conversation=conversation,
        parent=parent,
        depth=depth,
        role="user" if depth % 2 == 0 else "assistant",
        parts=[{"type": "text", "text": words, "state": {"opaque": "never shown"}}],
        text=words,
    )


def make_deep_conversation(owner: User, depth: int) -> Conversation:
    """One branch of so many messages, in a few statements."""
    conversation = Conversation.objects.create(owner=owner)
    rows = [
        Message(
            conversation=conversation,
            depth=i,
            role="user" if i % 2 == 0 else "assistant",
            parts=[{"type": "text", "text": str(i)}],
            text=str(i),
        )
        for i in range(depth)
    ]
    for before, after in itertools.pairwise(rows):
        after.parent_id = before.pk
    Message.objects.bulk_create(rows, batch_size=500)
    conversation.leaf = rows[-1]
    conversation.save()
    return conversation


def shown(
    user: User, conversation: Conversation, **options: Any
) -> tuple[list[str], bool]:
    """(texts of a page of the shown branch, whether there is more)."""
    page = branches.page_of_branch(
        user=user, conversation_id=conversation.pk, **options
    )
    return [m.parts[0]["text"] for m in page.messages], page.has_more
