"""The previous product's table becomes ours, without losing a row."""

import re
from datetime import timedelta

import pytest

from sessions_app.migrations import _old_table
from sessions_app.sealing import crypto, key_files
from tests.sessions_app.credentials.databases import empty_database, migrate
from tests.sessions_app.credentials.old_table import (
    BEGIN,
    CANARY,
    NEW,
    OLD,
    fill,
    fingerprint,
    old_row,
    rows_of,
    secrets_of,
)


def test_a_row_is_encrypted_and_named_and_keeps_everything_else(database):
    expires_at = BEGIN + timedelta(days=90)
    fill(
        database,
        lambda table: [
            old_row(
                table,
                "openai",
                "oauth",
                credentials={"access_token": CANARY, "n": {"b": [1, None]}, "a": "ü"},
                expires_at=expires_at,
            )
        ],
    )

    row = rows_of(migrate(database, NEW), database).get()

    assert row.name == "default_openai_oauth"
    assert secrets_of(row) == {
        "access_token": CANARY,
        "n": {"b": [1, None]},
        "a": "ü",
    }
    assert (row.provider, row.auth_type) == ("openai", "oauth")
    assert (row.inserted_at, row.updated_at) == (BEGIN, BEGIN + timedelta(days=1))
    assert row.expires_at == expires_at
    assert (row.owner_id, row.team_id, row.state) == (None, None, "ok")


def test_the_copy_of_the_old_table_is_whole_and_encrypted(database):
    fill(database, lambda table: [old_row(table, f"p{i}") for i in range(3)])

    apps = migrate(database, NEW)

    copies = list(rows_of(apps, database, "AuthenticationBackup").order_by("provider"))
    assert [c.provider for c in copies] == ["p0", "p1", "p2"]
    for copy in copies:
        assert CANARY not in copy.credentials
        context = _old_table.backup_context(copy.pk)
        assert crypto.decrypt(copy.credentials, context) == {"api_key": CANARY}


def test_no_plain_value_stays_in_the_sqlite_file(tmp_path, settings, django_db_blocker):
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key()]
    path = tmp_path / "maestro.sqlite3"
    with django_db_blocker.unblock():
        with empty_database("sqlite", tmp_path) as database:
            fill(database, lambda table: [old_row(table, f"p{i}") for i in range(500)])
        assert CANARY.encode() in path.read_bytes()
        with empty_database("sqlite", tmp_path) as database:
            migrate(database, NEW)
            for file in tmp_path.glob("maestro.sqlite3*"):
                assert CANARY.encode() not in file.read_bytes(), file.name


@pytest.mark.parametrize(
    ("provider", "auth_type", "name"),
    [
        ("openai", "api_key", "default_openai_api_key"),
        ("Open AI", "API key", "default_open_ai_api_key"),
        ("x", "y", "default_x_y"),
    ],
)
def test_the_name_of_an_old_row(provider, auth_type, name):
    assert _old_table.default_name(provider, auth_type) == name


@pytest.mark.parametrize(
    "pair", [("", ""), ("é" * 3, "ключ"), ("p" * 100, "a" * 100), ("a/b", "c.d")]
)
def test_any_two_strings_make_an_allowed_name(pair):
    name = _old_table.default_name(*pair)

    assert re.fullmatch(r"[a-z0-9_-]{3,50}", name)
    assert name == _old_table.default_name(*pair)


def test_pairs_that_look_alike_after_normalising_are_all_kept(database):
    pairs = [
        ("open ai", "api_key"),
        ("Open AI", "api_key"),
        ("open_ai", "api_key"),
        ("open/ai", "api_key"),
        ("open.ai", "api_key"),
        ("q" * 99, "api_key"),
        ("q" * 100, "api_key"),
    ]
    fill(database, lambda table: [old_row(table, *pair) for pair in pairs])
    before = fingerprint(database)

    rows = rows_of(migrate(database, NEW), database)
    assert {(r.provider, r.auth_type) for r in rows.all()} == set(pairs)

    migrate(database, OLD)
    assert fingerprint(database) == before


def test_the_step_may_be_repeated(database):
    fill(database, lambda table: [old_row(table, "openai"), old_row(table, "gemini")])
    apps = migrate(database, "0003_encrypt_and_name")
    before = list(rows_of(apps, database).order_by("pk").values())

    _old_table.encrypt_rows(apps, database)

    assert list(rows_of(apps, database).order_by("pk").values()) == before


def test_a_row_that_an_old_process_adds_in_between_is_not_lost(database):
    fill(database, lambda table: [old_row(table, "openai")])
    apps = migrate(database, "0003_encrypt_and_name")
    rows_of(apps, database).create(
        provider="late", auth_type="api_key", credentials={"api_key": "late-key"}
    )

    row = rows_of(migrate(database, NEW), database).get(provider="late")

    assert secrets_of(row) == {"api_key": "late-key"}
    assert row.name == "default_late_api_key"


def test_an_address_of_the_old_map_finds_its_column(database):
    content = {"api_key": "k", "base_url": "https://llm.lan/v1", "organization": "org"}
    fill(database, lambda table: [old_row(table, "openai", credentials=content)])

    row = rows_of(migrate(database, NEW), database).get()

    assert (row.base_url, row.metadata) == (
        "https://llm.lan/v1",
        {"organization": "org"},
    )


def test_a_migration_that_dies_half_way_leaves_the_old_table(database, monkeypatch):
    fill(database, lambda table: [old_row(table, f"p{i}") for i in range(40)])
    before = fingerprint(database)
    write = _old_table._write
    batches = []

    def die_at_the_third(connection, table, rows):
        batches.append(len(rows))
        if len(batches) == 3:
            raise KeyboardInterrupt
        write(connection, table, rows)

    with monkeypatch.context() as patch:
        patch.setattr(_old_table, "BATCH", 10)
        patch.setattr(_old_table, "_write", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            migrate(database, NEW)
    apps = migrate(database, "0002_team_and_columns")
    assert fingerprint(database) == before
    assert not rows_of(apps, database, "AuthenticationBackup").exists()

    rows = rows_of(migrate(database, NEW), database)
    assert [secrets_of(row) for row in rows.all()] == [{"api_key": CANARY}] * 40
