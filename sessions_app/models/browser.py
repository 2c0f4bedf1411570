"""Whose browsers are signed in: the names of sessions, so that they can be ended."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models

# The first mark that is found counts: most browsers also name those they descend from.
_PROGRAMS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Windows", "Windows"), ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


class SignedInBrowser(models.Model):
    """A session of a person. It goes when the session goes."""

    # Its name in pages and addresses: the session's own key opens the account.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, related_name="browser"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="browsers"
    )
    address = models.GenericIPAddressField(null=True, blank=True)
    agent = models.CharField(max_length=200, blank=True)  # as the browser says
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"browser of {self.user}"

    @property
    def label(self) -> str:
        """Firefox on Linux: good enough to tell one's own browsers apart."""
        program = next((name for mark, name in _PROGRAMS if mark in self.agent), "")
        system = next((name for mark, name in _SYSTEMS if mark in self.agent), "")
        if not program:
            return self.agent[:60] or "Unknown browser"
        return f"{program} on {system}" if system else program
