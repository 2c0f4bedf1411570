"""Tool intents: what a model asked to do, why, who allowed it, and what came of it.

`ToolIntent` is the present state, for lists and pages. `IntentEvent` is the record: rows
are only ever added, and each carries the hash of the one before it, so that a change of
any row, or of an intent behind its events, is found (`services/chain.py`).
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models


class Risk(models.TextChoices):
    """How much harm a call can do. Compare with `rank`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


RANK = {Risk.LOW: 0, Risk.MEDIUM: 1, Risk.HIGH: 2}


class Purpose(models.TextChoices):
    """Why a model wants it; nothing else is a valid purpose."""

    TEST_PASS = "test_pass", "make a test pass"
    BEST_PRACTICE = "best_practice", "follow a best practice"
    MAINTENANCE = "maintenance", "maintenance"
    RESEARCH = "research", "research"
    USER_REQUEST = "user_request", "asked for by the person"


class ToolIntentQuerySet(models.QuerySet["ToolIntent"]):
    """Questions about intents."""

    def visible_to(self, user: Any) -> Self:
        """A person's own; staff, all of them (they audit)."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        return self.all() if user.is_staff else self.filter(person=user)

    def open(self) -> Self:
        """Those that wait for a decision."""
        return self.filter(state=ToolIntent.State.REQUESTED)


class ToolIntent(models.Model):
    """One tool call of a model. Change `state` by compare-and-swap, with an event."""

    class State(models.TextChoices):
        REQUESTED = "requested"  # waits for a person
        APPROVED = "approved"
        REFUSED = "refused"
        STARTED = "started"
        DONE = "done"
        FAILED = "failed"
        UNKNOWN = "unknown"  # it was started, and nobody knows how it ended

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The record outlives what it is about: ids as words beside the foreign keys.
    run = models.ForeignKey(
        "sessions_app.Run",
        null=True,
        on_delete=models.SET_NULL,
        related_name="intents",
    )
    run_ref = models.UUIDField()
    conversation_ref = models.UUIDField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_name = models.CharField(max_length=150)
    step = models.PositiveIntegerField()
    call_id = models.CharField(max_length=200)
    provider = models.CharField(max_length=100)
    model = models.CharField(max_length=200)

    tool = models.CharField(max_length=100)
    arguments = models.JSONField(default=dict)
    arguments_hash = models.CharField(max_length=64)  # SHA-256 of their canonical JSON
    target = models.TextField(blank=True)  # what it touches, as the tool itself says
    purpose = models.CharField(max_length=20, choices=Purpose.choices, blank=True)
    scope = models.TextField(blank=True)
    declared_risk = models.CharField(max_length=6, choices=Risk.choices, blank=True)
    computed_risk = models.CharField(max_length=6, choices=Risk.choices)

    state = models.CharField(max_length=10, choices=State.choices)
    decision = models.CharField(max_length=6)  # run, ask, refuse: by policy
    decision_why = models.TextField(blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_by_name = models.CharField(max_length=150, blank=True)  # "" is the policy
    decided_at = models.DateTimeField(null=True, blank=True)
    words = models.TextField(blank=True)  # of a refusal, for the model
    result = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ToolIntentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            # A model that asks for the same id twice in a step asks for one call.
            models.UniqueConstraint(
                fields=["run_ref", "step", "call_id"], name="tool_intent_once"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="tool_intent_recent"),
            models.Index(fields=["state"], name="tool_intent_state"),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.state}"

    @property
    def effective_risk(self) -> str:
        """The higher of what was declared and what we computed."""
        declared = RANK.get(Risk(self.declared_risk), 0) if self.declared_risk else 0
        computed = RANK[Risk(self.computed_risk)]
        return self.declared_risk if declared > computed else self.computed_risk


class IntentEvent(models.Model):
    """One thing that happened to an intent. Append-only; `number` has no gaps."""

    number = models.PositiveBigIntegerField(primary_key=True)
    intent = models.ForeignKey(
        ToolIntent, on_delete=models.PROTECT, related_name="events"
    )
    state = models.CharField(max_length=10)
    facts = models.JSONField(default=dict)  # what was true then
    at = models.CharField(max_length=40)  # ISO 8601, UTC: text, as it was hashed
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"event {self.number}"


class ChainHead(models.Model):
    """The end of the chain: whoever adds to it holds this row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"chain of {self.number}"
