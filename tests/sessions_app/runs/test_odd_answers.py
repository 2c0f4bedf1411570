"""What a model may write that no database can store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.events import (
    ErrorInfo,
    Finished,
    StreamError,
    TextDelta,
    ToolCallReady,
    Usage,
)
from sessions_app.models import Message, Run
from sessions_app.runs import step
from sessions_app.storable import without_nul
from tests.sessions_app.factories import make_superuser
from tests.sessions_app.factories_runs import FakeStream, Script, ask, wait_for_runs
from tests.sessions_app.runs.test_real_wire import credential_for
from tests.sessions_app.runs.tool_calls import MODELS, OK, Bench, over, start

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_nul_in_an_answer_does_not_keep_it_from_being_stored(emulator):
    owner = make_superuser("root")
    credential = credential_for(owner, emulator, "openai")
    emulator.script(text="one \x00two")
    started = ask(owner, credential_id=credential.pk, model="gpt-5.4")
    wait_for_runs()
    assert Run.objects.get(pk=started.run.pk).status == Run.Status.DONE
    stored = Message.objects.get(pk=started.run.answer_id)
    assert stored.text == "one two"
    assert "\x00" not in str(stored.parts) and stored.parts


def test_nothing_but_the_nul_is_taken_away():
    value = {"a\x00": ["b\x00c", 1, None, {"d": "\n\t\u200b"}]}
    assert without_nul(value) == {"a": ["bc", 1, None, {"d": "\n\t\u200b"}]}


@pytest.mark.parametrize("slug", MODELS)
def test_a_call_that_is_nested_without_end_does_not_keep_a_run_from_ending(
    vendors, bench, slug
):
    deep = json.loads("[" * 600 + "]" * 600)
    vendors.script(calls=[{"name": "look", "arguments": {"what": "x", "deep": deep}}])
    vendors.script(text="Then not.")
    run = over(start(slug))
    assert not run.is_active and not bench.done
    assert run.finished_at is not None


def test_a_nul_in_what_a_vendor_says_about_an_answer_is_not_stored(script):
    script.batches = [
        [
            TextDelta(text="kept"),
            Usage(input_tokens=1, output_tokens=1, raw={"by\x00": ["\x00x"]}),
            Finished(stop_reason="other", stop_reason_raw="od\x00d"),
        ]
    ]
    run = over(ask())
    assert (run.status, run.stop_reason_raw) == (Run.Status.DONE, "odd")
    assert run.usage["raw"] == {"by": ["x"]}


def test_a_nul_in_an_error_of_a_vendor_is_not_stored(script):
    error = ErrorInfo(kind="RequestRejected", message="No.", vendor_message="n\x00o")
    script.batches = [[StreamError(error=error)]]
    run = over(ask())
    assert (run.status, run.error["vendor_message"]) == (Run.Status.FAILED, "no")
    assert run.attempts.get().error["vendor_message"] == "no"


def test_two_calls_of_one_id_are_never_given_each_others_result(
    script: Script, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.batches = [
        [
            ToolCallReady(part=n, call_id="c", name="look", arguments=arguments)
            for n, arguments in enumerate(
                {"intent": OK, "what": what} for what in ("one", "two")
            )
        ],
        [Finished(stop_reason="tool_use")],
    ]
    real = script.stream_chat

    def stream_chat(*args: Any, **options: Any) -> FakeStream:
        if script.requests:
            script.say("Done.")
        return real(*args, **options)

    monkeypatch.setattr(step.provider, "stream_chat", stream_chat)
    run = over(start())
    results = [p for p in run.answer.parts if p["type"] == "tool_result"]
    assert [done["what"] for done in bench.done] == ["one"]
    assert [p.get("is_error", False) for p in results] == [False, True]
    assert "has this id" in results[1]["text"]
    assert run.status == "done"
