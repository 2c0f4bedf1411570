"""What an audit was of, and how it was asked for: to audit it again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("context_app", "0007_audit_interrupted_back"),
        ("sessions_app", "0014_authors"),
    ]

    operations = [
        migrations.AddField(
            model_name="audit",
            name="can_repeat",
            field=models.BooleanField(default=False, db_default=False),
        ),
        migrations.CreateModel(
            name="AuditSource",
            fields=[
                (
                    "audit",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="source",
                        serialize=False,
                        to="context_app.audit",
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
                ("path", models.CharField(blank=True, max_length=1000)),
                ("pattern", models.CharField(blank=True, max_length=500)),
                ("packed", models.BinaryField(default=b"")),
                (
                    "credential",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="sessions_app.savedauthentication",
                    ),
                ),
            ],
        ),
    ]
