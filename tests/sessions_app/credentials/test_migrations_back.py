"""The way back: the same table, byte for byte, or a refusal in words."""

import os
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from django.db.models import JSONField, Value

from sessions_app.sealing import crypto, key_files
from tests.sessions_app.credentials.databases import migrate
from tests.sessions_app.credentials.old_table import (
    CANARY,
    NEW,
    OLD,
    fill,
    fingerprint,
    old_row,
    rows_of,
    secrets_of,
)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"api_key": "k", "base_url": "http://127.0.0.1:11434/v1", "organization": "o"},
        {"api_key": "k", "base_url": 7, "project": ["p"]},
        {"_maestro": "theirs", "api_key": "k"},
        ["not", "a", "map"],
        "a string",
        Value(None, JSONField()),
    ],
)
def test_down_and_up_again_gives_the_same_table(database, content):
    fill(database, lambda table: [old_row(table, "p", credentials=content)])
    before = fingerprint(database)
    up = rows_of(migrate(database, NEW), database).get()

    migrate(database, OLD)
    assert fingerprint(database) == before

    again = rows_of(migrate(database, NEW), database).get()
    assert secrets_of(again) == secrets_of(up)
    assert (again.name, again.base_url, again.metadata) == (
        up.name,
        up.base_url,
        up.metadata,
    )


def test_what_the_old_table_has_no_column_for_survives_the_way_down_and_up(database):
    fill(database, lambda table: [])
    apps = migrate(database, NEW)
    migrate_auth(database)
    alice = User.objects.using(database.alias).create(username="alice")
    row_id = uuid4()
    rows_of(apps, database).create(
        id=row_id,
        provider="openai",
        auth_type="api_key",
        name="work",
        owner_id=alice.pk,
        base_url="http://127.0.0.1:1/v1",
        metadata={"plan": "team"},
        is_shared_with_everyone=True,
        secrets=crypto.encrypt({"api_key": "k"}, crypto.secrets_context(row_id)),
    )

    migrate(database, OLD)
    row = rows_of(migrate(database, NEW), database).get()

    assert (row.name, row.owner_id, row.base_url) == (
        "work",
        alice.pk,
        "http://127.0.0.1:1/v1",
    )
    assert row.metadata == {"plan": "team"}
    assert row.is_shared_with_everyone
    assert secrets_of(row) == {"api_key": "k"}


def migrate_auth(connection):
    executor = MigrationExecutor(connection)
    executor.migrate([n for n in executor.loader.graph.leaf_nodes() if n[0] == "auth"])


def two_names(apps, database):
    for name in ("work", "home"):
        row_id = uuid4()
        rows_of(apps, database).create(
            id=row_id,
            provider="openai",
            auth_type="api_key",
            name=name,
            secrets=crypto.encrypt({"api_key": name}, crypto.secrets_context(row_id)),
        )


def test_it_refuses_to_go_back_where_a_name_would_be_lost(database):
    fill(database, lambda table: [])
    apps = migrate(database, NEW)
    two_names(apps, database)

    with pytest.raises(IrreversibleError, match=r"Refused.*openai/api_key"):
        migrate(database, OLD)

    apps = migrate(database, NEW)
    assert sorted(secrets_of(r)["api_key"] for r in rows_of(apps, database).all()) == [
        "home",
        "work",
    ]


def test_it_refuses_to_go_back_over_a_secret_it_cannot_read(database, settings):
    fill(database, lambda table: [old_row(table, "openai")])
    apps = migrate(database, NEW)
    keys = settings.MAESTRO_ENCRYPTION_KEYS
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key()]

    with pytest.raises(IrreversibleError, match="cannot be read"):
        migrate(database, OLD)

    settings.MAESTRO_ENCRYPTION_KEYS = keys
    apps = migrate(database, NEW)
    assert secrets_of(rows_of(apps, database).get()) == {"api_key": CANARY}


def test_it_refuses_to_go_back_over_teams(database):
    fill(database, lambda table: [])
    apps = migrate(database, NEW)
    rows_of(apps, database, "Team").create(name="Core")

    with pytest.raises(IrreversibleError, match="teams"):
        migrate(database, OLD)
    apps = migrate(database, NEW)
    assert rows_of(apps, database, "Team").get().name == "Core"


@pytest.mark.timeout(600)
def test_many_rows_go_forward_and_back(database):
    count = 100_000 if os.environ.get("MAESTRO_PROOF_RUNS") else 20_000
    fill(
        database,
        lambda table: [
            old_row(
                table, f"provider-{i}", credentials={"api_key": f"sk-{i}", "n": [i]}
            )
            for i in range(count)
        ],
    )
    before = fingerprint(database)
    assert before[0] == count

    apps = migrate(database, NEW)
    rows = rows_of(apps, database)
    assert rows.count() == count
    assert rows.values("name").distinct().count() == count
    for row in rows.order_by("pk")[:: count // 50]:
        number = int(row.provider.removeprefix("provider-"))
        assert secrets_of(row) == {"api_key": f"sk-{number}", "n": [number]}

    migrate(database, OLD)

    assert fingerprint(database) == before
