"""Who wrote the questions that were there before conversations could be shared.

Apart from the change of the table: PostgreSQL does both in one transaction unwillingly.
Some at once, each with a transaction of its own: people write to these rows meanwhile, and
would wait for all of them. Killed, it is gone on with: a question with an author is done.
"""

from django.db import migrations
from django.db.models import OuterRef, Subquery

BATCH = 500


def name_the_authors(apps, schema_editor):
    """Until now every question was the owner's."""
    Message = apps.get_model("sessions_app", "Message")
    Conversation = apps.get_model("sessions_app", "Conversation")
    owner = Conversation.objects.filter(pk=OuterRef("conversation"))
    rows = Message.objects.using(schema_editor.connection.alias)
    questions = rows.filter(role="user", author=None).order_by("pk")
    ids = list(questions.values_list("pk", flat=True)[:BATCH])
    while ids:
        rows.filter(pk__in=ids, author=None).update(
            author=Subquery(owner.values("owner")[:1]),
            author_name=Subquery(owner.values("owner__username")[:1]),
        )
        after = questions.filter(pk__gt=ids[-1])
        ids = list(after.values_list("pk", flat=True)[:BATCH])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("sessions_app", "0013_shared_conversations")]

    operations = [migrations.RunPython(name_the_authors, migrations.RunPython.noop)]
