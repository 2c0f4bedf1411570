"""The JSON of audits and their files: what goes in, what comes out, who may."""

from __future__ import annotations

import json

import pytest

from context_app.models import Audit, PolicyRule
from tests.context_app.audits.conftest import BAD
from tests.providers.audit.seeds import ROOT
from tests.sessions_app.factories import make_superuser, make_user, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

EXPORTS = {
    "report.json": "application/json",
    "report.md": "text/markdown",
    "report.sarif": "application/sarif+json",
}


def test_it_is_begun_listed_shown_and_deleted(auditor):
    row = auditor.audit(name="login.py")
    listed = auditor.client.get("/api/audits/").json()["audits"]
    assert [(a["source"], a["state"]) for a in listed] == [("login.py", "done")]
    assert listed[0]["summary"]["counts"]["critical"] == 2
    of_another = auditor.client.get("/api/audits/", {"source": "other.py"})
    assert of_another.json()["audits"] == []
    shown = auditor.show(row)
    assert [f["file"] for f in shown["report"]["findings"]] == ["login.py"] * 2
    assert shown["rules"]["sql_injection"]["title"]
    assert auditor.client.delete(f"/api/audits/{row.pk}/").status_code == 200
    assert auditor.client.get("/api/audits/").json()["audits"] == []


def test_a_diff_and_files_are_audited_as_such(auditor):
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x = 1\n+y = eval(x)\n"
    assert auditor.audit(diff).report["source_kind"] == "diff"
    row = auditor.audit("", files={"src/a.py": BAD, "src/b.py": "x = 1\n"})
    assert row.report["source_kind"] == "files" and row.source_name == "src"
    as_text = auditor.audit(diff, kind="text")
    assert as_text.report["source_kind"] == "text"


def test_the_floor_is_kept(auditor):
    row = auditor.audit("password = 'hunter22x'\neval(x)\n", severity_floor="critical")
    assert {f["severity"] for f in row.report["findings"]} == {"critical"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": "  \n"},
        {"text": "x", "files": {"a.py": "x"}},
        {"text": "x", "severity_floor": "worst"},
        {"text": "x", "kind": "binary"},
        {"text": "x", "unknown": 1},
        {"text": "x", "name": "n" * 301},
        {"files": {f"{i}.py": "x" for i in range(2001)}},
        {"path": "src"},
    ],
)
def test_what_cannot_be_audited_is_refused_in_words(auditor, fields):
    reply = auditor.post(**fields)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]
    assert not Audit.objects.exists()


def test_somebody_elses_credential_is_not_found(auditor, client):
    mallory = make_user()
    sign_in(client, mallory)
    reply = auditor.post(text=BAD)
    assert reply.status_code == 404
    assert not Audit.objects.exists()


@pytest.mark.parametrize("file", EXPORTS)
def test_a_report_leaves_as_a_file_that_no_browser_renders(auditor, file):
    """S-33: an attachment, sandboxed, of its own type."""
    row = auditor.audit(name="<img src=x>.py")
    reply = auditor.client.get(f"/audits/{row.pk}/{file}")
    assert reply.status_code == 200
    assert reply["Content-Type"].startswith(EXPORTS[file])
    assert reply["Content-Disposition"].startswith("attachment")
    assert "sandbox" in reply["Content-Security-Policy"]
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert "sql_injection" in reply.content.decode().replace("\\_", "_")


def test_there_is_no_file_before_there_is_a_report(auditor):
    row = Audit.objects.create(owner=auditor.user, source_name="a.py")
    for file in EXPORTS:
        assert auditor.client.get(f"/audits/{row.pk}/{file}").status_code == 404


def test_another_persons_audit_is_not_there(auditor, client):
    row = auditor.audit()
    sign_in(client, make_user())
    paths = [f"/api/audits/{row.pk}/", *(f"/audits/{row.pk}/{f}" for f in EXPORTS)]
    assert {client.get(path).status_code for path in paths} == {404}
    assert client.post(f"/api/audits/{row.pk}/stop/").status_code == 404
    assert client.delete(f"/api/audits/{row.pk}/").status_code == 404
    assert client.get("/api/audits/").json()["audits"] == []
    assert Audit.objects.filter(pk=row.pk).exists()


# -- the workspace ----------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path, settings):
    """A workspace with the seeded repository, secrets, and a way out."""
    root = tmp_path / "workspace"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text(BAD)
    (root / "app" / "notes.txt").write_text("eval(this)")
    (root / "app" / "node_modules").mkdir()
    (root / "app" / "node_modules" / "dep.js").write_text("eval(x)")
    (root / ".env").write_text("API_KEY='sk-very-secret'")
    (root / "server.key.py").write_text("x = eval(y)\n")
    (root / "out").symlink_to(ROOT)
    (tmp_path / "beside.py").write_text("eval(outside)\n")
    settings.MAESTRO_WORKSPACE = str(root)
    return root


def test_a_directory_of_the_workspace_is_audited_by_paths_from_its_root(
    auditor, workspace
):
    row = auditor.audit("", path="app")
    assert list(row.report["files"]) == ["app/main.py"]
    assert row.source_name == "app"
    whole = auditor.audit("", path=".")
    assert list(whole.report["files"]) == ["app/main.py", "server.key.py"]


def test_what_was_left_out_is_named(auditor, workspace):
    reply = auditor.post(path="app")
    assert set(reply.json()["left_out"]) == {
        "app/notes.txt", "app/node_modules/dep.js",
    }  # fmt: skip


def test_a_pattern_narrows_it_down(auditor, workspace):
    reply = auditor.post(path=".", pattern="**/*.js")
    assert reply.status_code == 400
    assert "no code" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "../beside.py", "/etc/passwd", "out", "out/shop/orders.py", "..%2fbeside.py",
        "app/../../beside.py", "app\x00/main.py", "no-such", "~/x", "a" * 1001,
        "app\u2044..\u2044..\u2044beside.py", "C:\\Windows\\win.ini", "\\\\host\\share",
        "app/․․/․․/beside.py", "\ud800",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_workspace(auditor, workspace, path):
    """S-34: refused in words, before anything is read or sent."""
    body = json.dumps({"path": path})
    reply = auditor.client.post("/api/audits/", body, content_type="application/json")
    assert reply.status_code == 400
    assert str(workspace) not in reply.content.decode()
    assert not Audit.objects.exists()


@pytest.mark.parametrize(
    "name", ["../up.py", "/etc/x.py", "C:/x.py", "a\\..\\..\\x.py", "a\nb.py"]
)
def test_an_uploaded_name_that_leads_outside_is_in_no_report(auditor, name):
    """S-34 for what is uploaded: names are labels, and such labels are not taken over."""
    row = auditor.audit("", files={name: BAD, "good.py": BAD})
    assert list(row.report["files"]) == ["good.py"]
    assert [part["why"] for part in row.report["not_read"]] == [
        "its path leads outside or cannot be shown"
    ]


def test_a_rule_that_refuses_is_kept_for_people_too(auditor, workspace):
    PolicyRule.objects.create(
        name="Not here", order=1, action="refuse", tool="code_audit", target="app*"
    )
    reply = auditor.post(path="app")
    assert reply.status_code == 400
    assert "Not here" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "path", ["./app", "app//main.py", "/".join(["."] * 9 + ["app"])]
)
def test_another_spelling_of_a_path_slips_past_no_rule(auditor, workspace, path):
    PolicyRule.objects.create(
        name="Not here", order=1, action="refuse", tool="code_audit", target="app*"
    )
    reply = auditor.post(path=path)
    assert reply.status_code == 400
    assert "Not here" in reply.json()["error"]["message"]


def test_a_directory_is_no_way_around_a_rule_about_what_is_in_it(auditor, workspace):
    PolicyRule.objects.create(
        name="Not here", order=1, action="refuse", tool="code_audit", target="app/*"
    )
    row = auditor.audit("", path=".")
    assert list(row.report["files"]) == ["server.key.py"]
    assert "Not here" in auditor.post(path=".").json()["left_out"]["app/main.py"]


def test_what_a_model_may_not_read_is_not_audited_for_people_either(auditor, workspace):
    PolicyRule.objects.create(
        name="Unread", order=1, action="refuse", tool="read_file", target="app/*"
    )
    reply = auditor.post(path=".")
    assert "Unread" in reply.json()["left_out"]["app/main.py"]
    assert auditor.post(path="app").status_code == 400


def test_a_rule_about_high_risk_keeps_people_from_secrets_too(auditor, workspace):
    PolicyRule.objects.create(
        name="No secrets", order=1, action="refuse", tool="code_audit", risk="high"
    )
    reply = auditor.post(path=".env")
    assert reply.status_code == 400
    assert "No secrets" in reply.json()["error"]["message"]


def test_the_admin_shows_what_was_audited_and_not_what_was_found(auditor, client):
    row = auditor.audit(name="login.py")
    sign_in(client, make_superuser())
    page = f"/admin/context_app/audit/{row.pk}/change/"
    for path in ("/admin/context_app/audit/", page):
        text = client.get(path).content.decode()
        assert "login.py" in text and "2 critical" in text
        assert "SELECT" not in text and "sql_injection" not in text
    assert client.post(page, {"source_name": "mine"}).status_code == 403
