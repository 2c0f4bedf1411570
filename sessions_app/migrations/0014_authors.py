"""Who wrote the questions that were there before conversations could be shared.

Apart from the change of the table: PostgreSQL does both in one transaction unwillingly.
"""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def name_the_authors(apps, schema_editor):
    """Until now every question was the owner's."""
    Message = apps.get_model("sessions_app", "Message")
    Conversation = apps.get_model("sessions_app", "Conversation")
    owner = Conversation.objects.filter(pk=OuterRef("conversation"))
    rows = Message.objects.using(schema_editor.connection.alias)
    rows.filter(role="user", author=None).update(
        author=Subquery(owner.values("owner")[:1]),
        author_name=Subquery(owner.values("owner__username")[:1]),
    )


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0013_shared_conversations")]

    operations = [migrations.RunPython(name_the_authors, migrations.RunPython.noop)]
