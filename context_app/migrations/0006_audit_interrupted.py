"""Room for a state: an audit whose server died is interrupted, and keeps what was found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("context_app", "0005_audit_facts")]

    operations = [
        migrations.AlterField(
            model_name="audit",
            name="state",
            field=models.CharField(
                choices=[
                    ("running", "Running"),
                    ("done", "Done"),
                    ("stopped", "Stopped"),
                    ("interrupted", "Interrupted"),
                    ("failed", "Failed"),
                ],
                default="running",
                max_length=11,
            ),
        ),
    ]
