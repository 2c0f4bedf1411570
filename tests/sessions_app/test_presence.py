"""Processes say that they live and what they counted; the sum never goes down."""

import pytest
from django.db.models.functions import Now

from sessions_app import counters, presence
from sessions_app.models import ServerProcess
from sessions_app.models.process import SILENT_AFTER

pytestmark = pytest.mark.django_db(transaction=True)

WORD = "maestro_refreshes_total"
LABELS = {"provider": "openai", "result": "ok"}


@pytest.fixture
def counted(monkeypatch):
    """What this process has counted, as the test says."""
    found = [[WORD, LABELS, 0.0]]
    monkeypatch.setattr(counters, "samples", lambda: [list(one) for one in found])

    def count(more):
        found[0][2] += more

    return count


@pytest.fixture
def here():
    process = presence.Presence()
    process._role = "web"
    return process


def elsewhere(value, process_id="far.example:1:2"):
    return ServerProcess.objects.create(
        pk=process_id, role="worker", layer="shared", counters=[[WORD, LABELS, value]]
    )


def total():
    return sum(value for name, labels, value in presence.total() if name == WORD)


def test_the_counters_of_all_processes_add_up(here, counted):
    elsewhere(5.0)
    counted(2)
    here.beat()
    assert total() == 7
    counted(1)
    here.beat()
    assert total() == 8
    assert ServerProcess.objects.count() == 2


def test_what_an_ended_process_counted_is_kept(here, counted):
    counted(2)
    here.beat()
    here.end()
    assert not ServerProcess.objects.filter(role="web").exists()
    assert total() == 2


def test_a_silent_process_is_tidied_away_and_its_counters_stay(counted):
    elsewhere(5.0)
    presence.tidy()
    assert ServerProcess.objects.filter(role="worker").exists(), "it beat just now"
    ServerProcess.objects.update(beat_at=Now() - 2 * SILENT_AFTER)
    for _ in range(2):
        presence.tidy()
        assert total() == 5
    assert not ServerProcess.objects.filter(role="worker").exists()


def test_a_process_that_was_taken_for_dead_is_counted_once(here, counted):
    counted(4)
    here.beat()
    ServerProcess.objects.update(beat_at=Now() - 2 * SILENT_AFTER)
    presence.tidy()
    assert total() == 4
    counted(3)
    here.beat()
    assert total() == 7
    here.end()
    assert total() == 7


def test_a_worker_s_child_adds_what_is_new_and_keeps_no_row(here, counted):
    for more in (2, 3):
        counted(more)
        here.hand_on()
    assert total() == 5
    assert not ServerProcess.objects.exclude(role="past").exists()


def test_others_are_the_living_ones_of_that_kind(here):
    here.beat()
    elsewhere(0.0)
    assert [row.place for row in presence.others("worker")] == ["far.example:1"]
    assert presence.others("web") == []
    ServerProcess.objects.update(beat_at=Now() - 2 * SILENT_AFTER)
    assert presence.others("worker") == []
