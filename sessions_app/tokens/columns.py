"""What a renewal writes into the row of its login, beside the sealed secrets. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.utils import timezone

from providers.errors import ConfigurationError, CredentialRejected, ProviderError
from providers.oauth.tokens import early_s, seconds
from providers.types import Credential
from sessions_app.models.authentication import SavedAuthentication

# After a failure that is not the login's fault, the sweep tries again then.
BACK_OFF = timedelta(minutes=2)
MISCONFIGURED = timedelta(minutes=15)


def of_renewed(fresh: Credential) -> dict[str, Any]:
    """The columns that follow from new tokens, the secrets excepted."""
    states = SavedAuthentication.State
    facts = {k: v for k, v in fresh.metadata.items() if k != "problem"}
    if fresh.problem:
        facts["problem"] = fresh.problem
    return {
        "metadata": facts,
        "expires_at": _moment(fresh.expires_at),
        "refresh_at": due_at(fresh),
        "state": states.REJECTED if fresh.problem else states.OK,
        "cause": fresh.problem[:300],
        "limited_until": None,
    }


def due_at(credential: Credential) -> datetime | None:
    """When the scheduled renewal is due; None for what has no end or cannot be renewed."""
    end = _moment(credential.expires_at)
    if end is None or not credential.secret("refresh_token"):
        return None
    life_s = seconds(credential.metadata.get("lifetime_s")) or 3600.0
    due = end - timedelta(seconds=early_s(life_s))
    not_before = _moment(credential.metadata.get("refresh_not_before"))
    return max(due, not_before) if not_before and not_before < end else due


def of_failed(problem: ProviderError) -> dict[str, Any]:
    """The columns that say why a renewal brought nothing, and when the next one is due."""
    now = timezone.now()
    changes: dict[str, Any] = {
        "refresh_error": msgspec.to_builtins(problem.info()),
        "last_refresh_at": now,
        "updated_at": now,
        "refresh_at": now + BACK_OFF,
    }
    if isinstance(problem, CredentialRejected):
        changes |= {
            "state": SavedAuthentication.State.NEEDS_LOGIN,
            "cause": problem.message[:300],
            "refresh_at": None,
        }
    elif isinstance(problem, ConfigurationError):
        changes["refresh_at"] = now + MISCONFIGURED
    elif problem.retry_after_s:
        changes["refresh_at"] = now + timedelta(
            seconds=min(problem.retry_after_s, 86_400)
        )
    return changes


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
