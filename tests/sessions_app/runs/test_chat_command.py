"""`manage.py chat`: the same run as the page's, on a terminal."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from providers.errors import CredentialRejected
from providers.events import (
    Citation,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallReady,
    Usage,
)
from sessions_app.models import Conversation, Run
from sessions_app.runs.log import live
from tests.sessions_app.factories import make_credential, make_superuser
from tests.sessions_app.factories_runs import Script, wait_until


@pytest.fixture
def admin(script: Script) -> User:
    user = make_superuser("root")
    make_credential(owner=user, name="work")
    return user


def chat(*args: str, **options: Any) -> tuple[str, int]:
    """What it printed, and its exit code."""
    out = io.StringIO()
    try:
        call_command("chat", *args, stdout=out, **options)
    except SystemExit as exc:
        return out.getvalue(), int(exc.code or 0)
    return out.getvalue(), 0


def test_it_prints_the_answer(admin: User, script: Script) -> None:
    script.say("The sky ", "scatters ", "blue.\x1b[2J")
    assert chat("Why?", "--model", "m") == ("The sky scatters blue.�[2J\n", 0)


def test_json_is_one_document_with_everything(admin: User, script: Script) -> None:
    call = ToolCallReady(part=2, call_id="c1", name="look", arguments={"at": "sky"})
    script.batches = [
        [ReasoningDelta(text="hm"), TextDelta(text="See.", part=1)],
        [Citation(part=1, kind="url", url="https://example.org", title="T"), call],
        [
            Usage(input_tokens=5, output_tokens=7, raw={"in": 5}),
            Finished(stop_reason="tool_use", stop_reason_raw="tool_calls"),
        ],
    ]
    text, code = chat("Why?", "--json", "--model", "m", "--credential", "work")
    found = json.loads(text)
    run = Run.objects.get()
    assert code == 0
    assert found["text"] == "See." and found["reasoning"] == "hm"
    assert found["tool_calls"] == [
        {"id": "c1", "name": "look", "arguments": {"at": "sky"}}
    ]
    assert found["citations"] == [
        {"kind": "url", "url": "https://example.org", "title": "T"}
    ]
    assert found["usage"]["output_tokens"] == 7 and found["usage_raw"] == {"in": 5}
    assert (found["stop_reason"], found["stop_reason_raw"]) == (
        "tool_use",
        "tool_calls",
    )
    assert found["error"] is None
    assert (found["run_id"], found["credential"]) == (str(run.pk), "work")


def test_a_failure_says_why_and_is_exit_1(admin: User, script: Script) -> None:
    script.refuse = CredentialRejected(
        "OpenAI does not accept this key. Enter a new one.",
        status=401,
        vendor_type="invalid_request_error",
        vendor_message="Incorrect API key",
    )
    with pytest.raises(CommandError, match="Enter a new one") as raised:
        chat("Why?", "--model", "m")
    assert raised.value.returncode == 1
    text, code = chat("Why?", "--model", "m", "--json")
    found = json.loads(text)
    assert code == 1
    assert found["error"]["type"] == "invalid_request_error"
    assert found["error"]["message"] == "Incorrect API key"
    assert found["error"]["kind"] == "CredentialRejected"


@pytest.mark.parametrize(
    "args",
    [
        ["   "],
        ["Why?", "--user", "nobody"],
        ["Why?", "--provider", "gemini", "--model", "m"],
        ["Why?", "--model", "m", "--reasoning-effort", "wild"],
        ["x" * 400_001],
    ],
)
def test_bad_usage_is_exit_2_and_stores_nothing(admin: User, args: list[str]) -> None:
    with pytest.raises(CommandError) as raised:
        chat(*args)
    assert raised.value.returncode == 2
    assert not Conversation.objects.exists()


def test_the_question_may_come_from_stdin(
    admin: User, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.say("ok")
    monkeypatch.setattr("sys.stdin", io.StringIO("a long\nquestion"))
    assert chat("-", "--model", "m") == ("ok\n", 0)
    assert script.requests[0]["messages"][0].parts[0].text == "a long\nquestion"


def test_it_goes_on_with_a_conversation(admin: User, script: Script) -> None:
    script.say("ok")
    chat("One", "--model", "m")
    conversation = Conversation.objects.get()
    chat("Two", "--conversation", str(conversation.pk))
    assert len(script.requests[1]["messages"]) == 3
    assert script.requests[1]["model"] == "m", "the conversation's last model"


def test_ctrl_c_stops_the_run_and_keeps_the_text(admin: User, script: Script) -> None:
    script.say_and_hang("half an answer")

    def press() -> None:
        wait_until(lambda: any(run.log.seq for run in live.everything()))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    text, code = chat("Why?", "--model", "m")
    assert code == 130
    assert text == "half an answer\n"
    run = Run.objects.get()
    assert (run.status, run.answer.text) == ("stopped", "half an answer")
