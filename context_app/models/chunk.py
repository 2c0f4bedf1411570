"""Context chunks: what is sent to a model beside and instead of the transcript.

    in a library      a reusable text with versions           (applies_to library)
    attached          to a conversation, a credential, a team  (reference: a library's)
    a choice          about a piece of a conversation's context (shadows: that piece)

The transcript is not copied here: its messages are pieces of the context by themselves,
and only what a person chose about one of them is a row.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from sessions_app.models import Membership


class ContextChunkQuerySet(models.QuerySet["ContextChunk"]):
    """Questions about chunks."""

    def visible_to(self, user: Any) -> Self:
        """Of one's own conversations, one's own library, and one's teams."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        teams = Membership.objects.filter(user=user).values("team")
        library = Q(applies_to="library") & (Q(owner=user) | Q(team__in=teams))
        attached = Q(applies_to="team", team__in=teams) | Q(
            applies_to="credential", owner=user
        )
        mine = Q(applies_to="conversation", conversation__owner=user)
        return self.filter(mine | library | attached)

    def library(self) -> Self:
        """Reusable texts."""
        return self.filter(applies_to=ContextChunk.AppliesTo.LIBRARY)


class ContextChunk(models.Model):
    """One text for models, or a person's choice about a piece of the context.

    `position` orders the chunks of a conversation. `version` counts changes: who edits
    says which one they saw. `tokens` is the last estimate, for lists without a model.
    """

    class Kind(models.TextChoices):
        SYSTEM = "system", "system prompt"
        PERSONA = "persona"
        TEXT = "text"
        FILE = "file"
        MESSAGE = "message"
        TOOL_RESULT = "tool_result", "tool result"
        SUMMARY = "summary"

    class AppliesTo(models.TextChoices):
        LIBRARY = "library"
        CONVERSATION = "conversation"
        CREDENTIAL = "credential"
        TEAM = "team"

    class State(models.TextChoices):
        READY = "ready"
        WRITING = "writing"  # a model is at it
        FAILED = "failed"  # `cause` says why

    class CreatedBy(models.TextChoices):
        PERSON = "person"
        TOOL = "tool"
        SUMMARY = "summary"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    source = models.CharField(max_length=300, blank=True)
    media_type = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(default=0)  # bytes of the file it came from
    position = models.FloatField(default=0.0)
    tokens = models.PositiveIntegerField(default=0)
    pinned = models.BooleanField(default=False)
    excluded = models.BooleanField(default=False)
    removed = models.BooleanField(default=False)  # excluded, and not listed

    applies_to = models.CharField(
        max_length=12, choices=AppliesTo.choices, default=AppliesTo.CONVERSATION
    )
    conversation = models.ForeignKey(
        "sessions_app.Conversation",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="chunks",
    )
    credential = models.ForeignKey(
        "sessions_app.SavedAuthentication",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="chunks",
    )
    team = models.ForeignKey(
        "sessions_app.Team",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="chunks",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="chunks",
    )
    # A library's text at one of its versions; no version: always the newest.
    reference = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attachments",
    )
    reference_version = models.PositiveIntegerField(null=True, blank=True)
    shadows = models.UUIDField(null=True, blank=True)
    is_edited = models.BooleanField(default=False)  # `text` is sent for what it shadows
    covers = models.UUIDField(
        null=True, blank=True
    )  # last message a summary stands for

    state = models.CharField(max_length=8, choices=State.choices, default=State.READY)
    cause = models.CharField(max_length=300, blank=True)
    created_by = models.CharField(
        max_length=8, choices=CreatedBy.choices, default=CreatedBy.PERSON
    )
    intent = models.ForeignKey(
        "ToolIntent",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="chunks",
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ContextChunkQuerySet.as_manager()

    class Meta:
        ordering = ["position", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "shadows"],
                condition=Q(shadows__isnull=False),
                name="context_chunk_one_choice",
            ),
            models.CheckConstraint(
                condition=Q(applies_to="library")
                | Q(applies_to="conversation", conversation__isnull=False)
                | Q(applies_to="credential", credential__isnull=False)
                | Q(applies_to="team", team__isnull=False),
                name="context_chunk_applies",
            ),
        ]
        indexes = [
            models.Index(
                fields=["conversation", "position"], name="context_chunk_order"
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.kind} {self.id}"


class ChunkVersion(models.Model):
    """A text that a library's chunk had. `number` counts from 1; rows never change."""

    chunk = models.ForeignKey(
        ContextChunk, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["chunk", "number"], name="chunk_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.chunk_id}"
