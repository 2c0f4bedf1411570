"""A saved credential made ready for a call: found, renewed in time, with its client.

What every function of `provider.py` and `logins.py` begins with. Logins are renewed here
and nowhere else: before use when their end is near, and once more when a vendor refuses
them in mid-use.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from providers import refresh, resolver
from providers.errors import (
    ConfigurationError,
    CredentialExpired,
    CredentialRejected,
    ProviderUnavailable,
    RateLimited,
)
from providers.http.client import HttpClient, client_for
from providers.oauth.tokens import expires_soon, is_expired
from providers.store import CredentialStore, MemoryStore, not_found
from providers.types import AuthType, Credential

T = TypeVar("T")

_store: CredentialStore = MemoryStore()

# Logins that were renewed because a vendor refused them: which generation came, and when.
FORCED_S = 60.0
_KEPT = 10_000
_forced: dict[tuple[str, str], tuple[int, float]] = {}


def use_store(new: CredentialStore) -> None:
    """Install the place credentials live in; once, at start."""
    global _store
    _store = new


def store() -> CredentialStore:
    """The place credentials live in."""
    return _store


def find(
    provider: str,
    session_id: str,
    auth_type: AuthType | None,
    *,
    to_use: bool = False,
) -> Credential:
    """The credential of that name, as it is stored. `to_use` notes that it is used.

    Raises CredentialNotFound, CredentialUnreadable; ConfigurationError where a name is
    both and nobody said which.
    """
    resolver.provider(provider)
    if auth_type is None:
        ways = _store.find(provider, session_id)
        if not ways:
            raise not_found(provider, session_id)
        if len(ways) > 1:
            raise ConfigurationError(
                f"{session_id!r} is both an API key and a login: say auth_type=.",
                provider=provider,
            )
        auth_type = ways[0]
    found = _store.get(provider, auth_type, session_id)
    if to_use:
        _store.used(found)
    return found


def is_due(credential: Credential) -> bool:
    """Whether it is to be renewed before it is used, which may take minutes.

    Raises CredentialRejected when a person must act first, with the reason.
    """
    return credential.auth_type == "oauth" and expires_soon(_usable(credential))


def ready(credential: Credential) -> Credential:
    """The same, or its successor when its end is near. Keys are always ready.

    Raises CredentialRejected when a person must act first, with the reason.
    """
    if not is_due(credential):
        return credential
    try:
        pause_s = refresh.BREATH_S if is_expired(credential) else refresh.PATIENT_S
        return _usable(renewed(credential, pause_s=pause_s))
    except (ProviderUnavailable, RateLimited):
        if is_expired(credential):
            raise
        return credential  # good for a little while yet


def renewed(
    credential: Credential, *, is_refused: bool = False, pause_s: float = 0.0
) -> Credential:
    """Its successor, from the vendor or from whoever asked first. Raises ProviderError.

    `is_refused`: after a 401. `pause_s`: see `refresh.renew`.
    """
    behaviour = resolver.resolve(credential.provider, "oauth")

    def ask(current: Credential) -> Credential:
        if not current.secret("refresh_token"):
            raise CredentialRejected(
                "This login cannot be renewed: the vendor gave no refresh token. Log in "
                "again.",
                provider=current.provider,
            )
        fresh: Credential = behaviour.refresh(current, is_refused=is_refused)
        return fresh

    try:
        return refresh.renew(_store, credential, ask, pause_s=pause_s)
    finally:
        _store.rest()  # what follows is a request to a vendor, or nothing


def renewed_after_refusal(credential: Credential) -> Credential | None:
    """What to try again with after a 401; None for what cannot be renewed.

    A token that was renewed because of a refusal, and is refused again within a minute,
    is not too old: asking for another with every call would never end.
    """
    if credential.auth_type != "oauth" or not credential.secret("refresh_token"):
        return None
    key = (credential.provider, credential.name)
    generation, at = _forced.get(key, (-1, 0.0))
    if generation == credential.generation and time.monotonic() - at < FORCED_S:
        return None
    pause_s = refresh.BREATH_S
    fresh = _usable(renewed(credential, is_refused=True, pause_s=pause_s))
    if len(_forced) > _KEPT:
        _forced.clear()
    _forced[key] = (fresh.generation, time.monotonic())
    return fresh


def _usable(credential: Credential) -> Credential:
    """The same. Raises CredentialRejected with what a person must do first."""
    if credential.problem:
        raise CredentialRejected(credential.problem, provider=credential.provider)
    return credential


def with_client(
    credential: Credential, work: Callable[[HttpClient, Credential], T]
) -> T:
    """Do `work`; when the vendor refuses a login, renew it and do it once more."""
    credential = ready(credential)
    try:
        with client(credential) as http:
            return work(http, credential)
    except (CredentialExpired, CredentialRejected):
        again = renewed_after_refusal(credential)
        if again is None:
            raise
    with client(again) as http:
        return work(http, again)


def client(credential: Credential) -> HttpClient:
    """The way to whoever answers this credential, signed."""
    manifest = resolver.provider(credential.provider)
    behaviour = resolver.resolve(credential.provider, credential.auth_type)
    default = manifest.base_url
    if credential.auth_type == "oauth":
        default = behaviour.base_url(credential) or default
    return client_for(
        provider=manifest.slug,
        base_url=credential.origin_url(default),
        headers={**manifest.headers, **behaviour.headers(credential)},
    )
