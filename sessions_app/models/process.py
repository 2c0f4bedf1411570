"""The processes of this installation, on whatever machine: who is there, and its counters.

A process says every ten seconds that it lives. Its counters travel along, so that any web
process can tell the sum of all of them, and keep counting when it is gone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now

# Three missed beats. All times are the database's: machines need not agree.
SILENT_AFTER = timedelta(seconds=30)


class ServerProcessQuerySet(models.QuerySet["ServerProcess"]):
    """Questions about processes."""

    def living(self) -> Self:
        """Those that were heard of lately."""
        return self.filter(beat_at__gt=Now() - SILENT_AFTER)

    def silent(self) -> Self:
        """Those that ended without a word."""
        return self.exclude(role=ServerProcess.Role.PAST).exclude(
            beat_at__gt=Now() - SILENT_AFTER
        )


class ServerProcess(models.Model):
    """One process, named by `processes.identity`; or what all former ones counted."""

    class Role(models.TextChoices):
        WEB = "web"
        WORKER = "worker"
        PAST = "past"

    class Layer(models.TextChoices):
        MEMORY = "memory"
        SHARED = "shared"

    id = models.CharField(primary_key=True, max_length=120)
    role = models.CharField(max_length=6, choices=Role.choices)
    version = models.CharField(max_length=40, blank=True)
    layer = models.CharField(max_length=6, choices=Layer.choices, blank=True)
    # A hash of the layer's address: equal for those who share it. In the database's own
    # hands, since a process of the version before writes rows without it.
    layer_mark = models.CharField(max_length=32, blank=True, db_default="")
    counters = models.JSONField(default=list)
    started_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())

    objects = ServerProcessQuerySet.as_manager()

    class Meta:
        # The admin shows one page about all of them.
        verbose_name = "process"
        verbose_name_plural = "operations"

    def __str__(self) -> str:
        return f"{self.role} {self.id}"

    @property
    def place(self) -> str:
        """Machine and process number, as an operator would write them."""
        return ":".join(self.id.split(":")[:-1])
