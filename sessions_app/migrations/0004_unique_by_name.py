"""Several names per provider and auth type; the plain column goes.

Backwards it refuses where two names share a provider and an auth type: the old table has
room for one. Once committed, the database file is rewritten, so that no plain value is
left in its free pages.
"""

import logging

from django.db import migrations, models, transaction
from django.db.migrations.exceptions import IrreversibleError
from django.db.models import Count
from django.db.utils import DatabaseError

from sessions_app.migrations import _old_table

log = logging.getLogger(__name__)


def encrypt_stragglers(apps, schema_editor):
    """Rows an old process added since 0003: the column below must not take them along."""
    _old_table.encrypt_rows(apps, schema_editor.connection)


def refuse_to_lose_a_name(apps, schema_editor):
    table = apps.get_model("sessions_app", "SavedAuthentication")
    doubles = (
        table.objects.using(schema_editor.connection.alias)
        .order_by("provider", "auth_type")
        .values("provider", "auth_type")
        .annotate(rows=Count("pk"))
        .filter(rows__gt=1)
    )
    first = doubles.first()
    if first is not None:
        raise IrreversibleError(
            f"Refused: {doubles.count()} provider(s) have several names for one kind of "
            f"login ({first['rows']} for {first['provider']}/{first['auth_type']}). The "
            "older version has room for one each: delete the others first."
        )


def scrub_after_commit(apps, schema_editor):
    table = apps.get_model("sessions_app", "SavedAuthentication")
    connection = schema_editor.connection
    if table.objects.using(connection.alias).exists():
        name = connection.ops.quote_name(table._meta.db_table)
        transaction.on_commit(
            lambda: _scrub(connection, name), using=connection.alias, robust=True
        )


def _scrub(connection, table):
    """Rewrite the file: updated and dropped values stay in it until then."""
    statements = {
        "sqlite": ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"],
        "postgresql": [f"VACUUM FULL {table}"],
    }
    try:
        with connection.cursor() as cursor:
            for statement in statements.get(connection.vendor, []):
                cursor.execute(statement)
    except DatabaseError as exc:
        # Somebody reads the database just now. Nothing is lost, only not yet scrubbed.
        log.warning(
            "secrets.scrub_skipped",
            extra={"error_type": type(exc).__name__, "hint": "run VACUUM FULL by hand"},
        )


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0003_encrypt_and_name")]

    # Backwards they run from the last to the first: the refusal before everything.
    operations = [
        migrations.RunPython(encrypt_stragglers, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            "savedauthentication", "saved_authentication_unique_pair"
        ),
        migrations.AddConstraint(
            "savedauthentication",
            models.UniqueConstraint(
                fields=["provider", "auth_type", "name"],
                name="saved_authentication_unique",
            ),
        ),
        migrations.RemoveField("savedauthentication", "credentials"),
        migrations.RunPython(scrub_after_commit, migrations.RunPython.noop),
        migrations.RunPython(migrations.RunPython.noop, refuse_to_lose_a_name),
    ]
