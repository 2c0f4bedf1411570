"""Invitations: the only way in, beside the first administrator's link. Used once."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from sessions_app.models.team import Role, Team


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Questions about invitations."""

    def open(self) -> Self:
        """Those that somebody may still use."""
        return self.filter(
            accepted_at=None, revoked_at=None, expires_at__gt=timezone.now()
        )

    def managed_by(self, user: Any) -> Self:
        """Those a person may see and revoke: own, of teams they manage; staff, all."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        if user.is_staff:
            return self.all()
        teams = Team.objects.managed_by(user).values("pk")
        return self.filter(team__in=teams, makes_administrator=False)


class Invitation(models.Model):
    """A link for one person. Only the hash of its token is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    note = models.CharField(max_length=120, blank=True)  # whom it is for, in words
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="invitations",
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    makes_administrator = models.BooleanField(default=False)
    # Without whoever invited, there is nobody whose right it could carry.
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None),
                name="invitation_ends_one_way",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.note or self.pk}"

    @property
    def state(self) -> str:
        """open, used, revoked or expired."""
        if self.accepted_at:
            return "used"
        if self.revoked_at:
            return "revoked"
        return "open" if self.expires_at > timezone.now() else "expired"
