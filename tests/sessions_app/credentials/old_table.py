"""The previous product's table: filled, hashed, and read after the migration."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sessions_app.sealing import crypto
from tests.sessions_app.credentials.databases import migrate

OLD = "0001_initial"
NEW = "0005_sharing"
CANARY = "sk-canary-5e1f0c77"
BEGIN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def old_row(table, provider, auth_type="api_key", **fields):
    defaults = {
        "id": uuid4(),
        "credentials": {"api_key": CANARY},
        "inserted_at": BEGIN,
        "updated_at": BEGIN + timedelta(days=1),
    }
    return table(provider=provider, auth_type=auth_type, **defaults | fields)


def fill(connection, rows):
    """Old rows, with their own times (auto_now would overwrite them)."""
    table = migrate(connection, OLD).get_model("sessions_app", "SavedAuthentication")
    for name in ("inserted_at", "updated_at"):
        field = table._meta.get_field(name)
        field.auto_now = field.auto_now_add = False
    table.objects.using(connection.alias).bulk_create(
        rows(table), batch_size=2000 if connection.vendor == "postgresql" else None
    )


def fingerprint(connection):
    """A hash of the whole old table, values as the database gives them."""
    digest = hashlib.sha256()
    count = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, provider, auth_type, credentials, expires_at, inserted_at, "
            "updated_at FROM sessions_app_savedauthentication ORDER BY id"
        )
        for row in cursor.fetchall():
            count += 1
            digest.update(repr(row).encode())
    return count, digest.hexdigest()


def rows_of(apps, connection, model="SavedAuthentication"):
    return apps.get_model("sessions_app", model).objects.using(connection.alias)


def secrets_of(row):
    return crypto.decrypt(row.secrets, crypto.secrets_context(row.pk))
