"""Rules about tool calls, and approvals that a person gave for a conversation."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from context_app.models.intent import Risk

# Else a model would free itself by saying the right thing.
NEVER_RUNS = (
    "A rule with a scope asks or refuses; it never runs, because the scope is the model's "
    "own words."
)


class Action(models.TextChoices):
    """What a rule does with a call."""

    RUN = "run"
    ASK = "ask"
    REFUSE = "refuse"


class PolicyRule(models.Model):
    """A rule; the first that fits decides. Empty fields fit everything.

    `tool`, `target` and `scope` are patterns with `*` and `?`; `risk` is the least
    effective risk. `target` is what the server computed, `scope` what the model declared:
    a rule about it is there to be stricter.
    """

    order = models.IntegerField(default=100, help_text="Lower comes first.")
    name = models.CharField(max_length=100)
    tool = models.CharField(max_length=100, blank=True, help_text="For example shell.")
    target = models.CharField(
        max_length=300, blank=True, help_text="What it touches, for example docs/*."
    )
    scope = models.CharField(
        max_length=300,
        blank=True,
        db_default="",  # for processes of the version before, as long as they go on
        help_text="What the model says it touches, for example *delete*, in capitals or "
        "not. Its own words: only to ask or to refuse.",
    )
    risk = models.CharField(
        max_length=6, choices=Risk.choices, blank=True, help_text="At least so risky."
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    team = models.ForeignKey(
        "sessions_app.Team",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    action = models.CharField(max_length=6, choices=Action.choices)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["order", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(scope="") | ~Q(action=Action.RUN),
                name="policy_scope_never_runs",
                violation_error_message=NEVER_RUNS,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Said beside the field; the constraint is for what no form has seen."""
        if self.scope and self.action == Action.RUN:
            raise ValidationError({"scope": NEVER_RUNS})


class StandingApproval(models.Model):
    """ "Yes, also for the rest of this conversation": one tool, up to one risk.

    Of the person who said it last: others who take part are asked themselves.
    """

    conversation = models.ForeignKey(
        "sessions_app.Conversation", on_delete=models.CASCADE, related_name="approvals"
    )
    tool = models.CharField(max_length=100)
    risk = models.CharField(max_length=6, choices=Risk.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "tool"], name="standing_approval_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} up to {self.risk}"
