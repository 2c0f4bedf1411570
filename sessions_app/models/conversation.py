"""Conversations and their messages: a tree, of which one branch is shown.

    Conversation ─┬─ Message (user) ─┬─ Message (assistant)      ◀ leaf: the branch shown
                  │                  └─ Message (assistant)        regenerated: a sibling
                  └─ Message (user, edited) ── …                   edited: a branch

A message never changes once its run is over; regenerating and editing add siblings.

Who may do what with a conversation is decided in one place, `reach`: every queryset of
conversations, messages and runs asks it, and so do the services.
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from sessions_app.models.team import Membership


class Verb(StrEnum):
    """What one may do with a conversation; each includes those before it."""

    READ = "read"  # all of it: messages, answers as they arrive, context, files
    TAKE_PART = (
        "take_part"  # ask, regenerate, edit, choose a branch, change the context
    )
    OWN = "own"  # rename, archive, delete, set retries, share


def reach(user: Any, verb: Verb, path: str = "") -> Q:
    """The rows whose conversation this person may do this with: the one rule.

    `path` leads from the row to its conversation ("conversation__"). The owner may do
    everything; others what a share with them, or with a team of theirs, gives.
    """
    own = Q(**{f"{path}owner": user})
    if verb == Verb.OWN:
        return own
    teams = Membership.objects.filter(user=user).values("team")
    shares = ConversationShare.objects.filter(Q(person=user) | Q(team__in=teams))
    if verb == Verb.TAKE_PART:
        shares = shares.filter(may_take_part=True)
    return own | Q(**{f"{path}pk__in": shares.values("conversation")})


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Questions about conversations."""

    def visible_to(self, user: object) -> Self:
        """What this person may see: their own, and what is shared with them."""
        return self.allowed(user, Verb.READ)

    def allowed(self, user: object, verb: Verb) -> Self:
        """Those with which this person may do this."""
        return self.filter(reach(user, verb))


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
    is_shared = models.BooleanField(default=False)  # it has shares
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


class ConversationShare(models.Model):
    """A conversation shared with one team, or with one person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="shares"
    )
    team = models.ForeignKey(
        "Team", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    may_take_part = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(team=None, person__isnull=False)
                | Q(team__isnull=False, person=None),
                name="share_with_one",
            ),
            models.UniqueConstraint(
                fields=["conversation", "team"], name="share_with_team_once"
            ),
            models.UniqueConstraint(
                fields=["conversation", "person"], name="share_with_person_once"
            ),
        ]

    def __str__(self) -> str:
        verb = Verb.TAKE_PART if self.may_take_part else Verb.READ
        return f"{self.conversation_id}: {self.team or self.person} may {verb}"


class MessageQuerySet(models.QuerySet["Message"]):
    """Questions about messages."""

    def visible_to(self, user: object) -> Self:
        """Messages of the conversations this person may see."""
        return self.filter(reach(user, Verb.READ, "conversation__"))


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
    # Who wrote a question; the name outlives the person.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(max_length=150, blank=True)
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
