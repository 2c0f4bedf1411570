"""F33: two workers share one queue; what is due is done by one of them."""

from __future__ import annotations

import time

import pytest

from tests.faults.refreshing import note
from tests.faults.world import until
from tests.scale.installation import Installation

# The first of them starts the installation: four processes and two servers.
pytestmark = pytest.mark.timeout(300)

# A scheduler looks every thirty seconds, and both have looked by then.
BOTH_HAVE_LOOKED_S = 35.0


def fired(installation: Installation, name: str) -> int:
    found = installation.sql(
        f"SELECT count(*) FROM django_q_task WHERE func = 'sessions_app.tasks.{name}'"
    )
    return int(found[0][0])


def test_a_schedule_fires_once_in_its_period_however_many_workers_look(
    installation: Installation,
) -> None:
    """Housekeeping was due when both started, and is due again in an hour."""
    until(
        lambda: fired(installation, "housekeeping"),
        "it fires", installation.output, within_s=45,
    )  # fmt: skip
    time.sleep(
        max(0.0, installation.started_at + BOTH_HAVE_LOOKED_S - time.monotonic())
    )
    assert fired(installation, "housekeeping") == 1
    workers = installation.sql(
        "SELECT id FROM sessions_app_serverprocess WHERE role = 'worker'"
    )
    assert len(workers) == 2, workers
    note(f"{fired(installation, 'refresh_due')} sweeps of two workers")


def test_one_worker_goes_and_the_other_works_on(installation: Installation) -> None:
    """Its row goes with it, and what it counted stays."""
    first = installation.workers[0]
    first.terminate()
    assert first.wait(20) == 0
    assert installation.sql(
        "SELECT count(*) FROM sessions_app_serverprocess WHERE role = 'worker'"
    ) == [(1,)]
    before = fired(installation, "refresh_due")
    installation.manage(
        "shell", "-c",
        "from django_q.tasks import async_task; "
        "async_task('sessions_app.tasks.refresh_due')",
    )  # fmt: skip
    until(
        lambda: fired(installation, "refresh_due") > before,
        "the other takes it", installation.output, within_s=20,
    )  # fmt: skip
    assert installation.doors[0].get("/readyz").status_code == 200
