"""An audit repeated: the same source, in the same way, beside the report before."""

from __future__ import annotations

import json

import pytest

from context_app.models import Audit, AuditSource, PolicyRule
from context_app.services import audits as kept
from sessions_app.models import SavedAuthentication
from sessions_app.runs.audits import again as audits_again
from sessions_app.runs.audits import at_work, auditing
from tests.context_app.audits.conftest import BAD, HANGS, wait_for_request
from tests.context_app.test_context_tools import approve, call
from tests.sessions_app.factories import make_user, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x = 1\n+y = eval(x)\n"


def again(auditor, row):
    return auditor.client.post(f"/api/audits/{row.pk}/again/")


def repeated(auditor, row) -> Audit:
    """The next audit, when it is over."""
    reply = again(auditor, row)
    assert reply.status_code == 200, reply.content
    assert at_work.wait_until_idle(10)
    return Audit.objects.get(pk=reply.json()["audit"]["id"])


@pytest.fixture
def workspace(tmp_path, settings):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(BAD)
    (tmp_path / "app" / "other.js").write_text("eval(x)\n")
    settings.MAESTRO_WORKSPACE = str(tmp_path)
    return tmp_path


def test_pasted_code_is_audited_again_and_compared(auditor):
    first = auditor.audit(name="login.py", severity_floor="high")
    assert auditor.show(first)["audit"]["can_repeat"]
    second = repeated(auditor, first)
    assert second.pk != first.pk and second.previous == first
    assert (second.source_hash, second.model) == (first.source_hash, first.model)
    assert second.report["severity_floor"] == "high"
    assert list(second.report["files"]) == ["login.py"]
    compared = second.summary["comparison"]
    found = len(first.report["findings"])
    assert compared == {"new": 0, "unchanged": found, "fixed": 0, "unconfirmed": 0}


@pytest.mark.parametrize(
    "fields",
    [
        {"text": DIFF},
        {"text": DIFF, "kind": "text"},
        {"text": "", "files": {"src/a.py": BAD, "src/ä b.py": "x = '\u2028'\n"}},
    ],
)
def test_it_is_asked_for_in_the_same_way(auditor, vendors, fields):
    first = auditor.audit(**fields)
    asked = vendors.requests()[-1]["body"]
    second = repeated(auditor, first)
    assert second.report["source_kind"] == first.report["source_kind"]
    assert second.report["files"] == first.report["files"]
    assert len(vendors.requests()[-1]["body"]) == len(asked)


def test_a_path_of_the_workspace_is_read_as_it_is_now(auditor, workspace):
    first = auditor.audit("", path="app", pattern="*.py")
    assert bytes(AuditSource.objects.get(audit=first).packed) == b""
    (workspace / "app" / "main.py").write_text("def run(db, name):\n    return 1\n")
    second = repeated(auditor, first)
    assert list(second.report["files"]) == ["app/main.py"]  # the pattern, too
    assert second.summary["comparison"]["fixed"] == 2
    third = repeated(auditor, second)
    assert third.previous == second


def test_the_rules_of_now_decide_about_the_workspace(auditor, workspace):
    first = auditor.audit("", path="app")
    PolicyRule.objects.create(
        name="Not here", order=1, action="refuse", tool="read_file", target="app/*.js"
    )
    reply = again(auditor, first)
    assert "Not here" in reply.json()["left_out"]["app/other.js"]


def test_what_a_model_had_audited_a_person_may_repeat(vendors, workspace, client):
    user, run = call(vendors, "code_audit", path="app", pattern="*.py")
    approve(user, run)
    sign_in(client, user)
    first = Audit.objects.get()
    begun = audits_again.again(user, first.pk)
    assert at_work.wait_until_idle(10)
    second = Audit.objects.get(pk=begun.row.pk)
    assert second.report["files"] == first.report["files"]
    assert second.summary["comparison"]["unchanged"] == 2


def test_an_interrupted_audit_is_begun_again_from_the_start(auditor, vendors):
    vendors.script(pieces=HANGS)
    row = auditor.begin(name="cut.py")
    wait_for_request(vendors)
    Audit.objects.filter(pk=row.pk).update(
        state="interrupted", cause=auditing.WITHOUT_FINDINGS
    )
    at_work.shutdown(5)
    vendors.reset()
    second = repeated(auditor, row)
    assert (second.state, second.source_name) == ("done", "cut.py")
    assert len(second.report["findings"]) == 2


def test_where_sources_are_not_kept_it_says_so(auditor, settings, workspace):
    settings.MAESTRO_KEEP_AUDIT_SOURCES = False
    row = auditor.audit()
    assert not AuditSource.objects.exists()
    assert not auditor.show(row)["audit"]["can_repeat"]
    reply = again(auditor, row)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == audits_again.NOT_KEPT
    assert auditor.show(auditor.audit("", path="app"))["audit"]["can_repeat"]


def test_a_credential_that_is_gone_is_named(auditor):
    row = auditor.audit()
    SavedAuthentication.objects.filter(pk=auditor.credential.pk).delete()
    reply = again(auditor, row)
    assert reply.status_code == 400
    assert f"“{row.credential_name}” is gone" in reply.json()["error"]["message"]


def test_a_credential_that_is_no_longer_shared_is_not_used(auditor):
    row = auditor.audit()
    other = make_user()
    SavedAuthentication.objects.filter(pk=auditor.credential.pk).update(owner=other)
    assert again(auditor, row).status_code == 400
    assert Audit.objects.count() == 1


def test_what_is_at_work_is_not_begun_twice(auditor, vendors):
    vendors.script(pieces=HANGS)
    row = auditor.begin()
    wait_for_request(vendors)
    reply = again(auditor, row)
    assert reply.status_code == 400 and "at work" in reply.json()["error"]["message"]


def test_another_persons_audit_cannot_be_repeated(auditor, client):
    row = auditor.audit()
    sign_in(client, make_user())
    assert client.post(f"/api/audits/{row.pk}/again/").status_code == 404


def test_the_source_is_in_no_answer_and_goes_with_the_audit(auditor):
    row = auditor.audit(name="mine.py", text=BAD + "# a remark of mine\n")
    assert "a remark of mine" not in json.dumps(auditor.show(row))
    source = AuditSource.objects.get(audit=row)
    assert source.unpack() == BAD + "# a remark of mine\n"
    assert kept.report_of(row)
    auditor.client.delete(f"/api/audits/{row.pk}/")
    assert not AuditSource.objects.exists()
