"""The way back from rules with a scope: refused in words while there are any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor

from tests.sessions_app.credentials.databases import empty_database

BEFORE, AFTER = "0008_audit_sources", "0009_policy_scope"


def migrate(connection: BaseDatabaseWrapper, name: str) -> Any:
    """The rules as they are at this migration."""
    MigrationExecutor(connection).migrate([("context_app", name)])
    state = MigrationExecutor(connection).loader.project_state(("context_app", name))
    return state.apps.get_model("context_app", "PolicyRule").objects.using(
        connection.alias
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_rule_never_loses_its_scope_on_the_way_back(
    kind: str, tmp_path: Path, django_db_setup: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), empty_database(kind, tmp_path) as found:
        migrate(found, BEFORE).create(name="old", tool="shell", action="run")
        rules = migrate(found, AFTER)
        assert rules.get().scope == ""
        rules.create(name="words", scope="*delete*", action="refuse", is_active=False)

        with pytest.raises(IrreversibleError, match="“words”"):
            migrate(found, BEFORE)
        assert rules.get(name="words").scope == "*delete*"

        rules.filter(name="words").delete()
        migrate(found, BEFORE).create(name="older", action="ask")
        assert migrate(found, AFTER).count() == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_of_the_version_before_go_on_writing_until_they_are_restarted(
    kind: str, tmp_path: Path, django_db_setup: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), empty_database(kind, tmp_path) as found:
        state = MigrationExecutor(found).loader.project_state(
            [
                ("context_app", "0007_audit_interrupted_back"),
                ("sessions_app", "0014_authors"),
            ]
        )
        rules = migrate(found, AFTER)
        of_before = [
            state.apps.get_model(app, name).objects.using(found.alias)
            for app, name in (
                ("auth", "User"),
                ("context_app", "PolicyRule"),
                ("context_app", "Audit"),
            )
        ]
        users, older_rules, older_audits = of_before
        older_rules.create(name="older", action="ask")
        older_audits.create(owner=users.create(username="a"), source_name="a.py")
        assert rules.get().scope == ""
