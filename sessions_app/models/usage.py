"""What people may spend a day, and what they have spent: limits, counters, history.

    UsageLimit ── what an administrator allows
    UsageHold ─▶ UsageCounter ── reserved before a call, counted after it, a row a day
    UsageDay ── who asked whom for what: the history that people read

Changed by `services/usage.py` alone, in one transaction. Money is in nano-dollars: whole
numbers add up to the same sum on every database.
"""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

NANO = 1_000_000_000
_OWN = ("person", "team", "credential")


class UsageLimit(models.Model):
    """A rule. Without a person, team or credential it is for each of its scope."""

    class Scope(models.TextChoices):
        PERSON = "person", "a person"
        CREDENTIAL = "credential", "a credential"
        TEAM = "team", "a team"
        INSTALLATION = "installation", "the installation"

    class Metric(models.TextChoices):
        REQUESTS = "requests", "requests a day"
        TOKENS = "tokens", "tokens a day"
        COST = "cost", "US dollars a day (estimate)"
        RUNS = "runs", "answers at once"

    scope = models.CharField(max_length=12, choices=Scope.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    team = models.ForeignKey(
        "Team", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    credential = models.ForeignKey(
        "SavedAuthentication",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    metric = models.CharField(max_length=8, choices=Metric.choices)
    amount = models.DecimalField(
        max_digits=16,
        decimal_places=4,
        validators=[MinValueValidator(0)],
        help_text="0 allows nothing.",
    )
    note = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["scope", "metric", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(person=None) | Q(scope="person"), name="limit_of_person"
            ),
            models.CheckConstraint(
                condition=Q(team=None) | Q(scope="team"), name="limit_of_team"
            ),
            models.CheckConstraint(
                condition=Q(credential=None) | Q(scope="credential"),
                name="limit_of_credential",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="limit_not_negative"
            ),
            models.UniqueConstraint(
                fields=["scope", "metric"],
                condition=Q(person=None, team=None, credential=None),
                name="limit_of_each_once",
            ),
            models.UniqueConstraint(
                fields=["person", "metric"], name="limit_of_person_once"
            ),
            models.UniqueConstraint(
                fields=["team", "metric"], name="limit_of_team_once"
            ),
            models.UniqueConstraint(
                fields=["credential", "metric"], name="limit_of_credential_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.whose}: {self.amount.normalize():f} {self.get_metric_display()}"

    @property
    def whose(self) -> str:
        """For whom it is, in words."""
        named = self.person or self.team or self.credential
        if named is not None:
            return f"{self.scope} {named}"
        return self.scope if self.scope == "installation" else f"each {self.scope}"

    def clean(self) -> None:
        """Only what belongs to the scope may be named."""
        for name in _OWN:
            if getattr(self, f"{name}_id") is not None and self.scope != name:
                raise ValidationError({name: f"Choose the scope “a {name}” for this."})


class Amounts(models.Model):
    """What is counted, and how much of it is reserved at the moment."""

    requests = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    nanos = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class UsageCounter(Amounts):
    """How much one scope used in a day. Its row is the lock of whoever reserves."""

    day = models.DateField()
    scope = models.CharField(max_length=12, choices=UsageLimit.Scope.choices)
    ref = models.CharField(max_length=36, blank=True)  # whose; "" the installation's
    held_requests = models.BigIntegerField(default=0)
    held_tokens = models.BigIntegerField(default=0)
    held_nanos = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "scope", "ref"], name="usage_counted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.ref} on {self.day}"


class UsageHold(Amounts):
    """A reservation of a call that is on its way. Whoever deletes it gives it back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    day = models.DateField()
    scopes = models.JSONField()  # [[scope, ref], …]: the counters that hold it
    worker = models.CharField(max_length=120)  # `processes.identity`
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"reservation {self.id}"


class UsageDayQuerySet(models.QuerySet["UsageDay"]):
    """Questions about what was used."""

    def visible_to(self, user: Any) -> Self:
        """What this person used."""
        return self.filter(person=user)


class UsageDay(Amounts):
    """What a person had one model of one credential do in a day.

    `tokens` is input and output together. `estimated`: requests whose vendor told no
    tokens; `unpriced`: requests of models without a known price, whose cost is missing.
    """

    day = models.DateField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Words: the row outlives the credential and the person.
    person_name = models.CharField(max_length=150, blank=True)
    credential_ref = models.UUIDField(default=uuid.UUID(int=0))
    credential_name = models.CharField(max_length=50)
    provider = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    estimated = models.BigIntegerField(default=0)
    unpriced = models.BigIntegerField(default=0)
    price_date = models.CharField(max_length=10, blank=True)  # of the catalogue, ISO

    objects = UsageDayQuerySet.as_manager()

    class Meta:
        verbose_name = "use of a day"
        verbose_name_plural = "usage by day"
        ordering = ["-day", "person_name", "provider", "model"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "person", "credential_ref", "provider", "model"],
                name="usage_day_once",
            ),
        ]
        indexes = [models.Index(fields=["person", "day"], name="usage_of_person")]

    def __str__(self) -> str:
        return (
            f"{self.person_name or 'nobody'}, {self.day}: {self.provider} {self.model}"
        )
