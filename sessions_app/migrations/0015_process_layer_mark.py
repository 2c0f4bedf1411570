"""Which Redis a process speaks through, so that two of them notice that they differ."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0014_authors")]

    operations = [
        migrations.AddField(
            model_name="serverprocess",
            name="layer_mark",
            field=models.CharField(blank=True, db_default="", max_length=32),
        ),
    ]
