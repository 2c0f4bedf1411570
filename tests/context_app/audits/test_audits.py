"""Audits of a person: kept, compared, stopped, bounded, and ended when nobody works."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.utils import timezone

from context_app.models import Audit
from context_app.services import audits as kept
from maestro import doorbell
from sessions_app.errors import Invalid, TooLarge
from sessions_app.models import SavedAuthentication
from sessions_app.runs import closing
from sessions_app.runs.audits import at_work, auditing, working
from tests.context_app.audits.conftest import (
    BAD,
    HANGS,
    Auditor,
    make_running,
    wait_for_request,
)
from tests.context_app.test_context import MODELS
from tests.providers.audit.seeds import SEEDS, seeded_files
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.usage.counting import make_limit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("slug", MODELS)
def test_every_vendor_audits_and_the_report_is_kept(client, vendors, slug):
    """AC-GM1 by the service: model, credential, prompt version, usage and cost stay."""
    row = Auditor(client, slug).run(seeded_files(), "shop")
    assert (row.state, row.cause) == ("done", "")
    report = kept.report_of(row)
    found = sorted((f.file, f.start_line, f.rule, f.symbol) for f in report.findings)
    assert found == [tuple(seed) for seed in SEEDS]
    assert (row.provider, row.model) == (slug, MODELS[slug])
    assert row.summary["prompt_version"] == "audit-1"
    assert row.summary["usage"]["input_tokens"] > 0
    assert row.summary["usage"]["cost_usd"]
    assert sum(row.summary["counts"].values()) == len(SEEDS)
    assert row.score == report.score


def test_the_second_audit_of_the_same_source_is_compared_with_the_first(auditor):
    first = auditor.run()
    again = auditor.run()
    fixed = auditor.run(BAD.replace("eval(name)", "name"))
    other = auditor.run(name="b.py")
    assert first.summary["comparison"] is None and other.previous is None
    assert again.previous_id == first.pk
    assert again.summary["comparison"] == {
        "new": 0, "unchanged": 2, "fixed": 0, "unconfirmed": 0,
    }  # fmt: skip
    assert fixed.previous_id == again.pk
    assert fixed.summary["comparison"]["fixed"] == 1


def test_a_stopped_or_failed_audit_is_nothing_to_compare_with(auditor, vendors):
    vendors.fault("status", status=400)
    assert auditor.run().state == "failed"
    stopped = threading.Event()
    stopped.set()
    assert auditor.run(stop=stopped).state == "stopped"
    assert auditor.run().previous is None


def test_nobody_is_compared_with_somebody_else(client, vendors):
    Auditor(client).run()
    assert Auditor(client).run().previous is None


def test_gemini_audits_where_it_is_connected_and_nobody_says_otherwise(auditor):
    make_credential(owner=auditor.user, provider="openai")
    row = auditor.run(credential_id=None, model="")
    assert (row.provider, row.credential_name) == ("gemini", auditor.credential.name)
    assert row.model  # the vendor's usual one


def test_the_demo_audits_only_where_there_is_nothing_else(client, vendors):
    auditor = Auditor(client, "openai")
    make_credential(owner=auditor.user, provider="gemini", is_demo=True)
    assert auditor.run(credential_id=None, model="").provider == "openai"


def test_without_a_credential_it_says_what_to_do(vendors):
    with pytest.raises(Invalid, match="Add one under Credentials"):
        auditing.run(user=make_user(), source="x = 1", name="a.py")


def test_too_much_or_nothing_is_refused_before_a_row_exists(auditor, monkeypatch):
    monkeypatch.setattr(auditing, "MAX_CHARS", 10)
    with pytest.raises(TooLarge, match="At most 10 characters"):
        auditor.run("x = 1  # longer")
    with pytest.raises(Invalid, match="no code"):
        auditor.run({})
    assert not Audit.objects.exists()


def test_a_vendors_refusal_is_the_cause(auditor, vendors):
    vendors.fault("status", status=401)
    row = auditor.run()
    assert row.state == "failed" and row.report is None
    assert row.cause and row.finished_at


def test_a_bug_of_ours_is_told_as_one(auditor, monkeypatch):
    def broken(*given, **options):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(working.provider, "audit_code", broken)
    row = auditor.run()
    assert row.state == "failed" and "Maestro itself" in row.cause
    assert "secret" not in row.cause


def test_a_report_is_kept_where_the_database_is_busy_for_a_moment(auditor, monkeypatch):
    keep, faults = working._keep, []

    def busy_at_first(*args):
        if len(faults) < 2:
            faults.append(OperationalError("database is locked"))
            raise faults[-1]
        keep(*args)

    monkeypatch.setattr(working, "_keep", busy_at_first)
    assert (auditor.run().state, len(faults)) == ("done", 2)


def test_what_a_model_says_may_hold_nul(auditor, vendors):
    vendors.script(
        text='{"findings": [{"rule": "other", "severity": "low", "confidence": "low",'
        '"file": "a.py", "start_line": 1, "end_line": 1, "evidence": "x = 1",'
        '"explanation": "a\\u0000b", "suggestion": ""}]}'
    )
    row = auditor.run("x = 1\n")
    assert [f["explanation"] for f in row.report["findings"]] == ["ab"]


@pytest.mark.parametrize("name", ["PR: fix it", "/etc/passwd", "../x", "a\x07b", " "])
def test_any_name_will_do_for_a_text(auditor, name):
    row = auditor.run(name=name)
    assert row.state == "done" and len(row.report["findings"]) == 2


# -- live, stopped, bounded -------------------------------------------------------------


def test_open_pages_of_the_owner_are_told_how_far_it_is(auditor, monkeypatch):
    rung = []
    monkeypatch.setattr(doorbell, "ring", lambda group, message: rung.append(message))
    auditor.run({"a.py": BAD, "b.py": BAD}, options={"piece_tokens": 300})
    frames = [text for message in rung for text in message["frames"]]
    assert "waiting for its turn" in frames[0]
    assert any("reading a.py" in frame for frame in frames)
    assert '"state":"done"' in frames[-1] and '"score":' in frames[-1]
    assert "SELECT" not in "".join(frames)


def test_stopping_ends_a_silent_vendor_and_keeps_what_was_judged(auditor, vendors):
    vendors.script(text='{"findings": []}')
    vendors.script(pieces=HANGS)
    files = {"a.py": "x = 1\n" * 200, "b.py": "y = 2\n" * 200}
    row = auditing.start(
        user=auditor.user,
        source=files,
        name="two",
        credential_id=auditor.credential.pk,
        model=auditor.model,
        options={"piece_tokens": 300},
    )
    wait_for_request(vendors, 2)
    reply = auditor.client.post(f"/api/audits/{row.pk}/stop/")
    assert reply.status_code == 200
    assert at_work.wait_until_idle(5)
    row.refresh_from_db()
    assert (row.state, row.cause) == ("stopped", "It was stopped.")
    assert row.report["was_cancelled"] and row.report["not_read"]
    vendors.wait_for_stream("client_closed")


def test_another_process_is_asked_to_stop_through_the_row(auditor, vendors):
    """The row carries the wish; the worker hears it at its next beat."""
    vendors.script(pieces=HANGS)
    row = auditor.begin()
    wait_for_request(vendors)
    Audit.objects.filter(pk=row.pk).update(stop_requested_at=timezone.now())
    at_work._beat_once(dict(at_work._at_work.stops))
    assert at_work.wait_until_idle(5)
    row.refresh_from_db()
    assert row.state == "stopped"


def test_deleting_it_at_work_ends_it_and_leaves_nothing(auditor, vendors):
    vendors.script(pieces=HANGS)
    row = auditor.begin()
    wait_for_request(vendors)
    assert auditor.client.delete(f"/api/audits/{row.pk}/").status_code == 200
    assert at_work.wait_until_idle(5)
    assert not Audit.objects.exists()
    vendors.wait_for_stream("client_closed")


def test_one_person_has_three_at_work_at_most(auditor, vendors):
    for _ in range(auditing.MAX_RUNNING):
        vendors.script(pieces=HANGS)
        auditor.begin()
    reply = auditor.post(text=BAD)
    assert reply.status_code == 400
    assert "at work already" in reply.json()["error"]["message"]
    assert at_work.shutdown(5)
    assert set(Audit.objects.values_list("state", flat=True)) == {"stopped"}


def test_a_process_works_on_a_few_and_the_rest_waits(auditor, vendors, settings):
    settings.MAESTRO_MAX_CONCURRENT_AUDITS = 1
    vendors.script(pieces=HANGS)
    first = auditor.begin()
    wait_for_request(vendors)
    second = auditor.begin()
    assert Audit.objects.get(pk=second.pk).now == "waiting for its turn"
    auditing.stop(auditor.user, first.pk)
    assert at_work.wait_until_idle(10)
    states = dict(Audit.objects.values_list("pk", "state"))
    assert states == {first.pk: "stopped", second.pk: "done"}


def test_without_a_thread_it_says_so_and_frees_its_place(auditor, monkeypatch):
    start = threading.Thread.start

    def refuse(thread):
        if thread.name in ("audit", "audit-beat"):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", refuse)
        row = auditor.begin()
    assert row.state == "failed" and "no thread" in row.cause
    assert at_work.wait_until_idle(0)
    assert auditor.run().state == "done"


# -- rights and limits ------------------------------------------------------------------


def test_a_right_that_goes_while_it_works_ends_it_at_the_next_request(auditor, vendors):
    """S-07: each request is asked for with the right of that moment."""
    owner = make_user()
    shared = make_credential(
        owner=owner, provider="gemini", is_shared_with_everyone=True
    )

    def take_back(done, total, what):
        if done == 1:
            SavedAuthentication.objects.filter(pk=shared.pk).update(
                is_shared_with_everyone=False
            )

    files = {"a.py": "x = 1\n" * 200, "b.py": "y = 2\n" * 200}
    row = auditor.run(
        files,
        credential_id=shared.pk,
        on_progress=take_back,
        options={"piece_tokens": 1300},
    )
    assert len(vendors.requests()) == 1
    assert row.state == "done" and row.score is None
    assert [p["file"] for p in row.report["not_read"]] == ["b.py"]
    assert "no longer shared" in row.report["not_read"][0]["why"]


def test_who_is_out_has_nothing_at_work(auditor, vendors):
    vendors.script(pieces=HANGS)
    row = auditor.begin()
    wait_for_request(vendors)
    get_user_model().objects.filter(pk=auditor.user.pk).update(is_active=False)
    assert closing.end_left_over() == 1
    assert at_work.wait_until_idle(5)
    row.refresh_from_db()
    assert row.state == "stopped"


def test_an_audit_is_refused_where_a_limit_is_reached(auditor):
    make_limit("requests", 1)
    assert auditor.run().state == "done"
    reply = auditor.post(text=BAD)
    assert (reply.status_code, Audit.objects.count()) == (429, 1)


def test_a_limit_that_is_reached_on_the_way_keeps_what_was_judged(auditor, vendors):
    make_limit("requests", 1)
    files = {"a.py": "x = 1\n" * 200, "b.py": "y = 2\n" * 200}
    row = auditor.run(files, options={"piece_tokens": 1300})
    assert row.state == "done" and row.score is None
    assert [p["file"] for p in row.report["not_read"]] == ["b.py"]
    assert len(vendors.requests()) == 1


def test_old_reports_are_forgotten_and_what_runs_is_not(auditor, settings):
    old, new = auditor.run(), auditor.run()
    Audit.objects.filter(pk=old.pk).update(
        finished_at=timezone.now() - timedelta(days=40)
    )
    running = make_running(auditor.user)
    settings.MAESTRO_KEEP_AUDITS_DAYS = 0
    assert kept.prune() == 0
    settings.MAESTRO_KEEP_AUDITS_DAYS = 30
    assert kept.prune() == 1
    left = set(Audit.objects.values_list("pk", flat=True))
    assert left == {new.pk, running.pk}
    new.refresh_from_db()
    assert new.previous is None and kept.report_of(new).comparison
