"""Audits say what a list shows of them, which process is at work, and who wants an end."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("context_app", "0004_full_text")]

    operations = [
        migrations.AddField(
            model_name="audit",
            name="summary",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="audit",
            name="worker",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="audit",
            name="stop_requested_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="audit",
            index=models.Index(fields=["state", "updated_at"], name="audit_at_work"),
        ),
    ]
