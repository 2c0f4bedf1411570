"""Encrypt every secret, give every row a name, keep an encrypted copy of the old table.

One transaction, repeatable: the product of before reads a table that is all plain or is not
read at all, so on PostgreSQL writers of these rows wait for the end. The copy
(`AuthenticationBackup`) goes with the next release.
"""

from django.db import migrations

from sessions_app.migrations import _old_table


def forward(apps, schema_editor):
    _old_table.encrypt_rows(apps, schema_editor.connection)


def backward(apps, schema_editor):
    _old_table.decrypt_rows(apps, schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0002_team_and_columns")]

    operations = [migrations.RunPython(forward, backward)]
