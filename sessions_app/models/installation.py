"""Small tables of the installation: the keys' canary, the old table, what was decided."""

from __future__ import annotations

import uuid

from django.db import models


class EncryptionCanary(models.Model):
    """One row with a known text in it: a start with the wrong keys does not read it.

    Written by `crypto.plant_canary` after `migrate`, checked at every start.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    token = models.TextField(editable=False)

    def __str__(self) -> str:
        return "encryption canary"


class AuthenticationBackup(models.Model):
    """The table of the previous product, row by row, as migration 0003 found it.

    `credentials` is its plain map, encrypted: a backup with plain secrets would undo the
    migration. Nothing reads it; it goes with the next release.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=100)
    auth_type = models.CharField(max_length=100)
    credentials = models.TextField(editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    inserted_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.provider}/{self.auth_type}"


class InstallationFact(models.Model):
    """Something this installation was told and must not ask again: name → value."""

    name = models.CharField(max_length=50, primary_key=True)
    value = models.CharField(max_length=200)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name}={self.value}"
