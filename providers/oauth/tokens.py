"""What a token endpoint answers, and when a token wants to be renewed.

Expiry is the moment of receipt plus `expires_in`: the vendor's clock does not matter.
Source: RFC 6749 section 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from providers.types import Credential, Secret

# Renewed in time: before this share of its life is left, and never later than that.
MARGIN_SHARE = 0.05
MARGIN_S = 60.0
# The scheduler looks every 30 s and the sweep runs every 60 s: both may just have passed.
SWEEP_S = 90.0
_LONGEST_S = 400 * 86_400.0


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """A token answer. `lifetime_s` None: the vendor did not say. `extra`: the rest."""

    access_token: Secret
    refresh_token: Secret | None = None
    id_token: Secret | None = None
    lifetime_s: float | None = None
    scope: str = ""
    received_at: datetime
    extra: dict[str, Any] = {}

    def __repr__(self) -> str:
        # `extra` may hold secrets of kinds we do not know.
        return f"<Tokens {self.lifetime_s} s, {self.scope!r}>"

    @property
    def expires_at(self) -> datetime | None:
        """Aware UTC; None when the vendor did not say how long it lives."""
        if self.lifetime_s is None:
            return None
        return self.received_at + timedelta(seconds=self.lifetime_s)


_NAMED = ("access_token", "refresh_token", "id_token", "expires_in", "scope")


def tokens_from(answer: Mapping[str, Any], received_at: datetime) -> Tokens:
    """Read an answer that has an access token. Never raises: odd fields are left out."""
    return Tokens(
        access_token=Secret(str(answer["access_token"])),
        refresh_token=_secret(answer.get("refresh_token")),
        id_token=_secret(answer.get("id_token")),
        lifetime_s=seconds(answer.get("expires_in")),
        scope=_scope(answer.get("scope")),
        received_at=received_at,
        extra={k: v for k, v in answer.items() if k not in _NAMED},
    )


def seconds(value: Any) -> float | None:
    """A number of seconds as vendors write it (number or text), if it makes sense."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(found) or found <= 0:
        return None
    return min(found, _LONGEST_S)


def renewed(
    credential: Credential, tokens: Tokens, metadata: Mapping[str, str] | None = None
) -> Credential:
    """The credential with new tokens. What an answer leaves out stays as it was.

    ID tokens are read by the caller and not kept. An empty fact takes the old one away.
    """
    secrets = dict(credential.secrets)
    secrets["access_token"] = tokens.access_token
    if tokens.refresh_token is not None:
        secrets["refresh_token"] = tokens.refresh_token
    facts = {**credential.metadata, **(metadata or {})}
    ends = tokens.expires_at.isoformat() if tokens.expires_at else None
    if tokens.lifetime_s is not None:
        facts["lifetime_s"] = f"{tokens.lifetime_s:.0f}"
    elif tokens.access_token == credential.secrets.get("access_token"):
        ends = credential.expires_at  # the old one is kept, and gets no older
    else:
        facts.pop("lifetime_s", None)
    if tokens.scope:
        facts["scope"] = tokens.scope
    return msgspec.structs.replace(
        credential,
        secrets=secrets,
        metadata={
            name: _shown(value) for name, value in facts.items() if _shown(value)
        },
        expires_at=ends,
    )


def _shown(value: str) -> str:
    """What may be stored and shown of it: a vendor may write anything."""
    return "".join(c for c in value if c.isprintable())


def margin_s(lifetime_s: float) -> float:
    """How long before its end a token is too old to begin something with."""
    return min(max(lifetime_s * MARGIN_SHARE, MARGIN_S), lifetime_s / 2)


def early_s(lifetime_s: float) -> float:
    """How long before its end the scheduled renewal is due."""
    return min(margin_s(lifetime_s) + SWEEP_S, lifetime_s * 0.75)


def expires_soon(credential: Credential, now: datetime | None = None) -> bool:
    """Whether to renew before use. An expiry nobody knows is found out by a 401."""
    if credential.expires_at is None:
        return False
    end = datetime.fromisoformat(credential.expires_at)
    life_s = seconds(credential.metadata.get("lifetime_s")) or 3600.0
    left_s = (end - (now or datetime.now(UTC))).total_seconds()
    return left_s <= margin_s(life_s)


def is_expired(credential: Credential, now: datetime | None = None) -> bool:
    """Whether its end has passed by our clock."""
    if credential.expires_at is None:
        return False
    return datetime.fromisoformat(credential.expires_at) <= (now or datetime.now(UTC))


def _secret(value: Any) -> Secret | None:
    return Secret(value) if isinstance(value, str) and value else None


def _scope(value: Any) -> str:
    if isinstance(value, list):
        value = " ".join(str(word) for word in value)
    return value[:2000] if isinstance(value, str) else ""
