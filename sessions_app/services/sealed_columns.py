"""Every place of the database that holds an encrypted value, and what each is bound to.

Rotation, verification of backups and the report of keys in use all go by this list. A new
encrypted column belongs here (a test compares the list with the callers of `crypto`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connections

from sessions_app.sealing import crypto


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One encrypted column. `context` makes of a primary key what the value is bound to."""

    model: str
    field: str
    context: Callable[[Any], str]
    label: str  # for people, plural

    @property
    def table(self) -> str:
        """The table's name in the database."""
        return str(self._model()._meta.db_table)

    def rows(self, using: str = "default") -> Any:
        """A queryset over all rows of the table."""
        return self._model()._base_manager.using(using)

    def to_database(self, using: str, pk: Any) -> Any:
        """A primary key as this database wants it in plain SQL."""
        key: Any = self._model()._meta.pk
        return key.get_db_prep_value(pk, connections[using])

    def key_from_text(self, text: str) -> Any:
        """A primary key as Python has it. Raises ValueError."""
        try:
            return self._model()._meta.pk.to_python(text)
        except ValidationError:
            raise ValueError("not a primary key") from None

    def _model(self) -> Any:
        return apps.get_model("sessions_app", self.model)


def _pending_login(pk: UUID) -> str:
    return f"pending_login|{pk}|sealed"


def _old_row(pk: UUID) -> str:
    return f"authentication_backup|{pk}|credentials"


def _canary(pk: int) -> str:
    return crypto.CANARY_CONTEXT


COLUMNS = (
    SealedColumn("EncryptionCanary", "token", _canary, "canary"),
    SealedColumn(
        "SavedAuthentication", "secrets", crypto.secrets_context, "credentials"
    ),
    SealedColumn("PendingLogin", "sealed", _pending_login, "pending logins"),
    SealedColumn(
        "AuthenticationBackup", "credentials", _old_row, "rows of the old table"
    ),
)


def present(using: str = "default") -> Iterator[SealedColumn]:
    """Those whose table this database has: an older one may lack some."""
    tables = set(connections[using].introspection.table_names())
    for column in COLUMNS:
        if column.table in tables:
            yield column


def key_id(token: str) -> str:
    """The id of the key that a value was encrypted with; "?" when it names none."""
    parts = token.split(":", 2)
    is_ours = len(parts) == 3 and parts[0] == crypto.VERSION
    return parts[1][:8] if is_ours else "?"
