"""The admin's page about operations: everything at one look, for administrators only."""

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule

from maestro.operations import overview
from sessions_app.models import InstallationFact, Run, ServerProcess
from sessions_app.models.process import SILENT_AFTER
from sessions_app.tasks import ensure_schedules
from tests.sessions_app.factories import make_superuser, make_user
from tests.sessions_app.factories_runs import make_run

pytestmark = pytest.mark.django_db

PAGE = "/admin/sessions_app/serverprocess/"


def text_of(client):
    answer = client.get(PAGE)
    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(text.replace("&nbsp;", " ").split())


@pytest.fixture
def admin(client):
    client.force_login(
        make_superuser("root"), "django.contrib.auth.backends.ModelBackend"
    )
    return client


def test_it_is_in_the_index_and_shows_every_part_of_an_empty_installation(admin):
    assert PAGE in admin.get("/admin/").content.decode()
    text = text_of(admin)
    for title in ("Health", "Processes", "Answers on their way", "Queue", "Schedules",
                  "Backups", "Storage", "Versions", "Last answers that ended badly"):  # fmt: skip
        assert title in text
    assert "None." in text and "could not be read" not in text


@pytest.mark.parametrize("is_staff", [False, True])
def test_nobody_but_an_administrator_sees_it(client, is_staff):
    person = make_user("bob")
    person.is_staff = is_staff
    person.save()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    assert client.get(PAGE).status_code in (302, 403)
    assert PAGE not in client.get("/admin/").content.decode()


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_there_is_nothing_to_change_on_it(admin, method):
    assert getattr(admin, method)(PAGE).status_code == 405
    for path in ("add/", "1/change/", "1/delete/"):
        assert admin.get(PAGE + path).status_code == 404


def test_it_tells_living_processes_from_silent_ones(admin):
    ServerProcess.objects.create(pk="one.example:7:1", role="web")
    ServerProcess.objects.create(pk="two.example:8:1", role="worker")
    ServerProcess.objects.filter(role="worker").update(beat_at=Now() - 2 * SILENT_AFTER)
    text = text_of(admin)
    assert re.search(r"Web one\.example:7 lives", text)
    assert re.search(r"Worker two\.example:8 silent", text)


def test_it_tells_what_runs_and_what_failed_and_of_neither_a_word(admin):
    alice = make_user("alice")
    make_run(alice, status="running", model="slow-model", cause="a secret plan")
    failed = make_run(alice, status="failed", model="bad-model", cause="another plan")
    Run.objects.filter(pk=failed.pk).update(
        finished_at=timezone.now(), error={"kind": "RateLimited", "message": "m-secret"}
    )
    text = text_of(admin)
    assert "running: 1" in text and "slow-model" in text
    assert "RateLimited" in text and str(failed.pk) in text
    assert "plan" not in text and "m-secret" not in text


def test_a_queue_that_nobody_works_on_stands_out(admin):
    ensure_schedules()
    Schedule.objects.update(next_run=timezone.now() - timedelta(hours=1))
    OrmQ.objects.create(key="maestro", payload="p", lock=timezone.now())
    Failure.objects.create(
        id="a" * 32, name="n", func="sessions_app.tasks.refresh_due", success=False,
        started=timezone.now(), stopped=timezone.now(), result="Traceback m-secret",
    )  # fmt: skip
    facts = {fact.name: fact for fact in [*overview.queue(), *overview.schedules()]}
    assert facts["tasks waiting or at work"].value == "1"
    assert facts["failed: sessions_app.tasks.refresh_due"].is_bad
    assert facts["refresh"].is_bad
    assert "m-secret" not in text_of(admin)


def test_backups_are_missed_after_two_days_and_remembered_wherever_they_went(admin):
    assert "none was made" in text_of(admin)
    InstallationFact.objects.create(
        name=overview.LAST_BACKUP, value="12 rows, verified"
    )
    (fact, *_) = overview.saved()
    assert "12 rows, verified" in fact.value and not fact.is_bad
    InstallationFact.objects.update(updated_at=timezone.now() - timedelta(days=3))
    assert overview.saved()[0].is_bad


def test_a_part_that_cannot_be_read_is_named_and_the_others_are_shown(
    admin, monkeypatch
):
    def fails():
        raise OSError("no such disk")

    monkeypatch.setattr(overview, "storage", fails)
    text = text_of(admin)
    assert "storage: OSError" in text and "Versions" in text
