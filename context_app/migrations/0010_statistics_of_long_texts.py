"""PostgreSQL knows how few texts are long, so that a search asks its indexes (see
`full_text/postgresql.py`). Nobody waits for it."""

from django.db import migrations

from context_app.full_text import postgresql


def count(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            postgresql.count_long(cursor)


def forget(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            postgresql.forget_long(cursor)


class Migration(migrations.Migration):
    dependencies = [("context_app", "0009_policy_scope")]

    operations = [migrations.RunPython(count, forget)]
