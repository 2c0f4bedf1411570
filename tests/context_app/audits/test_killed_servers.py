"""Audits whose server died: ended by another look around, with what was found by then."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.utils import timezone

from context_app.models import Audit
from context_app.services import audits as kept
from sessions_app.processes import identity
from sessions_app.runs import reaper
from sessions_app.runs.audits import at_work, auditing, working
from tests.context_app.audits.conftest import HANGS, make_running, wait_for_request
from tests.sessions_app.factories import make_user
from tests.sessions_app.factories_runs import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FOUND = json.dumps(
    {
        "findings": [
            {
                "rule": "code_injection", "severity": "high", "confidence": "high",
                "file": "a.py", "start_line": 1, "end_line": 1, "evidence": "eval(x)",
                "explanation": "It runs what is given.", "suggestion": "",
            }
        ]
    }
)  # fmt: skip


def test_a_killed_server_leaves_no_audit_that_runs_for_ever():
    row = make_running(make_user(), worker="elsewhere:1:1")
    assert auditing.end_abandoned() == 1
    row.refresh_from_db()
    assert (row.state, row.cause) == ("interrupted", auditing.WITHOUT_FINDINGS)
    assert row.finished_at and reaper.auditing is auditing


def test_a_process_of_this_machine_that_is_dead_is_known_at_once():
    now = timezone.now()
    dead = identity().rpartition(":")[0] + ":0"  # the same number, another process
    row = make_running(make_user(), worker=dead, updated_at=now)
    assert auditing.end_abandoned() == 1
    row.refresh_from_db()
    assert row.state == "interrupted"


def test_what_was_judged_before_a_kill_is_its_report(auditor, vendors):
    vendors.script(text=FOUND)
    vendors.script(pieces=HANGS)
    row = auditing.start(
        user=auditor.user,
        source={"a.py": "eval(x)\n" + "x = 1\n" * 200, "b.py": "y = 2\n" * 200},
        name="two",
        credential_id=auditor.credential.pk,
        model=auditor.model,
        options={"piece_tokens": 1300},
    )
    wait_for_request(vendors, 2)
    wait_until(lambda: Audit.objects.get(pk=row.pk).summary)
    shown = auditor.show(row)["audit"]
    assert (shown["state"], shown["summary"]["counts"]["high"]) == ("running", 1)
    dead = identity().rpartition(":")[0] + ":0"
    Audit.objects.filter(pk=row.pk).update(worker=dead)
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr(at_work, "is_at", lambda key: False)
        assert auditing.end_abandoned() == 1
    row.refresh_from_db()
    assert (row.state, row.cause) == ("interrupted", auditing.WITH_FINDINGS)
    report = kept.report_of(row)
    assert [f.file for f in report.findings] == ["a.py"] and row.score is None
    assert {part.file for part in report.not_read} >= {"b.py"}
    text = auditor.client.get(f"/audits/{row.pk}/report.md").content.decode()
    assert "a\\.py" in text and "b\\.py" in text


def test_progress_that_cannot_be_stored_costs_no_part_that_was_judged(
    auditor, vendors, monkeypatch
):
    vendors.script(text=FOUND)
    vendors.script(text='{"findings": []}')
    stores = working.update

    def busy(key, values):
        if "state" not in values:
            raise OperationalError("database is locked")
        return stores(key, values)

    monkeypatch.setattr(working, "update", busy)
    row = auditor.run(
        {"a.py": "eval(x)\n" + "x = 1\n" * 200, "b.py": "y = 2\n" * 200},
        options={"piece_tokens": 1300},
    )
    assert (row.state, row.summary["counts"]["high"]) == ("done", 1)


def test_one_that_beats_elsewhere_is_left_alone():
    row = make_running(make_user(), worker="elsewhere:1:1", updated_at=timezone.now())
    assert auditing.end_abandoned() == 0
    row.refresh_from_db()
    assert row.state == "running"


def test_one_that_should_have_stopped_is_stopped_not_failed():
    row = make_running(
        make_user(), worker="elsewhere:1:1", stop_requested_at=timezone.now()
    )
    auditing.end_abandoned()
    row.refresh_from_db()
    assert (row.state, row.cause) == ("stopped", "It was stopped.")


def test_what_was_given_up_for_dead_is_not_brought_back(auditor, vendors):
    """A worker that was only slow finds its row over, and changes nothing."""
    vendors.script(pieces=HANGS)
    row = auditor.begin()
    wait_for_request(vendors)
    working.end(row.pk, "failed", "It was given up.")
    at_work._beat_once(dict(at_work._at_work.stops))
    assert at_work.wait_until_idle(5)
    row.refresh_from_db()
    assert (row.state, row.cause, row.report) == ("failed", "It was given up.", None)
