"""Fixtures of the context's tests."""

from __future__ import annotations

import contextlib
import os
import resource
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


@pytest.fixture
def a_thousand_pages() -> Iterator[None]:
    """As many descriptors as open pages take: what is opened now gets a higher number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    with contextlib.ExitStack() as held:
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):
            held.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        yield
