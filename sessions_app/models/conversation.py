"""Conversations and their messages: a tree, of which one branch is shown.

    Conversation ─┬─ Message (user) ─┬─ Message (assistant)      ◀ leaf: the branch shown
                  │                  └─ Message (assistant)        regenerated: a sibling
                  └─ Message (user, edited) ── …                   edited: a branch

A message never changes once its run is over; regenerating and editing add siblings.
"""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Questions about conversations."""

    def visible_to(self, user: object) -> Self:
        """What this person may see: their own."""
        return self.filter(owner=user)


class Conversation(models.Model):
    """One line of talk, owned by a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    title_is_chosen = models.BooleanField(default=False)  # a person named it
    credential = models.ForeignKey(
        "SavedAuthentication",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    model = models.CharField(max_length=200, blank=True)
    # {"attempts": …, "total_s": …}; None is what the operator set.
    retry = models.JSONField(null=True, blank=True)
    # [{"credential_id": …, "model": …}, …]: who may answer instead, in this order.
    fallbacks = models.JSONField(default=list, blank=True)
    leaf = models.ForeignKey(
        "Message", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-updated_at"], name="conversation_recent"),
        ]

    def __str__(self) -> str:
        return self.title or str(self.id)


class MessageQuerySet(models.QuerySet["Message"]):
    """Questions about messages."""

    def visible_to(self, user: object) -> Self:
        """Messages of the conversations this person may see."""
        return self.filter(conversation__owner=user)


class Message(models.Model):
    """One message. `parts` is a list of `providers.types` parts as JSON.

    `depth` is its distance from the root of its branch: a page of a branch is a range of
    depths. `text` is what search and titles read. `origin` is who wrote an answer.
    """

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"
        TOOL = "tool"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="children"
    )
    depth = models.PositiveIntegerField(default=0)
    role = models.CharField(max_length=10, choices=Role.choices)
    parts = models.JSONField(default=list)
    text = models.TextField(blank=True)
    origin = models.JSONField(null=True, blank=True)
    # Chosen by the browser: the same id twice is the same message (a resend).
    client_message_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_message_id"],
                condition=~models.Q(client_message_id=""),
                name="message_sent_once",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "depth"], name="message_depth"),
            models.Index(fields=["client_message_id"], name="message_client_id"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.id}"
