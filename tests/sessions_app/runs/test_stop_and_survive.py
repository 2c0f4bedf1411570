"""Runs can be stopped from anywhere, and survive processes that die."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from maestro import doorbell
from providers.events import TextDelta
from sessions_app.models import Run, RunBatch
from sessions_app.runs import claims, finish, reaper, service
from sessions_app.runs.executor import executor
from sessions_app.runs.log import live, run_log, writer
from sessions_app.runs.log.batches import encode
from tests.sessions_app.factories import make_user
from tests.sessions_app.factories_runs import (
    Script,
    ask,
    make_run,
    wait_for_runs,
    wait_until,
)


def is_answering(script: Script) -> bool:
    return bool(script.open) and bool(live.everything())


def gone_worker() -> str:
    """The identity of a process of this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    host = claims.identity().rsplit(":", 2)[0]
    return f"{host}:{child.pid}:12345"


def log_text(run: Run, *texts: str) -> None:
    for number, text in enumerate(texts, start=1):
        RunBatch.objects.create(
            run=run,
            epoch=run.epoch,
            first_seq=number,
            last_seq=number,
            events=encode([TextDelta(text=text)]),
        )


def test_stop_reaches_the_vendor_within_a_second_and_keeps_the_text(
    script: Script,
) -> None:
    user = make_user()
    started = ask_hanging(script, user)
    asked_at = time.monotonic()
    service.stop_run(user=user, run_id=started.run.pk)
    wait_for_runs()
    run = Run.objects.get(pk=started.run.pk)
    assert script.closed_at is not None
    assert script.closed_at - asked_at < 1
    assert run.status == Run.Status.STOPPED
    assert run.answer.text == "half an answer"
    assert run.cause == "You stopped it."


def ask_hanging(script: Script, user: object) -> service.Started:
    script.say_and_hang("half ", "an ", "answer")
    started = ask(user)  # type: ignore[arg-type]
    wait_until(lambda: is_answering(script) and live.everything()[0].log.seq == 3)
    return started


def test_stop_from_another_process_reaches_it_too(script: Script) -> None:
    started = ask_hanging(script, make_user())
    asked_at = time.monotonic()
    # Another process can do no more than this.
    Run.objects.filter(pk=started.run.pk).update(stop_requested_at=timezone.now())
    wait_for_runs()
    assert script.closed_at is not None and script.closed_at - asked_at < 1
    assert Run.objects.get(pk=started.run.pk).status == Run.Status.STOPPED


def test_a_waiting_run_is_stopped_before_it_began(script: Script) -> None:
    user = make_user()
    first = ask_hanging(script, user)
    second = ask(user, conversation_id=first.conversation.pk)
    third = ask(user, conversation_id=first.conversation.pk)
    assert service.stop_run(user=user, run_id=second.run.pk).status == "stopped"
    script.say("ok").hang = False
    service.stop_run(user=user, run_id=first.run.pk)
    wait_for_runs()
    assert Run.objects.get(pk=third.run.pk).status == Run.Status.DONE
    assert len(script.requests) == 2


def test_stopping_what_is_over_changes_nothing(script: Script) -> None:
    user = make_user()
    started = ask(user, text="x") if script.say("done") else None
    wait_for_runs()
    assert service.stop_run(user=user, run_id=started.run.pk).status == "done"


def test_stop_works_when_the_worker_is_dead(transactional_db: None) -> None:
    user = make_user()
    run = make_run(user, status="running", epoch=1, worker=gone_worker())
    log_text(run, "what ", "came")
    stopped = service.stop_run(user=user, run_id=run.pk)
    assert stopped.status == Run.Status.STOPPED
    assert stopped.answer.text == "what came"


def test_the_reaper_ends_a_run_of_a_dead_process_at_once(
    transactional_db: None,
) -> None:
    run = make_run(
        make_user(),
        status="running",
        epoch=1,
        worker=gone_worker(),
        heartbeat_at=timezone.now(),
    )
    log_text(run, "half ", "an answer")
    assert reaper.reap_once() == 1
    run.refresh_from_db()
    assert run.status == Run.Status.INTERRUPTED
    assert run.seq == 2
    assert run.answer.text == "half an answer"
    assert "stopped while it was answering" in run.cause


@pytest.mark.parametrize(("silent_s", "ended"), [(10, 0), (31, 1)])
def test_the_reaper_waits_thirty_seconds_for_a_heartbeat_from_elsewhere(
    transactional_db: None, silent_s: int, ended: int
) -> None:
    beat = timezone.now() - timedelta(seconds=silent_s)
    make_run(
        make_user(),
        status="running",
        epoch=1,
        worker="other-host:1:1",
        heartbeat_at=beat,
    )
    assert reaper.reap_once() == ended


def test_this_process_is_not_dead() -> None:
    assert not claims.is_dead(claims.identity())
    host, pid, _ = claims.identity().rsplit(":", 2)
    assert claims.is_dead(f"{host}:{pid}:1"), "an earlier process of this number"
    assert int(pid) == os.getpid()


def test_the_reaper_submits_what_a_dead_process_left_in_the_queue(
    script: Script,
) -> None:
    script.say("late, but here")
    user = make_user()
    run = make_run(user, status="queued")
    from tests.sessions_app.factories import make_credential

    Run.objects.filter(pk=run.pk).update(credential=make_credential(owner=user))
    reaper.reap_once()
    wait_for_runs()
    run.refresh_from_db()
    assert run.status == Run.Status.DONE


def test_an_answering_run_is_never_reaped_and_its_heart_beats(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "HEARTBEAT_S", 0.0)
    user = make_user()
    started = ask_hanging(script, user)
    before = Run.objects.get(pk=started.run.pk).heartbeat_at
    wait_until(lambda: Run.objects.get(pk=started.run.pk).heartbeat_at > before)
    assert reaper.reap_once() == 0
    service.stop_run(user=user, run_id=started.run.pk)


def test_a_server_that_stops_marks_open_runs_and_leaves_the_queue(
    script: Script,
) -> None:
    user = make_user()
    first = ask_hanging(script, user)
    second = ask(user, conversation_id=first.conversation.pk)
    try:
        assert executor.shutdown(timeout_s=5)
    finally:
        executor.forget()
    run = Run.objects.get(pk=first.run.pk)
    assert run.status == Run.Status.INTERRUPTED
    assert run.answer.text == "half an answer"
    assert Run.objects.get(pk=second.run.pk).status == Run.Status.QUEUED


@pytest.mark.parametrize(
    "fault",
    [
        OperationalError("database is locked"),
        InterfaceError("connection already closed"),
        RuntimeError("a bug of ours"),
    ],
    ids=["busy", "gone", "a bug"],
)
def test_a_write_that_fails_costs_nothing(
    script: Script, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    fails = {"left": 2}
    insert = writer._insert

    def flaky(batches: list[object]) -> None:
        if batches and fails["left"]:
            fails["left"] -= 1
            raise fault
        insert(batches)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "_insert", flaky)
    words = [f"{n} " for n in range(100)]
    started = ask(text="x") if script.say(*words, pace_s=0.01) else None
    wait_for_runs()
    run = Run.objects.get(pk=started.run.pk)
    assert fails["left"] == 0
    assert run.status == Run.Status.DONE
    logged = "".join(
        event.text
        for row in run.batches.all()
        for event in run_log.Batch(
            run.pk, row.epoch, row.first_seq, row.last_seq, row.events
        ).decoded()
        if isinstance(event, TextDelta)
    )
    assert logged == run.answer.text == "".join(words)


def test_a_database_that_stays_away_ends_the_run_with_a_clear_cause(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "PENDING_S", 0.3)
    insert, is_away = writer._insert, threading.Event()
    is_away.set()

    def away(batches: list[object]) -> None:
        if batches and is_away.is_set():
            raise OperationalError("no space left")
        insert(batches)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "_insert", away)
    script.say(*(["x"] * 300), pace_s=0.01)
    started = ask()
    wait_until(lambda: live.everything() and live.everything()[0].log.is_closed)
    is_away.clear()
    wait_for_runs()
    run = Run.objects.get(pk=started.run.pk)
    assert run.status == Run.Status.FAILED
    assert run.error["kind"] == "StorageUnavailable"
    assert "database" in run.cause
    assert set(run.answer.text) == {"x"}


def test_an_end_that_could_not_be_stored_is_found_by_the_reaper_of_this_process(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-3: no answer says "running" for ever because the database was away too long."""
    script.say("kept")

    def away(*_: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as without:
        without.setattr(finish, "GIVE_UP_AFTER_S", 0.1)
        without.setattr(finish, "_commit", away)
        started = ask()
        wait_for_runs()
    assert Run.objects.get(pk=started.run.pk).status == "running"
    assert reaper.reap_once() == 0  # it may only just have been claimed
    Run.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    assert reaper.reap_once() == 1
    assert Run.objects.get(pk=started.run.pk).status == "interrupted"


def test_a_thread_that_cannot_be_started_costs_time_and_no_answer(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F9: no memory for another thread; the question is kept, and answered later."""
    script.say("late")
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "run":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", refuse)
        started = ask()
    assert Run.objects.get(pk=started.run.pk).status == "queued"
    reaper.reap_once()
    wait_for_runs()
    assert Run.objects.get(pk=started.run.pk).status == "done"


def test_a_conversation_deleted_in_mid_answer_ends_its_run_alone(
    script: Script,
) -> None:
    user = make_user()
    started = ask_hanging(script, user)
    script.hang = True
    other = ask(user)
    wait_until(lambda: script.open == 2)
    started.conversation.delete()
    wait_until(lambda: len(live.everything()) == 1)
    service.stop_run(user=user, run_id=other.run.pk)
    wait_for_runs()
    assert Run.objects.get(pk=other.run.pk).status == Run.Status.STOPPED


def test_ringing_without_a_loop_does_nothing() -> None:
    bell = doorbell.Doorbell(find_layer=lambda: None)
    bell.ring("chat.x", {"kind": "batch"})
    assert bell._waiting == []
