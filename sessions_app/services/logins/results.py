"""How a login ended: a saved credential, or a reason in words. And how it is shown."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from providers import provider as interface
from providers.errors import ProviderError
from providers.oauth.login import Login
from providers.store import name_taken, not_found
from providers.types import Credential
from sessions_app.models import PendingLogin, SavedAuthentication
from sessions_app.sealing.crypto import CryptoError
from sessions_app.services.credentials.changes import seal
from sessions_app.services.logins import listener, rights
from sessions_app.tokens import columns, credential_news
from sessions_app.tokens.store import REPLACED

log = logging.getLogger(__name__)

Status = PendingLogin.Status
MAX_NAMES = 50
EXCHANGE = timedelta(minutes=5)  # longer than the two longest requests of one


def keep(row: PendingLogin, credential: Credential) -> PendingLogin:
    """Store what the vendor gave, under the login's name or the next free one."""
    try:
        saved = _replaced(row, credential) if row.again_id else _added(row, credential)
    except (ProviderError, CryptoError) as exc:
        return fail(row, exc)
    credential_news.ring(saved)
    log.info(
        "login.done",
        extra={
            "login_id": str(row.pk),
            "credential_id": str(saved.pk),
            "provider": row.provider,
            "user_id": row.user_id,
        },
    )
    who = saved.metadata.get("email") or saved.metadata.get("account_id") or ""
    said = f"Signed in{f' as {who}' if who else ''}."
    if row.again is None and saved.name != row.name:
        said += f" The name was taken meanwhile: it is saved as “{saved.name}”."
    if saved.state != SavedAuthentication.State.OK:
        said += f" {saved.cause}"
    return _end(row, Status.DONE, said, saved)


def fail(row: PendingLogin, exc: Exception) -> PendingLogin:
    """It brought no credential; what was there before is untouched."""
    said = exc.message if isinstance(exc, ProviderError) else str(exc)
    log.info(
        "login.failed",
        extra={
            "login_id": str(row.pk),
            "provider": row.provider,
            "error": type(exc).__name__,
            "vendor_code": getattr(exc, "vendor_code", None),
        },
    )
    return _end(row, Status.FAILED, said, None)


def view(row: PendingLogin) -> dict[str, Any]:
    """A login as plain JSON data; what the vendor must not see again is not in it."""
    login: Login | None = getattr(row, "login", None)
    method = interface.login_method(row.provider, row.method)
    # An exchange whose process was killed says so to nobody.
    grace = EXCHANGE if row.status == Status.WORKING else timedelta()
    is_over = row.status not in (Status.WAITING, Status.WORKING)
    is_late = not is_over and row.expires_at + grace <= timezone.now()
    return {
        "id": str(row.pk),
        "provider": row.provider,
        "method": row.method,
        "name": row.name,
        "answer": method.answer,
        "status": "expired" if is_late else row.status,
        "message": row.message,
        "credential_id": str(row.result_id) if row.result_id else None,
        "expires_at": row.expires_at.isoformat(),
        "authorize_url": login.authorize_url if login else "",
        "user_code": login.user_code if login else "",
        "interval_s": login.interval_s if login else None,
        "redirect_uri": login.redirect_uri if login else "",
        "is_listening": listener.is_listening(row.pk),
        "warning": method.warning,
    }


def _added(row: PendingLogin, credential: Credential) -> SavedAuthentication:
    """A new row. Nothing is lost when somebody took the name while the person signed in."""
    saved = SavedAuthentication(provider=row.provider, auth_type="oauth")
    rights.share_as_wanted(row, saved)
    _fill(saved, credential)
    for name in _names(row.name):
        saved.name = name
        try:
            with transaction.atomic():
                saved.save(force_insert=True)
            return saved
        except IntegrityError:
            continue
    raise name_taken(row.name)


def _replaced(row: PendingLogin, credential: Credential) -> SavedAuthentication:
    """New tokens for the credential that was logged in again; its id and name stay."""
    with transaction.atomic():
        rows = SavedAuthentication.objects.select_for_update()
        found = rows.filter(pk=row.again_id or row.pk).first()
        if found is None:
            raise not_found(row.provider, row.name)  # deleted while they signed in
        rights.check_renewal(row, found, credential)
        saved = found
        _fill(saved, credential)
        saved.generation += 1
        saved.lease_holder = ""
        saved.refresh_error = None
        saved.save(update_fields=REPLACED)
    return saved


def _fill(saved: SavedAuthentication, credential: Credential) -> None:
    seal(saved, {key: value.reveal() for key, value in credential.secrets.items()})
    for name, value in columns.of_renewed(credential).items():
        setattr(saved, name, value)


def _names(name: str) -> list[str]:
    return [name, *(f"{name[:46]}-{n}" for n in range(2, MAX_NAMES))]


def _end(
    row: PendingLogin, status: str, said: str, saved: SavedAuthentication | None
) -> PendingLogin:
    """The sealed part has done its work: it goes."""
    listener.stop(row.pk)
    row.status, row.message, row.result, row.sealed = status, said[:400], saved, ""
    PendingLogin.objects.filter(pk=row.pk).update(
        status=status, message=said[:400], result=saved, sealed=""
    )
    row.login = None  # type: ignore[attr-defined]
    return row
