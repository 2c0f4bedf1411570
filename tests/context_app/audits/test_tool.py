"""The model's own audits: asked for as any tool is, kept for the person, bounded."""

from __future__ import annotations

import pytest

from context_app.models import Audit, PolicyRule, ToolIntent
from context_app.tools import registry
from context_app.tools.base import ToolContext, ToolError
from sessions_app.runs import decisions
from sessions_app.runs.audits import at_work
from sessions_app.runs.log import live
from sessions_app.runs.service import stop_run
from tests.context_app.audits.conftest import BAD, HANGS, wait_for_request
from tests.context_app.test_context_tools import approve, call, result
from tests.sessions_app.factories_runs import wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workspace(tmp_path, settings):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(BAD)
    (tmp_path / "app" / "notes.txt").write_text("eval(this)")
    settings.MAESTRO_WORKSPACE = str(tmp_path)
    return tmp_path


def test_a_text_is_audited_when_a_person_allowed_it(vendors):
    user, run = call(vendors, "code_audit", text=BAD)
    assert run.status == "waiting" and not Audit.objects.exists()
    intent = approve(user, run)
    intent.refresh_from_db()
    assert (intent.state, intent.target) == ("done", f"text of {len(BAD)} characters")
    told = result(run)["text"]
    assert "2 critical" in told and '"rule": "sql_injection"' in told
    row = Audit.objects.get()
    assert (row.owner, row.state, row.source_name) == (user, "done", "source")
    assert row.conversation_id == run.conversation_id
    assert (row.credential_name, row.model) == (run.credential_name, run.model)


def test_a_directory_is_audited_and_compared_with_the_last_time(vendors, workspace):
    user, run = call(vendors, "code_audit", path="app")
    approve(user, run)
    assert "1 files that are no code" in result(run)["text"]
    _, again = call(vendors, "code_audit", user=user, path="app")
    approve(user, again)
    assert "0 new, 2 unchanged, 0 fixed" in result(again)["text"]


@pytest.mark.parametrize("tool", ["read_file", "code_audit", ""])
def test_what_a_rule_refuses_is_not_read_with_its_directory(vendors, workspace, tool):
    (workspace / "app" / "secrets").mkdir()
    (workspace / "app" / "secrets" / "vault.py").write_text("eval(hidden_word)\n")
    PolicyRule.objects.create(
        name="Vault", order=1, action="refuse", tool=tool, target="app/secrets/*"
    )
    user, run = call(vendors, "code_audit", path="app")
    approve(user, run)
    told = result(run)["text"]
    assert "Not audited: app/secrets/vault.py: Rule “Vault”." in told
    assert list(Audit.objects.get().report["files"]) == ["app/main.py"]
    assert not any("hidden_word" in str(one["body"]) for one in vendors.requests())


def test_a_rule_about_what_was_declared_holds_for_what_is_in_the_directory(
    vendors, workspace
):
    (workspace / "app" / "vault.py").write_text("eval(hidden_word)\n")
    PolicyRule.objects.create(
        name="Vault", action="refuse", scope="*", target="app/vault.py"
    )
    user, run = call(vendors, "code_audit", path="app")
    approve(user, run)
    told = result(run)["text"]
    assert "Not audited: app/vault.py: Rule “Vault”.\n" in f"{told}\n"
    assert not any("hidden_word" in str(one["body"]) for one in vendors.requests())


@pytest.mark.parametrize(
    "path", ["app/secrets", "app/secrets/vault.py", "way/vault.py"]
)
def test_what_may_not_be_read_is_not_audited_by_its_name_either(
    vendors, workspace, path
):
    (workspace / "app" / "secrets").mkdir()
    (workspace / "app" / "secrets" / "vault.py").write_text("eval(x)\n")
    (workspace / "way").symlink_to(workspace / "app" / "secrets")
    PolicyRule.objects.create(
        name="Vault", order=1, action="refuse", tool="read_file", target="app/secrets/*"
    )
    user, run = call(vendors, "code_audit", path=path)
    approve(user, run)
    assert result(run)["is_error"] and "rule" in result(run)["text"].lower()
    assert not Audit.objects.exists()


@pytest.mark.parametrize("path", [".", "app", "way/vault.py", "app/secrets"])
def test_what_may_not_be_read_is_not_searched_either(vendors, workspace, path):
    (workspace / "app" / "secrets").mkdir()
    (workspace / "app" / "secrets" / "vault.py").write_text("eval(hidden_word)\n")
    (workspace / "way").symlink_to(workspace / "app" / "secrets")
    PolicyRule.objects.create(
        name="Vault", order=1, action="refuse", tool="read_file", target="app/secrets/*"
    )
    _, run = call(vendors, "grep", pattern="eval", path=path)
    told = result(run)["text"]
    assert "rule" in told.lower() and "hidden_word" not in told
    assert not any("hidden_word" in str(one["body"]) for one in vendors.requests())


def test_many_refused_files_are_counted(vendors, workspace):
    for number in range(25):
        (workspace / "app" / f"vault{number}.py").write_text("eval(x)\n")
    PolicyRule.objects.create(
        name="Vault", order=1, action="refuse", tool="read_file", target="app/vault*"
    )
    user, run = call(vendors, "code_audit", path="app")
    approve(user, run)
    assert result(run)["text"].count("Not audited: app/vault") == 20
    assert "Not audited: 5 more files" in result(run)["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "either `path` or `text`"),
        ({"path": "app", "text": "x"}, "either `path` or `text`"),
        ({"path": "../x"}, "not allowed"),
        ({"path": "nowhere"}, "There is no nowhere"),
        ({"text": "x", "severity_floor": "awful"}, "one of critical"),
    ],
)
def test_what_it_cannot_do_is_told_to_the_model(vendors, workspace, arguments, words):
    def never(*given):
        raise AssertionError("nothing is audited")

    context = ToolContext(
        conversation_id="c", person_id=1, workspace=workspace, audit=never
    )
    with pytest.raises(ToolError, match=words):
        registry.tools()["code_audit"].run(arguments, context)


def test_what_holds_secrets_is_of_high_risk():
    tool = registry.tools()["code_audit"]
    assert tool.floor({"path": "src/a.py"}) == "medium"
    assert tool.floor({"path": "deploy/.env"}) == "high"


def test_stopping_the_answer_stops_its_audit(vendors):
    user, run = call(vendors, "code_audit", text=BAD)
    vendors.reset()
    vendors.script(pieces=HANGS, match="Audit these excerpts")
    intent = ToolIntent.objects.get(run_ref=run.pk)
    decisions.decide(user=user, intent_id=intent.pk, approve=True)
    wait_for_request(vendors)
    assert live.find(run.pk) is not None
    stop_run(user=user, run_id=run.pk)
    assert at_work.wait_until_idle(5)
    wait_for_runs()
    assert Audit.objects.get().state == "stopped"
    vendors.wait_for_stream("client_closed")


def test_it_ends_before_its_time_is_over(vendors, settings):
    settings.MAESTRO_TOOL_TIMEOUT_S = 3.0
    user, run = call(vendors, "code_audit", text=BAD)
    vendors.reset()
    vendors.script(pieces=HANGS, match="Audit these excerpts")
    vendors.script(text="It took too long.")
    approve(user, run)
    run.refresh_from_db()
    assert run.status == "done"
    assert Audit.objects.get().state == "stopped"
    assert "ended before everything was read" in result(run)["text"]
