"""The lease on a saved authentication while its login is renewed: a few columns and CAS.

`lease_holder` names the process, `lease_beat` grows while it works. Others take a lease
over when the holder's process is dead, or when its beat stood still for `STALE_S` by their
own monotonic clock. No wall clock decides, so a jump of one changes nothing, and no
transaction is open while the vendor is asked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.models import F
from django.utils import timezone

from providers.errors import (
    CredentialNotFound,
    CredentialRejected,
    ProviderError,
    ProviderUnavailable,
)
from providers.events import ErrorInfo
from providers.store import not_found
from providers.types import Credential, Secret
from sessions_app import metrics
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.processes import identity, is_dead
from sessions_app.sealing import spool
from sessions_app.sealing.crypto import CryptoError
from sessions_app.tokens import columns, credential_news

log = logging.getLogger(__name__)

T = TypeVar("T")

STALE_S = 8.0  # four beats
_BUSY_TRIES, _BUSY_REST_S = 5, 0.3

_watched: dict[UUID, tuple[str, int, float]] = {}
_watch_lock = threading.Lock()


def take(credential: Credential) -> DatabaseLease | None:
    """The lease on this generation, or None while somebody works on it.

    Raises CredentialRejected when the vendor has ended this login, CredentialNotFound.
    """
    row = SavedAuthentication.objects.filter(
        provider=credential.provider,
        auth_type=credential.auth_type,
        name=credential.name,
    ).first()
    if row is None:
        raise not_found(credential.provider, credential.name)
    if row.generation != credential.generation:
        return None  # it has been renewed: the caller reads it again
    is_over = row.state == SavedAuthentication.State.NEEDS_LOGIN
    if is_over and not spool.is_there(row.pk, row.generation):
        raise CredentialRejected(
            row.cause or "This login has ended. Log in again.", provider=row.provider
        )
    if row.lease_holder and not _is_abandoned(row):
        return None
    same = SavedAuthentication.objects.filter(
        pk=row.pk,
        generation=row.generation,
        lease_holder=row.lease_holder,
        lease_beat=row.lease_beat,
    )
    try:
        changed = same.update(lease_holder=identity(), lease_beat=F("lease_beat") + 1)
    except OperationalError:  # full, read-only, locked: nothing is asked then
        raise ProviderUnavailable(
            "This login cannot be renewed: the database takes no changes just now.",
            provider=row.provider,
        ) from None
    if not changed:
        return None
    _unwatch(row.pk)
    return DatabaseLease(row, credential)


class DatabaseLease:
    """See `providers.store.Lease`."""

    def __init__(self, row: SavedAuthentication, credential: Credential) -> None:
        self._row = row
        self._seen = credential
        # Whoever died or fell silent had no answer: an error is from another time then.
        was_given_back = not row.lease_holder
        self.last_error = _error_info(row.refresh_error) if was_given_back else None
        ended = row.last_refresh_at  # by a clock that may have been set back since
        self.failed_ago_s = (
            abs((timezone.now() - ended).total_seconds()) if ended else None
        )

    def beat(self) -> bool:
        """Called while the vendor is asked: keeps no connection."""
        try:
            return bool(self._mine().update(lease_beat=F("lease_beat") + 1))
        except Error as exc:
            log.warning("refresh.beat_failed", extra={"error": type(exc).__name__})
            return True  # nobody told us otherwise
        finally:
            give_back_connection()

    def spooled(self) -> Credential | None:
        """What a dead process had received for this generation."""
        found = spool.read(self._row.pk, self._row.generation)
        if found is None:
            return None
        log.warning("refresh.recovered", extra={"credential_id": str(self._row.pk)})
        try:
            return msgspec.structs.replace(
                self._seen,
                secrets={k: Secret(v) for k, v in found["secrets"].items()},
                metadata=found["metadata"],
                expires_at=found["expires_at"],
                problem=found.get("problem", ""),
            )
        except (KeyError, TypeError, AttributeError):
            return None

    def spool(self, fresh: Credential) -> None:
        """Without room on the disk we go on: the database may still have some."""
        value = {
            "secrets": {k: v.reveal() for k, v in fresh.secrets.items()},
            "metadata": fresh.metadata,
            "expires_at": fresh.expires_at,
            "problem": fresh.problem,
        }
        try:
            spool.write(self._row.pk, self._row.generation, value)
        except (OSError, CryptoError) as exc:
            log.error(
                "refresh.not_spooled",
                extra={
                    "credential_id": str(self._row.pk),
                    "error": type(exc).__name__,
                },
            )

    def store(self, fresh: Credential) -> Credential:
        """Generation + 1. A row that changed meanwhile keeps what it has.

        Raises CredentialNotFound when it was deleted, ProviderUnavailable when the
        database takes nothing: the spooled copy then waits for the next attempt.
        """
        row = self._row
        row.seal({k: v.reveal() for k, v in fresh.secrets.items()})
        changes = {
            **columns.of_renewed(fresh),
            "secrets": row.secrets,
            "generation": row.generation + 1,
            "lease_holder": "",
            "refresh_error": None,
            "last_refresh_at": timezone.now(),
            "updated_at": timezone.now(),
        }
        same = SavedAuthentication.objects.filter(pk=row.pk, generation=row.generation)
        changed = self._patiently(lambda: same.update(**changes))
        metrics.refreshed(row.provider, "ok")
        if changed:
            log.info("refresh.stored", extra={"credential_id": str(row.pk)})
            stored = msgspec.structs.replace(fresh, generation=row.generation + 1)
            credential_news.changed(row.pk)
            return stored
        current = SavedAuthentication.objects.filter(pk=row.pk).first()
        if current is None:
            spool.forget(row.pk, row.generation)
            raise not_found(row.provider, row.name)
        return current.as_credential()

    def forget_spool(self) -> None:
        """The stored row has it."""
        spool.forget(self._row.pk, self._row.generation)

    def release(self, problem: ProviderError | None) -> None:
        """Never raises: a lease that cannot be given back goes stale by itself."""
        changes: dict[str, Any] = {
            "lease_holder": "",
            "lease_beat": F("lease_beat") + 1,
        }
        if problem is not None and not isinstance(problem, CredentialNotFound):
            changes |= columns.of_failed(problem)
            metrics.refreshed(self._row.provider, type(problem).__name__)
            log.warning(
                "refresh.failed",
                extra={
                    "credential_id": str(self._row.pk),
                    "error": type(problem).__name__,
                    "vendor_code": problem.vendor_code,
                    "status": problem.status,
                },
            )
        try:
            self._mine().update(**changes)
        except Error as exc:
            log.warning("refresh.not_released", extra={"error": type(exc).__name__})
            return
        if problem is not None:
            credential_news.changed(self._row.pk)

    def _mine(self) -> Any:
        return SavedAuthentication.objects.filter(
            pk=self._row.pk,
            generation=self._row.generation,
            lease_holder=identity(),
        )

    def _patiently(self, work: Callable[[], T]) -> T:
        for _ in range(_BUSY_TRIES - 1):
            try:
                return work()
            except (OperationalError, InterfaceError):
                give_back_connection()  # it may have died while the vendor was asked
                time.sleep(_BUSY_REST_S)
        try:
            return work()
        except Error as exc:
            log.error("refresh.not_stored", extra={"error": type(exc).__name__})
            raise ProviderUnavailable(
                "The renewed login could not be stored. It is kept aside and stored with "
                "the next attempt.",
                provider=self._row.provider,
            ) from None


def give_back_connection() -> None:
    """To the pool, unless this thread is in the middle of a transaction."""
    if not connection.in_atomic_block:
        connection.close()


def _is_abandoned(row: SavedAuthentication) -> bool:
    """Whether the holder is gone: dead, ourselves (one flight a process), or silent."""
    if row.lease_holder == identity() or is_dead(row.lease_holder):
        return True
    now = time.monotonic()
    with _watch_lock:
        holder, beat, since = _watched.get(row.pk, ("", -1, now))
        if (holder, beat) != (row.lease_holder, row.lease_beat):
            _watched[row.pk] = (row.lease_holder, row.lease_beat, now)
            return False
    return now - since >= STALE_S


def _unwatch(row_id: UUID) -> None:
    with _watch_lock:
        _watched.pop(row_id, None)


def _error_info(value: Any) -> ErrorInfo | None:
    if not isinstance(value, dict):
        return None
    try:
        return msgspec.convert(value, ErrorInfo)
    except msgspec.ValidationError:
        return None
