"""What has an end goes when it comes, and nothing else does."""

from datetime import timedelta

import pytest
from axes.models import AccessLog
from django.utils import timezone

from context_app.models import Audit, SentRequest
from sessions_app import tasks
from sessions_app.models import Message, Run, RunBatch
from tests.sessions_app.factories import make_user
from tests.sessions_app.factories_runs import make_run

pytestmark = pytest.mark.django_db


def ago(days):
    return timezone.now() - timedelta(days=days)


def run_with_log(owner, status, days):
    run = make_run(owner, status=status, finished_at=ago(days))
    RunBatch.objects.create(
        run=run, epoch=1, first_seq=1, last_seq=1, events='[{"type":"x"}]'
    )
    return run.pk


def test_logs_of_answers_go_and_the_answers_stay():
    owner = make_user("alice")
    done, failed = Run.Status.DONE, Run.Status.FAILED
    gone = [run_with_log(owner, done, 2), run_with_log(owner, failed, 31)]
    kept = [run_with_log(owner, done, 0.5), run_with_log(owner, failed, 29)]
    working = run_with_log(owner, Run.Status.RUNNING, 99)

    tasks.housekeeping()

    left = set(RunBatch.objects.values_list("run_id", flat=True))
    assert left == {*kept, working}
    assert Run.objects.filter(pk__in=gone).count() == 2
    assert Message.objects.filter(run__in=gone).count() == 2


def test_the_settings_say_how_long(settings):
    owner = make_user("alice")
    settings.MAESTRO_KEEP_LOGS_DAYS = 3
    settings.MAESTRO_KEEP_BROKEN_LOGS_DAYS = 5
    kept = run_with_log(owner, Run.Status.DONE, 2)
    run_with_log(owner, Run.Status.FAILED, 6)
    tasks.housekeeping()
    assert set(RunBatch.objects.values_list("run_id", flat=True)) == {kept}


def test_requests_sign_ins_and_audits_have_their_own_ends():
    owner = make_user("alice")
    run = make_run(owner)
    sent = [
        SentRequest.objects.create(run=run, provider="openai", model="m", body=b"")
        for _ in range(2)
    ]
    SentRequest.objects.filter(pk=sent[0].pk).update(sent_at=ago(31))
    signed_in = [
        AccessLog.objects.create(username="alice", attempt_time=timezone.now())
        for _ in range(2)
    ]
    AccessLog.objects.filter(pk=signed_in[0].pk).update(attempt_time=ago(91))
    audits = [
        Audit.objects.create(
            owner=owner, provider="openai", credential_name="w", model="m",
            source_name="a.py", source_hash="0" * 64, state=Audit.State.DONE,
        )
        for _ in range(2)
    ]  # fmt: skip
    Audit.objects.filter(pk=audits[0].pk).update(
        created_at=ago(366), finished_at=ago(366)
    )

    tasks.housekeeping()

    assert list(SentRequest.objects.all()) == [sent[1]]
    assert list(AccessLog.objects.all()) == [signed_in[1]]
    assert list(Audit.objects.all()) == [audits[1]]
