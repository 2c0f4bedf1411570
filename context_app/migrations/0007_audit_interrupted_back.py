"""On the way back, audits that were interrupted failed: an older Maestro knows no better."""

from django.db import migrations


def backward(apps, schema_editor):
    rows = apps.get_model("context_app", "Audit").objects
    rows = rows.using(schema_editor.connection.alias)
    rows.filter(state="interrupted").update(state="failed")


class Migration(migrations.Migration):
    dependencies = [("context_app", "0006_audit_interrupted")]

    # Forward there is nothing to do: no row has the new state yet.
    operations = [migrations.RunPython(migrations.RunPython.noop, backward)]
