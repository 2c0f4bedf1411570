"""What auditors hold in their hands: the command, an end that was noted, the export."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from context_app.models import IntentEvent, ToolIntent
from context_app.services import chain
from tests.context_app import records
from tests.context_app.records import EVENTS, INTENTS, undone
from tests.sessions_app.factories import make_intent, make_superuser, make_user, sign_in
from tests.sessions_app.factories_runs import make_run


def audit(*arguments: str) -> tuple[int, str]:
    """(exit code, output) of `manage.py audit_verify`."""
    out = StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out)
    except SystemExit as exc:
        return int(exc.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_it_and_its_exit_code_too(record: None) -> None:
    code, text = audit()
    assert code == 0
    assert f"{INTENTS} intents, {EVENTS} events" in text
    code, text = audit("--json")
    said = json.loads(text)
    assert (code, said["is_ok"], said["first_fault"]) == (0, True, None)
    assert said["end"] == str(chain.end())
    assert audit("--expect", said["end"])[0] == 0
    with undone():
        IntentEvent.objects.filter(number=77).update(state="refused")
        code, text = audit("--json")
        assert code == 3
        assert json.loads(text)["first_fault"] == {
            "table": "IntentEvent",
            "row": "77",
            "why": "it was altered",
        }
        assert audit() == (3, "IntentEvent 77: it was altered.\n")


def test_an_end_that_was_noted_and_is_gone_is_a_problem(record: None) -> None:
    for number in (EVENTS, EVENTS + 1):
        code, text = audit("--expect", f"{number}:{'a' * 64}")
        assert code == 3
        assert "noted elsewhere" in text
    with pytest.raises(CommandError, match="NUMBER:HASH"):
        audit("--expect", "the last one")


def test_an_export_can_be_verified_without_us_and_agrees(
    db: None, client: Client
) -> None:
    """From the file alone: every hash, every link, and what each row says."""
    run = make_run(make_user())
    for number in range(20):
        make_intent(run, arguments={"text": f"Grüezi {number}"})
    sign_in(client, make_superuser())
    ids = [str(pk) for pk in ToolIntent.objects.values_list("pk", flat=True)]
    answer = client.post(
        "/admin/context_app/toolintent/",
        {"action": "export_json", "_selected_action": ids},
    )
    rows = [
        json.loads(line) for line in b"".join(answer.streaming_content).splitlines()
    ]
    events = sorted(
        ({**event, "intent": row["id"]} for row in rows for event in row["events"]),
        key=lambda event: event["number"],
    )
    previous = "0" * 64
    for place, event in enumerate(events):
        content = {k: event[k] for k in ("number", "intent", "state", "facts", "at")}
        assert event["number"] == place + 1
        assert event["previous"] == previous
        assert event["hash"] == records.hash_of(previous, content)
        previous = event["hash"]
    for row in rows:
        facts = row["events"][-1]["facts"]
        for name in ("tool", "scope", "arguments", "state", "decision_why"):
            assert facts[name] == row[name]
    assert chain.verify() is None
    assert str(chain.end()) == f"{len(rows)}:{previous}"
