"""Runs: one answer to one user message, as a row with its own thread.

A run outlives the browser that asked for it. Its log (`RunBatch`) is the truth about what
arrived, numbered by (epoch, seq); sockets are views of it. Every claim of a run begins a
new epoch, and a number is never used twice within an epoch.
"""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models

from sessions_app.models.conversation import Verb, reach
from sessions_app.models.team import Membership


class RunQuerySet(models.QuerySet["Run"]):
    """Questions about runs."""

    def visible_to(self, user: object) -> Self:
        """Runs of the conversations this person may see."""
        return self.filter(reach(user, Verb.READ, "conversation__"))

    def active(self) -> Self:
        """Runs that are not over."""
        return self.filter(status__in=Run.ACTIVE)

    def counted_for(self, scope: str, ref: str) -> Self:
        """Runs at work or in the queue that count for a scope of `UsageLimit`."""
        rows = self.filter(status__in=(Run.Status.QUEUED, *Run.AT_WORK))
        match scope:
            case "person":
                return rows.filter(started_by_id=int(ref))
            case "credential":
                return rows.filter(credential_id=uuid.UUID(ref))
            case "team":
                members = Membership.objects.filter(team_id=uuid.UUID(ref))
                return rows.filter(started_by__in=members.values("user"))
        return rows


class Run(models.Model):
    """One answer on its way, or done. Change `status` by compare-and-swap only."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        RETRYING = "retrying"  # waits to ask again; its thread is at work
        WAITING = "waiting"  # for a person's decision; nobody is at work
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"
        INTERRUPTED = "interrupted"

    AT_WORK = (Status.RUNNING, Status.RETRYING)  # a thread has it
    BEGUN = (*AT_WORK, Status.WAITING)  # at most one in a conversation
    ACTIVE = (Status.QUEUED, *BEGUN)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        "Conversation", on_delete=models.CASCADE, related_name="runs"
    )
    # What is answered, and the answer, which exists (empty) from the first moment.
    question = models.ForeignKey("Message", on_delete=models.CASCADE, related_name="+")
    answer = models.OneToOneField(
        "Message", on_delete=models.CASCADE, related_name="run"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    credential = models.ForeignKey(
        "SavedAuthentication", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Kept as words too: the row must say who answered when the credential is gone.
    provider = models.CharField(max_length=100)
    auth_type = models.CharField(max_length=100)
    credential_name = models.CharField(max_length=50)
    model = models.CharField(max_length=200)
    is_demo = models.BooleanField(default=False)  # answered by the emulator
    options = models.JSONField(default=dict, blank=True)

    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.QUEUED
    )
    cause = models.CharField(max_length=200, blank=True)  # why it is in this status
    retry_at = models.DateTimeField(null=True, blank=True)  # while it is retrying
    # A step can be resumed at: tools were asked for, or words thrown in.
    has_steps = models.BooleanField(default=False)
    steered_at = models.DateTimeField(null=True, blank=True)  # last word thrown in
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    seq = models.PositiveBigIntegerField(default=0)  # last number in the log
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    # The process that claimed it (`runs.claims.identity`): a dead one is recognised.
    worker = models.CharField(max_length=120, blank=True)

    error = models.JSONField(null=True, blank=True)  # providers.events.ErrorInfo
    stop_reason = models.CharField(max_length=20, blank=True)
    stop_reason_raw = models.CharField(max_length=100, blank=True)
    usage = models.JSONField(null=True, blank=True)  # see runs/log/response.py
    cost_usd = models.DecimalField(
        max_digits=14, decimal_places=8, null=True, blank=True
    )
    price_date = models.CharField(max_length=10, blank=True)  # of the catalogue, ISO

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    first_event_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(status__in=["running", "retrying", "waiting"]),
                name="run_one_begun_per_conversation",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "heartbeat_at"], name="run_heartbeat"),
        ]

    def __str__(self) -> str:
        return f"{self.status} run {self.id}"

    @property
    def is_active(self) -> bool:
        """Whether it may still produce events."""
        return self.status in self.ACTIVE


class RunAttemptQuerySet(models.QuerySet["RunAttempt"]):
    """Questions about requests."""

    def failed(self) -> Self:
        """Those that ended with an error."""
        return self.exclude(retry_class="")


class RunAttempt(models.Model):
    """One request to a vendor, and how it ended. `number` counts within its run.

    `action` is what was done then, see `providers.retry`; of one that did not fail it is
    ANSWERED or STOPPED, and it has neither an error nor a class.
    """

    ANSWERED = "answered"
    STOPPED = "stopped"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    step = models.PositiveIntegerField(default=1)
    # Words: the row outlives the credential.
    provider = models.CharField(max_length=100)
    credential_name = models.CharField(max_length=50)
    model = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    error = models.JSONField(null=True, blank=True)  # providers.events.ErrorInfo
    retry_class = models.CharField(max_length=20, blank=True)
    action = models.CharField(max_length=20, blank=True)
    wait_s = models.FloatField(default=0.0)

    objects = RunAttemptQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "number"], name="run_attempt_number_once"
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.run_id}"


class Steering(models.Model):
    """What a person said while an answer was on its way.

    `taken_at`: when the model got it, or it became a question of its own (answered, or
    with why it cannot be).
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steerings")
    text = models.TextField()
    client_message_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "client_message_id"], name="steering_sent_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["run"],
                condition=models.Q(taken_at=None),
                name="steering_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"words for {self.run_id}"


class RunBatch(models.Model):
    """Consecutive events of a run, as one JSON array. Append-only."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="batches")
    epoch = models.PositiveIntegerField()
    first_seq = models.PositiveBigIntegerField()
    last_seq = models.PositiveBigIntegerField()
    events = models.TextField()  # JSON array of providers.events, msgspec-encoded

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "epoch", "first_seq"], name="runbatch_number_used_once"
            ),
        ]
        ordering = ["epoch", "first_seq"]

    def __str__(self) -> str:
        return f"{self.run_id} {self.epoch}:{self.first_seq}-{self.last_seq}"
