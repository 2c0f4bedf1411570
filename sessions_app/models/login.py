"""Logins that wait for their answer. A row lives ten minutes and is used once."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q


class PendingLoginQuerySet(models.QuerySet["PendingLogin"]):
    """Questions about pending logins."""

    def visible_to(self, user: Any) -> Self:
        """Those this person began."""
        return self.filter(user=user)


class PendingLogin(models.Model):
    """A login at a vendor, from its first page to its answer.

    `sealed` holds what must not be read by anybody else (verifier, device code), encrypted
    and bound to this row. Only hashes of `state` and of the browser session are kept: they
    are compared, never needed again.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        WORKING = "working"  # its one answer is being traded for tokens
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="pending_logins",
    )
    session_hash = models.CharField(max_length=64, blank=True)  # "" for a command
    provider = models.CharField(max_length=100)
    method = models.CharField(max_length=30)
    name = models.CharField(max_length=50)
    state_hash = models.CharField(max_length=64, blank=True)  # "" for a device login
    sealed = models.TextField(editable=False)
    # The credential it renews; None makes a new one.
    again = models.ForeignKey(
        "SavedAuthentication",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    team = models.ForeignKey(
        "Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_shared_with_everyone = models.BooleanField(default=False)

    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.WAITING
    )
    message = models.CharField(max_length=400, blank=True)
    result = models.ForeignKey(
        "SavedAuthentication",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    polled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    objects = PendingLoginQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state_hash"],
                condition=~Q(state_hash=""),
                name="pending_login_state_once",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="pending_login_expiry")]

    def __str__(self) -> str:
        return f"{self.status} login at {self.provider}"

    @property
    def sealed_context(self) -> str:
        """What the sealed part is bound to."""
        return f"pending_login|{self.id}|sealed"
