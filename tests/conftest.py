"""Fixtures of every test: the emulator, and a database whose canary fits the usual keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as examples

from tests.emulator import ROOT, emulator, emulator_process

__all__ = ["emulator", "emulator_process"]

# A busy machine is no fault of a test: times are for `benchmarks/`.
examples.register_profile(
    "maestro", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
examples.load_profile("maestro")

# What starts servers and waits for them comes first, so that beside others nothing long is
# left over at the end. Given with `--dist loadfile --no-loadscope-reorder` (bin/test).
LONGEST = ("faults", "operations", "scale", "e2e_commands", "outside")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long folders first; the order within stays."""
    folder = ROOT / "tests"
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(
        key=lambda item: ranks.get(item.path.relative_to(folder).parts[0], len(ranks))
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """PostgreSQL drops no database that a thread of ours still has a connection to."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(autouse=True)
def _canary(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """Emptying the database plants a new canary: with the keys of this very test, if it
    has its own and is not done with them yet. The next test has others."""
    yield
    mark = request.node.get_closest_marker("django_db")
    is_emptied = mark is not None and mark.kwargs.get("transaction")
    if not (is_emptied or "transactional_db" in request.fixturenames):
        return
    from sessions_app.models import EncryptionCanary
    from sessions_app.sealing import crypto

    with django_db_blocker.unblock():
        try:
            crypto.verify_canary()
        except crypto.CryptoError:
            EncryptionCanary.objects.all().delete()
            crypto.plant_canary()
