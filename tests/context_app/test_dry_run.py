"""Trying rules on the calls of the past weeks: row by row, by command and in the admin."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from context_app.models import PolicyRule, ToolIntent
from context_app.services import dry_run, policy
from sessions_app.errors import Invalid
from tests.context_app import records
from tests.sessions_app.factories import (
    make_intent,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)
from tests.sessions_app.factories_runs import make_run

pytestmark = pytest.mark.django_db

LONG_AGO = timezone.now() - timedelta(days=365)
FORM = "/admin/context_app/policyrule"


def run_command(*arguments: object) -> str:
    out = StringIO()
    call_command("policy_dry_run", *map(str, arguments), stdout=out)
    return out.getvalue()


def rules_file(folder: Path, *rules: dict[str, str]) -> Path:
    path = folder / "rules.json"
    path.write_text(json.dumps(rules))
    return path


def test_ten_thousand_calls_are_replayed_each_by_itself(
    django_assert_max_num_queries: object,
) -> None:
    records.write(10_000)
    alice = make_user("alice")
    team = make_team(alice)
    ToolIntent.objects.filter(step=3).update(person=alice)
    rules = [
        policy.Rule(name="docs", action="run", tool="write_file", target="docs/1*"),
        policy.Rule(name="hers", action="refuse", team=team.pk),
    ]
    with django_assert_max_num_queries(3):
        rows = list(dry_run.replay(rules, since=records.BEGINNING))
    assert len(rows) == 10_000
    calls = {row.pk: row for row in ToolIntent.objects.all()}
    for row in rows:
        call = calls[row.intent]
        if call.tool == "write_file" and call.target.startswith("docs/1"):
            expected = ("run", "Rule “docs”.")
        elif call.person_id == alice.pk:
            expected = ("refuse", "Rule “hers”.")
        else:
            expected = ("ask", "Risk medium, and no rule says otherwise.")
        assert (row.before, row.now, row.why) == ("ask", *expected)
    assert [row.when for row in rows] == sorted(row.when for row in rows)
    assert ToolIntent.objects.filter(state="done").count() == 10_000


def test_the_rules_in_force_change_nothing_of_what_they_decided() -> None:
    """Also not what ran because a person had approved it for the conversation."""
    run = make_run(make_user())
    make_intent(run, decision="ask")
    make_intent(run, decision="run", decision_why=policy.STANDING)
    make_intent(run, decision="run", computed_risk="low", decision_why="Low risk.")
    rows = dry_run.replay(policy.rules_in_force(), since=LONG_AGO)
    assert [row.is_different for row in rows] == [False] * 3
    refuse = [policy.Rule(name="no", action="refuse")]
    rows = dry_run.replay(refuse, since=LONG_AGO)
    assert [row.now for row in rows] == ["refuse"] * 3


def test_what_is_older_is_left_out() -> None:
    make_intent(make_run(make_user()))
    assert not list(dry_run.replay([], since=timezone.now() + timedelta(seconds=1)))


def test_the_command_tells_every_difference(tmp_path: Path) -> None:
    alice = make_user("alice")
    make_team(alice, name="blue")
    run = make_run(alice)
    make_intent(run, tool="shell", target="rm -rf \x1b[31mbuild\n")
    make_intent(run, tool="change", target="a.txt")
    make_intent(make_run(make_user()), tool="shell")
    rules = rules_file(
        tmp_path,
        {"name": "hers", "tool": "sh*", "person": "alice", "action": "refuse"},
        {"name": "blue", "team": "blue", "risk": "medium", "action": "run"},
    )
    text = run_command("--rules", rules)
    assert text.startswith("3 calls, 2 decided differently.")
    assert "\x1b" not in text and "rm -rf" in text
    said = json.loads(run_command("--rules", rules, "--json"))
    assert said["calls"] == 3
    found = [(row["tool"], row["before"], row["now"]) for row in said["differences"]]
    assert found == [("shell", "ask", "refuse"), ("change", "ask", "run")]
    assert said["differences"][0]["why"] == "Rule “hers”."


def test_calls_are_replayed_by_what_was_declared_of_them(tmp_path: Path) -> None:
    run = make_run(make_user())
    make_intent(run, scope="DELETE what\x1b[31m is old")
    make_intent(run, scope="Read what is old")
    rules = rules_file(
        tmp_path, {"name": "gone", "scope": "delete*", "action": "refuse"}
    )
    assert "1 decided differently" in run_command("--rules", rules)
    assert "\x1b" not in run_command("--rules", rules)
    (row,) = json.loads(run_command("--rules", rules, "--json"))["differences"]
    assert (row["scope"], row["now"]) == ("DELETE what\x1b[31m is old", "refuse")
    assert row["why"] == "Rule “gone”, by what the model declared."


def test_without_a_file_the_rules_in_force_are_tried() -> None:
    make_intent(make_run(make_user()))
    assert run_command() == "1 calls, 0 decided differently.\n"
    PolicyRule.objects.create(name="all", action="refuse")
    assert "1 decided differently" in run_command()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "no list of rules"),
        ("[", "no list of rules"),
        ('[{"name": "a"}]', "`action`"),
        ('[{"name": "a", "action": "allow"}]', "`action` is one of run, ask, refuse"),
        ('[{"name": "a", "action": "ask", "risk": "big"}]', "`risk` is one of"),
        ('[{"name": "a", "action": "ask", "person": "nobody"}]', "no 'nobody'"),
        ('[{"name": "a", "action": "ask", "team": "none"}]', "no team 'none'"),
        ('[{"name": "a", "action": "ask", "tols": "x"}]', "tols"),
        ('[{"name": "a", "action": "run", "scope": "*"}]', "the model's own words"),
        ("\udcff", "no list of rules"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_in_words(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "rules.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Invalid, match=says):
        dry_run.rules_from(path.read_bytes())
    with pytest.raises(CommandError, match=says) as refused:
        run_command("--rules", path)
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="cannot be read"):
        run_command("--rules", tmp_path / "none.json")
    with pytest.raises(CommandError, match="days"):
        run_command("--days", 10**12)


# -- the form ---------------------------------------------------------------------------


@pytest.fixture
def admin(client: Client) -> Client:
    sign_in(client, make_superuser("admin"))
    return client


def written(**fields: str) -> dict[str, str]:
    return {
        "order": "1",
        "name": "try",
        "tool": "shell",
        "target": "",
        "scope": "",
        "risk": "",
        "person": "",
        "team": "",
        "action": "refuse",
        "is_active": "on",
        **fields,
    }


def test_the_form_says_what_would_change_and_saves_nothing(admin: Client) -> None:
    run = make_run(make_user("alice"))
    make_intent(run, tool="shell", target="<img src=x onerror=alert(1)>")
    make_intent(run, tool="change")
    assert "What would it have changed?" in admin.get(f"{FORM}/add/").content.decode()
    answer = admin.post(f"{FORM}/add/preview/", written())
    text = answer.content.decode()
    assert "1 of 2\n      calls" in text
    assert "&lt;img src=x" in text and "<img src=x" not in text
    assert "Rule “try”." in text
    assert not PolicyRule.objects.exists()
    nothing = admin.post(f"{FORM}/add/preview/", written(is_active=""))
    assert "0 of 2" in nothing.content.decode()


def test_the_form_tries_a_scope_too_and_shows_it(admin: Client) -> None:
    run = make_run(make_user())
    make_intent(run, tool="shell", scope="Delete <b>all</b>.")
    make_intent(run, tool="shell", scope="Look.")
    answer = admin.post(f"{FORM}/add/preview/", written(scope="*DELETE*"))
    text = answer.content.decode()
    assert "1 of 2" in text and "Delete &lt;b&gt;all&lt;/b&gt;." in text
    assert "by what the model declared" in text


def test_a_change_of_a_rule_is_tried_in_its_place(admin: Client) -> None:
    first = PolicyRule.objects.create(order=1, name="first", action="ask")
    second = PolicyRule.objects.create(
        order=2, name="second", tool="shell", action="refuse"
    )
    make_intent(make_run(make_user()), tool="shell")
    page = f"{FORM}/{second.pk}/change/"
    assert f"{page}preview/" in admin.get(page).content.decode()
    behind = admin.post(f"{page}preview/", written(order="2"))
    before = admin.post(f"{page}preview/", written(order="0"))
    assert "0 of 1" in behind.content.decode()
    assert "1 of 1" in before.content.decode()
    off = admin.post(
        f"{FORM}/{first.pk}/change/preview/", written(is_active="", tool="")
    )
    assert "1 of 1" in off.content.decode()
    second.refresh_from_db()
    assert (second.order, second.name) == (2, "second")


def test_a_rule_that_is_not_valid_is_said(admin: Client) -> None:
    frees = written(scope="*please*", action="run")
    text = admin.post(f"{FORM}/add/preview/", frees).content.decode()
    assert "not a rule yet" in text and "never runs" in text
    answer = admin.post(f"{FORM}/add/preview/", written(name="", action="allow"))
    text = answer.content.decode()
    assert "not a rule yet" in text and "Name" in text
    assert admin.post(f"{FORM}/999/change/preview/", written()).status_code == 404
    assert admin.get(f"{FORM}/add/preview/").status_code in (302, 405)


def test_other_peoples_calls_are_for_those_who_may_read_them(client: Client) -> None:
    make_intent(make_run(make_user()), tool="shell", target="her secret path")
    writer = make_user("writer", is_staff=True)
    sign_in(client, writer)
    assert client.post(f"{FORM}/add/preview/", written()).status_code == 403
    writer.user_permissions.add(Permission.objects.get(codename="add_policyrule"))
    text = client.post(f"{FORM}/add/preview/", written()).content.decode()
    assert "1 of 1" in text and "her secret path" not in text
    writer.user_permissions.add(Permission.objects.get(codename="view_toolintent"))
    text = client.post(f"{FORM}/add/preview/", written()).content.decode()
    assert "her secret path" in text
    rule = PolicyRule.objects.create(name="r", action="ask")
    changed = client.post(f"{FORM}/{rule.pk}/change/preview/", written())
    assert changed.status_code == 403
    client.logout()
    assert client.post(f"{FORM}/add/preview/", written()).status_code == 302
