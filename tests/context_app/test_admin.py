"""The admin of tool intents and policy: read-only record, export, rules."""

import json

import pytest
from django.utils.formats import date_format
from django.utils.timezone import localtime

from context_app.models import IntentEvent, PolicyRule, ToolIntent
from context_app.services import intents
from tests.sessions_app.factories import make_intent, make_superuser, make_user, sign_in
from tests.sessions_app.factories_runs import make_run

pytestmark = pytest.mark.django_db

LIST = "/admin/context_app/toolintent/"


@pytest.fixture
def auditor(client):
    sign_in(client, make_superuser("auditor"))
    return client


def act(client, action):
    ids = list(ToolIntent.objects.values_list("pk", flat=True))
    return client.post(LIST, {"action": action, "_selected_action": ids}, follow=True)


def test_the_list_costs_the_same_for_one_and_for_many(
    auditor, django_assert_max_num_queries
):
    run = make_run(make_user())
    make_intent(run)
    auditor.get(LIST)  # a browser's first request is written down
    with django_assert_max_num_queries(14):
        assert auditor.get(LIST).status_code == 200
    for _ in range(60):
        make_intent(run)
    with django_assert_max_num_queries(14):
        assert auditor.get(LIST).status_code == 200


def test_the_list_says_who_decided_when_and_why_and_is_searched_by_who(auditor):
    run = make_run(make_user())
    why = "Risk medium, and no rule says otherwise."
    mine, other = make_intent(run, decision_why=why), make_intent(run)
    intents.approve(mine, make_user("deborah"))
    text = auditor.get(LIST, {"q": "deborah"}).content.decode()
    assert why in text and date_format(localtime(mine.decided_at)) in text
    assert str(mine.pk) in text and str(other.pk) not in text


def test_a_rule_about_the_scope_is_kept_unless_it_would_run(auditor):
    rules = "/admin/context_app/policyrule/"
    form = {"order": 1, "name": "words", "scope": "*delete*", "is_active": "on"}
    answer = auditor.post(f"{rules}add/", form | {"action": "run"})
    assert "because the scope is the model&#x27;s own words" in answer.content.decode()
    assert not PolicyRule.objects.exists()
    auditor.post(f"{rules}add/", form | {"action": "ask"})
    rule = PolicyRule.objects.get()
    assert (rule.scope, rule.action) == ("*delete*", "ask")
    found = auditor.get(rules, {"q": "delete"}).content.decode()
    assert "*delete*" in found and "words" in found
    text = auditor.get(f"{rules}{rule.pk}/change/").content.decode()
    assert "What the model says it touches" in text


def test_nobody_changes_the_record_here(auditor):
    intent = make_intent(make_run(make_user()))
    assert auditor.get(f"{LIST}add/").status_code == 403
    page = f"{LIST}{intent.pk}/change/"
    assert auditor.get(page).status_code == 200
    assert auditor.post(page, {"state": "done"}).status_code == 403
    assert auditor.post(f"{LIST}{intent.pk}/delete/").status_code == 403
    assert ToolIntent.objects.get().state == "requested"


def test_a_row_shows_its_arguments_escaped_and_its_events(auditor):
    intent = make_intent(
        make_run(make_user()), arguments={"x": "<script>alert(1)</script>"}
    )
    text = auditor.get(f"{LIST}{intent.pk}/change/").content.decode()
    assert "<script>alert(1)" not in text and "&lt;script&gt;" in text
    assert IntentEvent.objects.get().hash[:16] in text


def test_the_csv_neutralises_what_a_spreadsheet_would_run(auditor):
    make_intent(make_run(make_user()), scope="=cmd|' /C calc'!A1", target="+1")
    answer = act(auditor, "export_csv")
    text = b"".join(answer.streaming_content).decode()
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "'=cmd" in text and "'+1" in text


def test_the_json_has_everything_a_line_each(auditor):
    run = make_run(make_user())
    for _ in range(3):
        make_intent(run)
    answer = act(auditor, "export_json")
    rows = [
        json.loads(line) for line in b"".join(answer.streaming_content).splitlines()
    ]
    assert len(rows) == 3 and rows[0]["arguments"] == {"what": "the file"}


def test_the_record_is_verified_from_the_list(auditor):
    make_intent(make_run(make_user()))
    assert "as it was written" in act(auditor, "verify_record").content.decode()
    ToolIntent.objects.update(scope="Something harmless.")
    assert "altered: scope" in act(auditor, "verify_record").content.decode()


def test_rules_are_kept_in_order(auditor):
    auditor.post(
        "/admin/context_app/policyrule/add/",
        {
            "order": "5",
            "name": "no shell",
            "tool": "shell",
            "action": "refuse",
            "is_active": "on",
        },
    )
    rule = PolicyRule.objects.get()
    assert (rule.name, rule.action, rule.order) == ("no shell", "refuse", 5)


def test_people_who_are_not_staff_see_nothing(client):
    sign_in(client, make_user("bob"))
    assert client.get(LIST).status_code == 302
