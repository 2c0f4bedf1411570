"""What may be done with a saved login: renew it, change its mode, take it back."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from providers import provider as interface
from providers.errors import CredentialRejected, ProviderError
from providers.events import ErrorInfo
from sessions_app.errors import Invalid
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.person import Person
from sessions_app.services.credentials.changes import revoke_at_vendor
from sessions_app.services.credentials.checks import CheckResult
from sessions_app.services.credentials.rows import managed_credential

log = logging.getLogger(__name__)


def refresh_credential(*, user: Person, credential_id: UUID | str) -> CheckResult:
    """Renew a login now. Raises NotFound, NotAllowed, Invalid for what is no login."""
    row = _login(user, credential_id)
    try:
        expires_at = interface.refresh_tokens(row.provider, row.name, auth_type="oauth")
    except ProviderError as exc:
        return _failed(exc)
    return CheckResult(is_ok=True, message=f"Renewed; good until {_day(expires_at)}.")


def choose_mode(*, user: Person, credential_id: UUID | str, mode: str) -> CheckResult:
    """Use a login in another mode of its vendor. The login is kept whatever happens.

    Raises NotFound, NotAllowed, Invalid.
    """
    row = _login(user, credential_id)
    try:
        now = interface.choose_mode(row.provider, row.name, mode)
    except CredentialRejected as exc:
        return _failed(exc)
    except ProviderError as exc:
        raise Invalid(exc.message, field="mode") from None
    return CheckResult(is_ok=True, message=f"This login is used in {now} mode.")


def revoke_credential(*, user: Person, credential_id: UUID | str) -> CheckResult:
    """Take a login back at its vendor; it stays here, saying that it needs a new one.

    Raises NotFound, NotAllowed, Invalid.
    """
    row = _login(user, credential_id)
    if not revoke_at_vendor(row):
        return CheckResult(
            is_ok=False,
            message="This vendor has no way to take a login back from here, or did not "
            "answer. Remove it in your account settings there, then delete it here.",
        )
    SavedAuthentication.objects.filter(pk=row.pk, generation=row.generation).update(
        state=SavedAuthentication.State.NEEDS_LOGIN,
        cause="The login was taken back. Log in again to use it.",
        refresh_at=None,
        # A renewal under way belongs to the login that was taken back.
        generation=F("generation") + 1,
        updated_at=timezone.now(),
    )
    log.info("credential.revoked", extra={"credential_id": str(row.pk)})
    return CheckResult(is_ok=True, message="Taken back at the vendor.")


def _login(user: Person, credential_id: UUID | str) -> SavedAuthentication:
    row = managed_credential(user=user, credential_id=credential_id)
    if row.auth_type != "oauth":
        raise Invalid("An API key is no login: replace the key instead.")
    return row


def _failed(exc: ProviderError) -> CheckResult:
    error: ErrorInfo = exc.info()
    return CheckResult(is_ok=False, message=exc.message, error=error)


def _day(expires_at: str | None) -> str:
    return (
        expires_at[:16].replace("T", " ") + " UTC" if expires_at else "further notice"
    )
