"""Rules about one file, and calls that would read it with its directory."""

from __future__ import annotations

import pytest

from context_app.models import Audit, PolicyRule, ToolIntent
from context_app.services import chain, dry_run
from sessions_app.runs import decisions, toolbox
from sessions_app.runs.audits import sources
from tests.context_app.audits.conftest import BAD, vendors
from tests.context_app.test_context_tools import approve, call, result
from tests.sessions_app.factories import make_user
from tests.sessions_app.factories_runs import wait_for_runs

__all__ = ["vendors"]

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "eval(hidden_word)\n"


@pytest.fixture
def workspace(tmp_path, settings):
    (tmp_path / "app" / "vault").mkdir(parents=True)
    (tmp_path / "app" / "main.py").write_text(BAD)
    (tmp_path / "app" / "vault" / "prices.py").write_text(SECRET)
    (tmp_path / "way.py").symlink_to(tmp_path / "app" / "vault" / "prices.py")
    settings.MAESTRO_WORKSPACE = str(tmp_path)
    return tmp_path


def rule(action, tool="", target="app/vault/*", order=1, name="Vault"):
    return PolicyRule.objects.create(
        name=name, order=order, action=action, tool=tool, target=target
    )


def was_sent(vendors):
    return any("hidden_word" in str(one["body"]) for one in vendors.requests())


def the_call():
    return ToolIntent.objects.get()


@pytest.mark.parametrize("tool", ["read_file", "grep", ""])
@pytest.mark.parametrize("path", [".", "app", "app/vault/prices.py", "way.py"])
def test_a_search_asks_where_a_rule_asks_about_a_file_that_it_reads(
    vendors, workspace, tool, path
):
    rule("ask", tool)
    user, run = call(vendors, "grep", pattern="eval", path=path)
    assert run.status == "waiting" and not was_sent(vendors)
    assert "“Vault”" in the_call().decision_why
    if path == "app":
        assert the_call().decision_why == (
            "Rule “Vault” asks about app/vault/prices.py, which this would read."
        )
    approve(user, run)
    assert "hidden_word" in result(run)["text"]
    assert ToolIntent.objects.count() == 1 and chain.verify() is None


def test_an_audit_says_on_its_card_which_files_made_it_ask(vendors, workspace):
    for number in range(30):
        (workspace / "app" / "vault" / f"p{number:02}.py").write_text("x = 1\n")
    rule("run", "code_audit", "app", name="Free", order=0)
    rule("ask", "read_file")
    user, run = call(vendors, "code_audit", path="app")
    assert run.status == "waiting"
    why = the_call().decision_why
    assert why.startswith("Rule “Vault” asks about app/vault/p00.py, app/vault/p01.py,")
    assert why.endswith("and 11 more, which this would read.")
    approve(user, run)
    assert "app/vault/prices.py" in Audit.objects.get().report["files"]


def test_a_call_that_is_asked_about_anyway_says_so_once(vendors, workspace):
    rule("ask", "read_file")
    _, run = call(vendors, "code_audit", path="app")
    assert run.status == "waiting"
    assert the_call().decision_why == (
        "Risk medium, and no rule says otherwise. Rule “Vault” asks about "
        "app/vault/prices.py, which this would read."
    )


def test_a_rule_that_asks_about_every_call_names_no_files(vendors, workspace):
    rule("ask", "grep", "")
    _, run = call(vendors, "grep", pattern="eval", path="app")
    assert run.status == "waiting"
    assert the_call().decision_why == "Rule “Vault”."


def test_a_link_to_a_file_is_asked_about_as_the_file(vendors, workspace):
    rule("ask", "read_file")
    user, run = call(vendors, "read_file", path="way.py")
    assert run.status == "waiting" and not was_sent(vendors)
    approve(user, run)
    assert "hidden_word" in result(run)["text"]


@pytest.mark.parametrize("target", ["app/vault/prices.py", "app/vault/*"])
@pytest.mark.parametrize("path", [".", "app", "app/vault/prices.py", "way.py"])
def test_a_rule_that_refuses_to_search_a_file_holds_for_its_directory(
    vendors, workspace, target, path
):
    rule("refuse", "grep", target)
    _, run = call(vendors, "grep", pattern="eval", path=path)
    told = result(run)["text"]
    assert "rule" in told.lower() and "hidden_word" not in told
    assert not was_sent(vendors)


def test_what_was_approved_for_the_conversation_is_not_asked_again(vendors, workspace):
    rule("ask", "read_file")
    user, run = call(vendors, "grep", pattern="eval", path="app")
    decisions.decide(
        user=user, intent_id=the_call().pk, approve=True, for_conversation=True
    )
    wait_for_runs()
    _, again = call(
        vendors,
        "grep",
        user=user,
        row=run.conversation,
        pattern="hidden",
        path="app",
    )
    assert again.status == "done" and "hidden_word" in result(again)["text"]


def test_what_nobody_was_asked_about_is_left_out(vendors, workspace, monkeypatch):
    """It came after the call was decided, or lies where looking ended too early."""
    rule("ask", "read_file")
    monkeypatch.setattr(toolbox, "asked_about", lambda *given: [])
    _, run = call(vendors, "grep", pattern="eval", path="app")
    assert run.status == "done" and not was_sent(vendors)
    assert "1 left out because of a rule" in result(run)["text"]
    rule("run", "code_audit", "app", name="Free", order=0)
    _, run = call(vendors, "code_audit", path="app")
    assert (
        "Not audited: app/vault/prices.py: Rule “Vault”, which asks about it, and nobody "
        "was asked. Name it in a call of its own." in result(run)["text"]
    )
    assert not was_sent(vendors)


def test_who_begins_an_audit_says_yes_to_what_rules_ask_about(workspace):
    rule("ask", "code_audit")
    rule("refuse", "", "app/main.py", name="Main")
    found = sources.of_workspace(make_user(), "app")
    assert list(found.files) == ["app/vault/prices.py"]
    assert found.refused == {"app/main.py": "Rule “Main”."}


def test_a_refusal_of_the_call_or_of_the_file_stays_one(vendors, workspace):
    rule("refuse", "read_file")
    rule("ask", "grep", "app/vault/*", order=2, name="Later")
    _, run = call(vendors, "grep", pattern="eval", path="app")
    assert run.status == "done"
    assert "1 left out because of a rule" in result(run)["text"]


def test_other_rules_replayed_do_not_forget_what_was_asked_about_files(
    vendors, workspace
):
    made = rule("ask", "read_file")
    call(vendors, "grep", pattern="eval", path="app")
    since = the_call().created_at
    (replayed,) = dry_run.replay(dry_run.with_change(made), since=since)
    assert (replayed.before, replayed.now) == ("ask", "ask")
    assert "app/vault/prices.py" in replayed.why
