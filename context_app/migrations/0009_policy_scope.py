"""Rules about what a model declares that it touches; they may only ask or refuse."""

from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError


def forward(apps, schema_editor):
    """Rules that are here have no scope."""


def backward(apps, schema_editor):
    """Without its scope a rule would ask about, or refuse, far more than was meant."""
    rules = apps.get_model("context_app", "PolicyRule").objects
    named = rules.using(schema_editor.connection.alias).exclude(scope="")
    if names := ", ".join(f"“{name}”" for name in named.values_list("name", flat=True)):
        raise IrreversibleError(
            f"Refused: the older version knows no scope, and would apply {names} to every "
            "call. Delete these policy rules, or empty their scope, first."
        )


class Migration(migrations.Migration):
    dependencies = [("context_app", "0008_audit_sources")]

    operations = [
        migrations.AddField(
            model_name="policyrule",
            name="scope",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="What the model says it touches, for example *delete*, in "
                "capitals or not. Its own words: only to ask or to refuse.",
                max_length=300,
            ),
        ),
        migrations.AddConstraint(
            model_name="policyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(scope="") | ~models.Q(action="run"),
                name="policy_scope_never_runs",
                violation_error_message="A rule with a scope asks or refuses; it never "
                "runs, because the scope is the model's own words.",
            ),
        ),
        # Last, so that the way back begins with it, while the column is still there.
        migrations.RunPython(forward, backward),
    ]
