"""The table of the previous product: one plain credential per provider and auth type.

An installation that has the table already is taken over with `migrate --fake-initial`.
"""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SavedAuthentication",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        primary_key=True,
                        default=uuid.uuid4,
                        editable=False,
                        serialize=False,
                    ),
                ),
                ("provider", models.CharField(max_length=100)),
                ("auth_type", models.CharField(max_length=100)),
                ("credentials", models.JSONField(default=dict, blank=True)),
                ("expires_at", models.DateTimeField(null=True, blank=True)),
                ("inserted_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["provider", "auth_type"],
                        name="saved_authentication_unique_pair",
                    )
                ],
            },
        ),
    ]
