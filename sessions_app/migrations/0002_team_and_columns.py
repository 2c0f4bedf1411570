"""Teams, the new columns (still empty) and the tables that guard the secrets."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

UUID_KEY = {
    "primary_key": True,
    "default": uuid.uuid4,
    "editable": False,
    "serialize": False,
}
STATES = [
    ("ok", "ok"),
    ("unreadable", "cannot be decrypted"),
    ("rejected", "refused by the provider"),
]


def column(name, field, **options):
    return migrations.AddField("savedauthentication", name, field, **options)


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Team",
            fields=[
                ("id", models.UUIDField(**UUID_KEY)),
                ("name", models.CharField(max_length=80, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="sessions_app.team",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["team", "user"], name="membership_once"
                    )
                ],
            },
        ),
        migrations.AddField(
            "team",
            "members",
            models.ManyToManyField(
                related_name="teams",
                through="sessions_app.Membership",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="AuthenticationBackup",
            fields=[
                ("id", models.UUIDField(**UUID_KEY)),
                ("provider", models.CharField(max_length=100)),
                ("auth_type", models.CharField(max_length=100)),
                ("credentials", models.TextField(editable=False)),
                ("expires_at", models.DateTimeField(null=True, blank=True)),
                ("inserted_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="EncryptionCanary",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        primary_key=True,
                        default=1,
                        editable=False,
                        serialize=False,
                    ),
                ),
                ("token", models.TextField(editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="InstallationFact",
            fields=[
                (
                    "name",
                    models.CharField(max_length=50, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(max_length=200)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        column(
            "name",
            models.CharField(max_length=50, default=""),
            preserve_default=False,
        ),
        column("secrets", models.TextField(blank=True, default="", editable=False)),
        column(
            "base_url",
            models.CharField("base URL", max_length=500, blank=True, default=""),
        ),
        column("metadata", models.JSONField(default=dict, blank=True)),
        column(
            "owner",
            models.ForeignKey(
                null=True,
                blank=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="saved_authentications",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        column(
            "team",
            models.ForeignKey(
                null=True,
                blank=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="saved_authentications",
                to="sessions_app.team",
            ),
        ),
        column("is_shared_with_everyone", models.BooleanField(default=False)),
        column("is_demo", models.BooleanField(default=False)),
        column("state", models.CharField(max_length=12, choices=STATES, default="ok")),
        column("cause", models.CharField(max_length=300, blank=True, default="")),
        column("last_checked_at", models.DateTimeField(null=True, blank=True)),
        column("last_used_at", models.DateTimeField(null=True, blank=True)),
    ]
