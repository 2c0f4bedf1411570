"""What was really sent, step by step, and what it teaches about the size of words."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
from django.db import models


class SentRequest(models.Model):
    """The exact body of one request to a vendor; no header, no secret.

    `body` is zlib-compressed JSON. Removed after MAESTRO_KEEP_REQUESTS_DAYS.
    """

    run = models.ForeignKey(
        "sessions_app.Run", on_delete=models.CASCADE, related_name="sent_requests"
    )
    step = models.PositiveIntegerField(default=1)
    provider = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    body = models.BinaryField()
    chars = models.PositiveBigIntegerField(default=0)  # of the JSON
    estimated_tokens = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(null=True, blank=True)  # the vendor's
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["sent_at"], name="sent_request_age")]

    def __str__(self) -> str:
        return f"request of step {self.step} of {self.run_id}"

    def pack(self, body: Any) -> None:
        """Keep this body."""
        text = msgspec.json.encode(dict(body))
        self.chars = len(text)
        self.body = zlib.compress(text, 6)

    def unpack(self) -> Any:
        """The body as it was sent, as JSON data."""
        return msgspec.json.decode(zlib.decompress(bytes(self.body)))


class TokenRate(models.Model):
    """Characters and tokens of past requests to one model, the older ones fading."""

    provider = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    chars = models.FloatField(default=0.0)
    tokens = models.FloatField(default=0.0)
    samples = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model"], name="token_rate_of_a_model"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"
