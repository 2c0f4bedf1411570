"""Exact requests, as they were sent: kept for their owner, learnt from, and pruned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from context_app.models import SentRequest, TokenRate
from sessions_app.models import SavedAuthentication

# What earlier requests still count after a newer one: the last 20 or so decide.
_FADE = 0.95
_FEW = 200  # tokens: a request this small says nothing about the rate
# Characters that a token of any model has, whatever a server says.
_LEAST, _MOST = 0.5, 16.0


def keep(
    *, run_id: UUID, step: int, provider: str, model: str, body: Any, tokens: int
) -> SentRequest | None:
    """Remember what is about to be sent. None where an operator wants none kept."""
    if settings.MAESTRO_KEEP_REQUESTS_DAYS <= 0:
        return None
    row = SentRequest(
        run_id=run_id,
        step=step,
        provider=provider,
        model=model,
        estimated_tokens=tokens,
    )
    row.pack(body)
    row.save(force_insert=True)
    return row


def rate_of(provider: str, credential: SavedAuthentication | None) -> str:
    """Whose rate it is: a vendor's is everybody's who asks it. A server behind a base URL
    of one's own counts for its own credential alone, however it counts."""
    if credential is None or not credential.is_own_server:
        return provider
    return f"{provider[:60]}@{credential.pk.hex}"


def learn(
    row: SentRequest | None, *, rate: str, model: str, chars: int, tokens: int
) -> None:
    """What the vendor counted, for the `rate_of` it. `chars`: all that the model read."""
    if row is not None:
        SentRequest.objects.filter(pk=row.pk).update(input_tokens=tokens)
    if tokens < _FEW or not _LEAST <= chars / tokens <= _MOST:
        return
    known = TokenRate.objects.filter(provider=rate, model=model)
    changed = known.update(
        chars=F("chars") * _FADE + chars,
        tokens=F("tokens") * _FADE + tokens,
        samples=F("samples") + 1,
        updated_at=timezone.now(),
    )
    if not changed:
        TokenRate.objects.get_or_create(
            provider=rate,
            model=model,
            defaults={"chars": chars, "tokens": tokens, "samples": 1},
        )


def of_run(run_id: UUID) -> list[SentRequest]:
    """The requests of a run, oldest first."""
    return list(SentRequest.objects.filter(run_id=run_id))


def last_of_conversation(
    conversation_id: UUID, *, asked_by: int | None = None
) -> SentRequest | None:
    """What was sent last, for a comparison; for this person, where it is shown."""
    rows = SentRequest.objects.filter(run__conversation_id=conversation_id)
    if asked_by is not None:
        rows = rows.filter(Q(run__started_by=asked_by) | Q(run__started_by=None))
    return rows.order_by("-pk").first()


def prune(days: int | None = None) -> int:
    """Remove what is older than the setting says. How many."""
    keep_days = settings.MAESTRO_KEEP_REQUESTS_DAYS if days is None else days
    end = timezone.now() - timedelta(days=keep_days)
    removed, _ = SentRequest.objects.filter(sent_at__lt=end).delete()
    return removed
