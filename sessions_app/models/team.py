"""Teams: who may share with whom, and who looks after a team.

What each role may do is decided in `sessions_app/services/rights.py` and nowhere else.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models


class TeamQuerySet(models.QuerySet["Team"]):
    """Questions about teams."""

    def visible_to(self, user: Any) -> Self:
        """A person's own; staff, all of them."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        if user.is_staff:
            return self.all()
        return self.filter(pk__in=Membership.objects.filter(user=user).values("team"))

    def managed_by(self, user: Any) -> Self:
        """Those a person looks after; staff, all of them."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        if user.is_staff:
            return self.all()
        manages = Membership.objects.filter(user=user, role=Role.MANAGER)
        return self.filter(pk__in=manages.values("team"))


class Team(models.Model):
    """A group of people that may share credentials and conversations."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, unique=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="teams"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What somebody is in a team."""

    MEMBER = "member", "member"
    MANAGER = "manager", "manager"


class Membership(models.Model):
    """A person in a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"
