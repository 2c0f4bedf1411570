"""Full text of messages, titles and chunks, of what is there and of what will come.

PostgreSQL rewrites a table that gets a generated column, and nobody reads it meanwhile.
"""

from django.db import migrations

from context_app.full_text import postgresql, sqlite

_BY_VENDOR = {"sqlite": sqlite, "postgresql": postgresql}


def install(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        _BY_VENDOR[schema_editor.connection.vendor].install(cursor)


def remove(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        _BY_VENDOR[schema_editor.connection.vendor].remove(cursor)


class Migration(migrations.Migration):
    dependencies = [
        ("context_app", "0003_audits"),
        ("sessions_app", "0009_steering"),
    ]

    operations = [migrations.RunPython(install, remove)]
