"""Code audits: what was asked, how far it is, and the report."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import msgspec
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from context_app.models.intent import ToolIntent


class AuditQuerySet(models.QuerySet["Audit"]):
    """Questions about audits."""

    def visible_to(self, user: Any) -> Self:
        """A person's own."""
        if not getattr(user, "is_authenticated", False):
            return self.none()
        return self.filter(owner=user)


class Audit(models.Model):
    """One audit of one source. `report` is a `providers.audit.report.AuditReport` as JSON.

    `source_hash`: SHA-256 of the source; `source_name` is what it is compared by: the
    next audit of the same name says what is new and what was fixed. `summary`: what a
    list shows of the report (`services/audits.py`). Both are kept on the way, too: what was
    judged outlives the process. `worker` is the process at work, which
    beats `updated_at`; whoever wants it to end sets `stop_requested_at`.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"
        INTERRUPTED = "interrupted"  # its server died; `report` is of what was judged
        FAILED = "failed"  # `cause` says why

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="audits"
    )
    conversation = models.ForeignKey(
        "sessions_app.Conversation",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="audits",
    )
    # Words: the row outlives the credential.
    provider = models.CharField(max_length=100)
    credential_name = models.CharField(max_length=50)
    model = models.CharField(max_length=200)
    is_demo = models.BooleanField(default=False)
    source_name = models.CharField(max_length=300)
    source_hash = models.CharField(max_length=64)
    previous = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(
        max_length=11, choices=State.choices, default=State.RUNNING
    )
    cause = models.CharField(max_length=300, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)  # pieces of the source
    total = models.PositiveIntegerField(default=0)
    # It has an AuditSource. In the database's own hands, too, since a process of the
    # version before, which goes on until it is restarted, writes rows without it.
    can_repeat = models.BooleanField(default=False, db_default=False)
    now = models.CharField(max_length=300, blank=True)  # what happens at the moment
    report = models.JSONField(null=True, blank=True)
    summary = models.JSONField(default=dict, blank=True)
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    # Tool calls that touched the audited files: why they were written as they are.
    intents: models.ManyToManyField[ToolIntent, Any] = models.ManyToManyField(
        "ToolIntent", blank=True, related_name="audits"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(
                fields=["owner", "source_name", "-created_at"], name="audit_of_a_source"
            ),
            models.Index(fields=["state", "updated_at"], name="audit_at_work"),
        ]

    def __str__(self) -> str:
        return f"audit of {self.source_name}"


class AuditSource(models.Model):
    """What an audit was of, and how it was asked for.

    `path`, `pattern`: of the workspace, which is read anew. Else `packed`: the text, or
    texts by path, themselves. `options`: those of `provider.audit_code` that are data.
    """

    audit = models.OneToOneField(
        Audit, primary_key=True, on_delete=models.CASCADE, related_name="source"
    )
    credential = models.ForeignKey(
        "sessions_app.SavedAuthentication",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    options = models.JSONField(default=dict, blank=True)
    path = models.CharField(max_length=1000, blank=True)
    pattern = models.CharField(max_length=500, blank=True)
    packed = models.BinaryField(default=b"")

    def __str__(self) -> str:
        return f"source of {self.audit_id}"

    def pack(self, source: str | Mapping[str, str]) -> None:
        """Keep this text, or these texts by path."""
        if isinstance(source, str):  # half a surrogate pair is no text in a file either
            text = msgspec.json.encode(source.encode("utf-8", "replace").decode())
        else:
            text = msgspec.json.encode(dict(source))
        self.packed = zlib.compress(text, 6)

    def unpack(self) -> str | dict[str, str]:
        """As it was packed."""
        text = zlib.decompress(bytes(self.packed))
        return msgspec.json.decode(text, type=str | dict[str, str])
