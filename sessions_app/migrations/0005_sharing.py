"""A credential is personal, a team's, or everyone's: not two of them at once."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0004_unique_by_name")]

    operations = [
        migrations.AlterModelOptions(
            "savedauthentication",
            {
                "verbose_name": "credential",
                "verbose_name_plural": "credentials",
                "ordering": ["provider", "name"],
            },
        ),
        migrations.AddConstraint(
            "savedauthentication",
            models.CheckConstraint(
                condition=Q(team=None) | Q(is_shared_with_everyone=False),
                name="saved_authentication_shared_one_way",
            ),
        ),
    ]
