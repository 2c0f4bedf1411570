"""What one row makes impossible keeps nobody else waiting for the reaper."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from sessions_app.models import Run, RunBatch
from sessions_app.runs import finish, reaper
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import Script, make_run, wait_for_runs
from tests.sessions_app.runs.test_stop_and_survive import gone_worker, log_text

pytestmark = pytest.mark.django_db(transaction=True)


def dead_run(text: str) -> Run:
    run = make_run(make_user(), status="running", epoch=1, worker=gone_worker())
    log_text(run, text)
    return run


def test_a_run_that_cannot_be_ended_keeps_no_other_from_its_end_or_its_turn(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.say("late, but here")
    bad, good = dead_run("bad"), dead_run("good")
    user = make_user()
    credential = make_credential(owner=user)
    waiting = make_run(user, status="queued", credential=credential)

    def end(run: Run) -> bool:
        if run.pk == bad.pk:
            raise ValueError("no database takes it")
        return finish.end_dead(run)

    monkeypatch.setattr(reaper, "end_dead", end)
    assert reaper.reap_once() == 1
    wait_for_runs()
    for run in (bad, good, waiting):
        run.refresh_from_db()
    assert [bad.status, good.status, waiting.status] == [
        "running",
        "interrupted",
        "done",
    ]


def test_a_log_that_cannot_be_read_further_ends_with_what_was_read() -> None:
    run = dead_run("so far")
    RunBatch.objects.create(
        run=run, epoch=1, first_seq=2, last_seq=2, events='[{"type":"of_tomorrow"}]'
    )
    assert reaper.reap_once() == 1
    run = Run.objects.select_related("answer").get(pk=run.pk)
    assert (run.status, run.answer.text) == ("interrupted", "so far")
    assert "cannot be read" in run.cause


def test_a_part_of_a_round_that_fails_leaves_the_others_to_be_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ValueError("a bug")

    def release() -> int:
        done.append("released")
        return 0

    monkeypatch.setattr(reaper, "reap_once", fail)
    monkeypatch.setattr(reaper.metering, "release_abandoned", release)
    reaper.look_after_everything()
    assert done == ["released"]


def test_a_round_ends_where_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def away() -> None:
        asked.append("once")
        raise OperationalError("the database is away")

    for part in (reaper.watch, reaper.summaries):
        name = "tell" if part is reaper.watch else "end_abandoned"
        monkeypatch.setattr(part, name, away)
    with pytest.raises(OperationalError):
        reaper.look_after_everything()
    assert asked == ["once"]
