"""Ask the vendor about a credential: does it work, which models may it use.

The network is never waited for inside a transaction. What was learnt is stored as a
state, unless the secret was replaced while we asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from django.core.cache import cache
from django.utils import timezone

from providers import provider as interface
from providers import resolver
from providers.errors import (
    ConfigurationError,
    CredentialRejected,
    CredentialUnreadable,
    ProviderError,
)
from providers.events import ErrorInfo
from providers.types import AuthType, Model
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.person import Person
from sessions_app.services.credentials.inputs import api_key_credential
from sessions_app.services.credentials.rows import (
    credential_for,
    testable_credential,
)

MODELS_TTL_S = 600
MAX_MODELS = 2_000  # a server of somebody's own may list a million

State = SavedAuthentication.State


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one cheap authenticated call said. `message` is a sentence for a person."""

    is_ok: bool
    message: str
    error: ErrorInfo | None = None


def check_credential(*, user: Person, credential_id: UUID | str) -> CheckResult:
    """Try a saved credential and store how it is. Raises NotFound."""
    row = testable_credential(user=user, credential_id=credential_id)
    result = _ask(
        row.provider,
        lambda: interface.check_session(
            row.provider, row.name, auth_type=cast(AuthType, row.auth_type)
        ),
    )
    _store(row, result)
    return result


def try_credential(
    *,
    user: Person,
    provider: str,
    api_key: str,
    base_url: str = "",
    organization: str = "",
    project: str = "",
) -> CheckResult:
    """Try a key that is not saved; nothing is kept. Raises Invalid."""
    credential = api_key_credential(
        provider=provider,
        name="unsaved",
        api_key=api_key,
        base_url=base_url,
        organization=organization,
        project=project,
    )
    return _ask(provider, lambda: interface.check_credential(credential))


def models_for(
    *, user: Person, credential_id: UUID | str, fresh: bool = False
) -> Sequence[Model]:
    """The models this credential may use, best first; ten minutes old at most.

    `fresh` asks the vendor now. Raises NotFound, ProviderError.
    """
    row = credential_for(user=user, credential_id=credential_id)
    # A changed key or address changes `updated_at`: the old list is forgotten with it.
    key = f"models:{row.pk}:{row.updated_at.timestamp()}"
    found: Sequence[Model] | None = None if fresh else cache.get(key)
    if found is None:
        try:
            listed = interface.list_models(
                row.provider, cast(AuthType, row.auth_type), row.name
            )
            found = listed[:MAX_MODELS]
        except (CredentialRejected, CredentialUnreadable) as exc:
            _store(row, _failed(exc))
            raise
        cache.set(key, found, MODELS_TTL_S)
    return found


def _ask(provider: str, call: Callable[[], None]) -> CheckResult:
    try:
        call()
    except ProviderError as exc:
        return _failed(exc)
    label = resolver.provider(provider).label
    return CheckResult(is_ok=True, message=f"{label} accepts this credential.")


def _failed(exc: ProviderError) -> CheckResult:
    return CheckResult(is_ok=False, message=exc.message, error=exc.info())


def _store(row: SavedAuthentication, result: CheckResult) -> None:
    """A vendor that could not be asked says nothing about the key: state as it was."""
    now = timezone.now()
    kind = result.error.kind if result.error else ""
    changes: dict[str, object] = {"cause": result.message[:300], "last_checked_at": now}
    if result.is_ok:
        changes |= {"state": State.OK, "cause": ""}
    elif kind == CredentialRejected.__name__:
        changes |= {"state": State.REJECTED}
    elif kind == CredentialUnreadable.__name__:
        changes |= {"state": State.UNREADABLE}
    elif kind == ConfigurationError.__name__:
        changes.pop("last_checked_at")  # nobody was asked
    # A login may have been renewed while we asked: what was learnt is about that one.
    same = SavedAuthentication.objects.filter(pk=row.pk)
    if row.auth_type != "oauth":
        same = same.filter(secrets=row.secrets)
    else:
        same = same.exclude(state=State.NEEDS_LOGIN)
    same.update(**changes)
