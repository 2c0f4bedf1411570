"""The provider interface's `CredentialStore`, over `SavedAuthentication`.

Installed once when Django starts. Trusted code below the services: it knows no user; who
may use a credential was decided before. It records when a secret was last handed out and
when one cannot be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from providers import provider as interface
from providers.errors import CredentialUnreadable
from providers.names import normalise_name
from providers.store import Lease, name_taken, not_found
from providers.types import AuthType, Credential
from sessions_app.models.authentication import (
    SavedAuthentication,
    SavedAuthenticationQuerySet,
)
from sessions_app.tokens import columns, leases

# Writing the time of every single use would double the writes of a busy credential.
LAST_USED_STEP = timedelta(seconds=30)

LASTING_S = 60.0  # from here on a limit is shown as a state

# What changes when a credential gets new secrets.
REPLACED = [
    "secrets",
    "generation",
    "metadata",
    "expires_at",
    "refresh_at",
    "state",
    "cause",
    "limited_until",
    "lease_holder",
    "refresh_error",
    "updated_at",
]


def install() -> None:
    """Let the interface use the database; called when Django is ready."""
    interface.use_store(DjangoCredentialStore())


class DjangoCredentialStore:
    """Saved authentications as the interface sees them."""

    def find(self, provider: str, name: str) -> Sequence[AuthType]:
        rows = SavedAuthentication.objects.filter(provider=provider, name=name)
        return cast(
            list[AuthType],
            list(rows.order_by("auth_type").values_list("auth_type", flat=True)),
        )

    def get(self, provider: str, auth_type: AuthType, name: str) -> Credential:
        row = self._rows(provider, auth_type, name).first()
        if row is None:
            raise not_found(provider, name)
        try:
            credential = row.as_credential()
        except CredentialUnreadable as exc:
            record_state(row, SavedAuthentication.State.UNREADABLE, exc.message)
            raise
        return credential

    def create(self, credential: Credential) -> None:
        row = SavedAuthentication(
            provider=credential.provider,
            auth_type=credential.auth_type,
            name=normalise_name(credential.name),
            base_url=credential.base_url,
        )
        _fill(row, credential)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise name_taken(credential.name) from None

    def replace(self, credential: Credential) -> None:
        """New secrets for the row of this key. Raises CredentialNotFound."""
        with transaction.atomic():
            rows = self._rows(
                credential.provider, credential.auth_type, credential.name
            )
            row = rows.select_for_update().first()
            if row is None:
                raise not_found(credential.provider, credential.name)
            _fill(row, credential)
            row.generation += 1
            row.lease_holder = ""
            row.refresh_error = None
            row.save(update_fields=REPLACED)

    def used(self, credential: Credential) -> None:
        """At most once in `LAST_USED_STEP`: a busy credential is used all the time."""
        now = timezone.now()
        is_due = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_STEP)
        rows = self._rows(credential.provider, credential.auth_type, credential.name)
        rows.filter(is_due).update(last_used_at=now)

    def note(self, credential: Credential) -> None:
        """Store its metadata, unless it was renewed meanwhile."""
        rows = self._rows(credential.provider, credential.auth_type, credential.name)
        rows.filter(generation=credential.generation).update(
            metadata=credential.metadata
        )

    def lease(self, credential: Credential) -> Lease | None:
        return leases.take(credential)

    def rest(self) -> None:
        """Whoever waits keeps no connection: there are fewer of them than threads."""
        leases.give_back_connection()

    def delete(self, provider: str, auth_type: AuthType, name: str) -> bool:
        deleted, _ = self._rows(provider, auth_type, name).delete()
        return deleted > 0

    def _rows(
        self, provider: str, auth_type: str, name: str
    ) -> SavedAuthenticationQuerySet:
        return SavedAuthentication.objects.filter(
            provider=provider, auth_type=auth_type, name=name
        )


def record_state(row: SavedAuthentication, state: str, cause: str) -> None:
    """Note how a credential is, unless its secret has been replaced meanwhile."""
    SavedAuthentication.objects.filter(pk=row.pk, secrets=row.secrets).update(
        state=state, cause=cause[:300]
    )


def record_limit(row: SavedAuthentication, wait_s: float | None) -> None:
    """Note a limit of the vendor's that lasts; a short one is a wait and no state."""
    if wait_s is None or wait_s < LASTING_S:
        return
    until = timezone.now() + timedelta(seconds=min(wait_s, 35 * 86_400))
    SavedAuthentication.objects.filter(pk=row.pk).update(limited_until=until)


def _fill(row: SavedAuthentication, credential: Credential) -> None:
    row.seal({key: value.reveal() for key, value in credential.secrets.items()})
    for name, value in columns.of_renewed(credential).items():
        setattr(row, name, value)
