"""Fixtures of the context's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction

from tests.context_app import records


@pytest.fixture(scope="module")
def record(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """10,000 events, written once; nothing of them stays."""
    with django_db_blocker.unblock(), transaction.atomic():
        records.write(records.INTENTS)
        yield
        transaction.set_rollback(True)
