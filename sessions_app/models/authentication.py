"""Saved authentications: one named credential of one provider, its secret encrypted.

(provider, auth_type, name) is its key, install-wide. The secret is a JSON map, encrypted
with the row's id bound into it (`sessions_app.sealing.crypto`); plain values exist between
`as_credential` and the wire, nowhere else.

Who may use it: the owner, the members of `team` when it is set, everyone when
`is_shared_with_everyone`. Rows of the older product have no owner: staff sees them until
someone is made the owner.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self, cast

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from providers import resolver
from providers.errors import ConfigurationError, CredentialUnreadable
from providers.http.urls import origin
from providers.types import AuthType, Credential, Secret
from sessions_app.models.team import Membership
from sessions_app.sealing import crypto

# Facts that the older product kept in the same map as the secrets.
PLAIN_KEYS = ("base_url", "organization", "project")


class SavedAuthenticationQuerySet(models.QuerySet["SavedAuthentication"]):
    """Questions about saved authentications."""

    def visible_to(self, user: Any) -> Self:
        """What this person may use: own, shared with a team of theirs, or with all."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        teams = Membership.objects.filter(user=user).values("team")
        shared = Q(team__in=teams) | Q(is_shared_with_everyone=True)
        if user.is_staff:
            shared |= Q(owner=None)
        # Whatever else its row says: a personal login is for the one who signed in.
        is_personal = Q(metadata__has_key="is_personal")
        return self.filter(Q(owner=user) | (shared & ~is_personal))

    def managed_by(self, user: Any) -> Self:
        """What this person may rotate, share and delete: own; staff, all of it."""
        if not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        return self.all() if user.is_staff else self.filter(owner=user)

    def with_condition(self, now: datetime | None = None) -> Self:
        """Annotates `condition`: how each is at this moment, one of `Condition`.

        `SavedAuthentication.condition_at` says the same of a single row.
        """
        now = now or timezone.now()
        states = SavedAuthentication.State
        stored = Q(state__in=(states.UNREADABLE, states.NEEDS_LOGIN, states.REJECTED))
        return self.annotate(
            condition=Case(
                When(stored, then=F("state")),
                When(limited_until__gt=now, then=Value(Condition.LIMITED)),
                When(~Q(lease_holder=""), then=Value(Condition.REFRESHING)),
                When(
                    Q(refresh_at__lte=now) | Q(expires_at__lte=now),
                    then=Value(Condition.EXPIRING),
                ),
                default=Value(Condition.OK),
                output_field=models.CharField(max_length=12),
            )
        )

    def in_condition(self, condition: str) -> Self:
        """Those that are in this condition now."""
        return self.with_condition().filter(condition=condition)

    def demo(self) -> Self:
        """Those that the built-in emulator answers."""
        return self.filter(is_demo=True)

    def real(self) -> Self:
        """Those that reach a vendor or a server of one's own."""
        return self.filter(is_demo=False)


class Condition(models.TextChoices):
    """How a credential is: its stored state, or what the clock and the lease say."""

    OK = "ok", "ok"
    EXPIRING = "expiring", "about to expire"
    REFRESHING = "refreshing", "being renewed"
    LIMITED = "limited", "limited by the vendor"
    NEEDS_LOGIN = "needs_login", "needs a new login"
    REJECTED = "rejected", "refused by the provider"
    UNREADABLE = "unreadable", "cannot be decrypted"


class SavedAuthentication(models.Model):
    """A named credential. `secrets` is a sealed token, never a plain value."""

    class State(models.TextChoices):
        OK = "ok", "ok"
        UNREADABLE = "unreadable", "cannot be decrypted"
        REJECTED = "rejected", "refused by the provider"
        NEEDS_LOGIN = "needs_login", "needs a new login"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=100)
    auth_type = models.CharField(max_length=100)
    name = models.CharField(max_length=50)
    secrets = models.TextField(blank=True, default="", editable=False)
    base_url = models.CharField("base URL", max_length=500, blank=True, default="")
    # Not secret: organization, project, account, plan.
    metadata = models.JSONField(default=dict, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="saved_authentications",
    )
    team = models.ForeignKey(
        "Team",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="saved_authentications",
    )
    is_shared_with_everyone = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False)

    state = models.CharField(max_length=12, choices=State.choices, default=State.OK)
    cause = models.CharField(
        max_length=300, blank=True, default=""
    )  # why it is in this state
    # A limit of the vendor's that lasts; in the past: none.
    limited_until = models.DateTimeField(null=True, blank=True)
    # How often the secrets were replaced: a refresh changes the row of one generation.
    generation = models.PositiveIntegerField(default=0)
    refresh_at = models.DateTimeField(null=True, blank=True)  # scheduled renewal
    last_refresh_at = models.DateTimeField(null=True, blank=True)
    refresh_error = models.JSONField(null=True, blank=True)  # ErrorInfo of the last one
    # Who is renewing it ("" nobody), and a counter that grows while they are at it.
    lease_holder = models.CharField(max_length=120, blank=True, default="")
    lease_beat = models.PositiveBigIntegerField(default=0)
    last_checked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    inserted_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SavedAuthenticationQuerySet.as_manager()

    class Meta:
        verbose_name = "credential"
        verbose_name_plural = "credentials"
        ordering = ["provider", "name"]
        indexes = [
            models.Index(
                fields=["refresh_at"],
                condition=Q(refresh_at__isnull=False),
                name="saved_authentication_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "auth_type", "name"],
                name="saved_authentication_unique",
            ),
            models.CheckConstraint(
                condition=Q(team=None) | Q(is_shared_with_everyone=False),
                name="saved_authentication_shared_one_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"

    def is_managed_by(self, user: Any) -> bool:
        """Whether this person may rotate, share and delete it."""
        if not getattr(user, "is_authenticated", False):
            return False
        return bool(user.is_staff or (self.owner_id and self.owner_id == user.pk))

    def condition_at(self, now: datetime | None = None) -> str:
        """See `with_condition`."""
        now = now or timezone.now()
        if self.state != self.State.OK:
            return self.state
        if self.limited_until and self.limited_until > now:
            return Condition.LIMITED
        if self.lease_holder:
            return Condition.REFRESHING
        if any(end and end <= now for end in (self.refresh_at, self.expires_at)):
            return Condition.EXPIRING
        return Condition.OK

    @property
    def is_personal(self) -> bool:
        """Whether the vendor's terms bind it to the one who signed in."""
        return bool(self.metadata.get("is_personal"))

    def seal(self, secrets: Mapping[str, str]) -> None:
        """Encrypt a map of plain secrets into this row (not saved yet)."""
        self.secrets = crypto.encrypt(dict(secrets), crypto.secrets_context(self.id))

    def unseal(self) -> dict[str, str]:
        """The plain secrets. Raises CredentialUnreadable; never returns a guess."""
        if not self.secrets:
            return {}
        try:
            found = crypto.decrypt(self.secrets, crypto.secrets_context(self.id))
        except crypto.CryptoError as exc:
            raise self._unreadable(str(exc)) from None
        if not isinstance(found, dict):
            raise self._unreadable("it does not hold a map")
        return {k: v for k, v in found.items() if isinstance(v, str)}

    def as_credential(self) -> Credential:
        """What the provider interface works with. Raises CredentialUnreadable."""
        secrets = {k: v for k, v in self.unseal().items() if k not in PLAIN_KEYS}
        expires_at = self.expires_at
        return Credential(
            provider=self.provider,
            auth_type=cast(AuthType, self.auth_type),
            name=self.name,
            secrets={key: Secret(value) for key, value in secrets.items()},
            base_url=self.base_url,
            metadata={k: str(v) for k, v in self.metadata.items()},
            expires_at=expires_at.astimezone(UTC).isoformat() if expires_at else None,
            generation=self.generation,
            problem=self._problem(),
        )

    @property
    def is_own_server(self) -> bool:
        """Whether its address is its holder's choice and not the vendor's: what such a
        server counts is true for whoever asks it, and for nobody else."""
        if self.is_demo or not self.base_url:
            return False
        manifest = resolver.providers().get(self.provider)
        try:
            return manifest is None or origin(self.base_url) != origin(
                manifest.base_url
            )
        except ConfigurationError:  # one of them names no host
            return True

    def _problem(self) -> str:
        """Why a login cannot be used before somebody acts."""
        if self.state == self.State.NEEDS_LOGIN:
            return self.cause or "This login has ended. Log in again."
        return str(self.metadata.get("problem", ""))

    def _unreadable(self, reason: str) -> CredentialUnreadable:
        return CredentialUnreadable(
            f"The saved secret of {self.name!r} cannot be read: {reason}. Restore the "
            "encryption key it was saved with, or enter the key again.",
            provider=self.provider,
        )
