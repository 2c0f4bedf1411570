"""What a person says while an answer is on its way: heard once, in its place, never lost."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import User

from context_app.tools import registry
from context_app.tools.base import Tool
from providers import http
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Message, Run, Steering
from sessions_app.runs import reaper, service, steering, words
from sessions_app.runs.log import live
from sessions_app.runs.log.tail import stored_events
from sessions_app.runs.log.writer import writer
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
OK = {"purpose": "user_request", "scope": "Look.", "risk_level": "low"}


@pytest.fixture
def vendors(emulator):
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    wait_for_runs()
    http.configure(before)


def start(slug="openai", user=None, **fields):
    user = user or make_user()
    credential = make_credential(owner=user, provider=slug)
    return user, ask(user, credential_id=credential.pk, model=MODELS[slug], **fields)


def say(user, started, text, key="s1"):
    return steering.steer(
        user=user, run_id=started.run.pk, text=text, client_message_id=key
    )


def spoken(started):
    return "".join(getattr(e, "text", "") for e in stored_events(started.run.pk))


def over(started):
    wait_for_runs()
    return Run.objects.select_related("answer").get(pk=started.run.pk)


@pytest.mark.parametrize("slug", MODELS)
def test_the_model_stops_and_goes_on_with_the_words_in_view(vendors, slug):
    vendors.script(pieces=[{"text": "One way is"}, {"sleep": 30}])
    vendors.script(text="Then in French.")
    user, started = start(slug)
    wait_until(lambda: "One way is" in spoken(started))
    assert say(user, started, "in French, please") == []
    run = over(started)

    assert run.status == "done"
    kinds = [part["type"] for part in run.answer.parts]
    assert kinds == ["text", "steer", "text"]
    assert run.answer.text == "One way isThen in French."
    sent = vendors.requests()[-1]["body"]
    assert "One way is" in sent and "in French, please" in sent
    assert Message.objects.count() == 2
    assert Steering.objects.get().taken_at is not None


def test_what_broke_off_after_the_words_is_continued_without_what_was_before(vendors):
    vendors.script(pieces=[{"text": "One way is"}, {"sleep": 30}])
    vendors.script(text="En effet, il y en a plusieurs. " * 40)
    vendors.script(text="Voilà.")
    user, started = start("anthropic")
    wait_until(lambda: "One way is" in spoken(started))
    vendors.fault("cut", at_byte=3000, times=1)
    say(user, started, "in French, please")
    run = over(started)
    assert (run.status, run.attempts.failed().get().action) == ("done", "go_on")
    assert run.answer.text.startswith("One way isEn effet")
    assert run.answer.text.endswith("Voilà.")
    assert vendors.requests()[-1]["body"].count("One way is") == 1


@pytest.mark.parametrize("slug", MODELS)
def test_words_before_the_first_token_reach_the_model_too(vendors, slug):
    vendors.fault("stall_headers", delay_s=30)
    vendors.script(text="Never seen.")
    vendors.script(text="Yes.")
    user, started = start(slug)
    wait_until(lambda: vendors.requests())
    say(user, started, "and be short")
    run = over(started)
    assert (run.status, run.answer.text) == ("done", "Yes.")
    assert [p["type"] for p in run.answer.parts] == ["steer", "text"]


def test_the_next_question_brings_the_words_along(vendors):
    vendors.script(pieces=[{"text": "One"}, {"sleep": 30}])
    vendors.script(text="Two.")
    user, started = start()
    wait_until(lambda: "One" in spoken(started))
    say(user, started, "count on")
    over(started)
    _, second = start(user=user, conversation_id=started.conversation.pk, text="And?")
    over(second)
    assert "count on" in vendors.requests()[-1]["body"]


def test_a_tool_runs_to_its_end_and_the_words_follow_its_result(vendors, monkeypatch):
    gate, begun = threading.Event(), threading.Event()

    def run_tool(arguments, context):
        begun.set()
        gate.wait(20)
        return "it is noon"

    tool = Tool(
        name="look",
        description="look",
        parameters={"type": "object", "properties": {}},
        run=run_tool,
    )
    monkeypatch.setattr(registry, "_found", {**registry.tools(), "look": tool})
    vendors.script(calls=[{"name": "look", "arguments": {"intent": OK}}])
    vendors.script(text="Noon, in short.")
    user, started = start(options={"tools": True})
    begun.wait(10)
    say(user, started, "in short")
    assert not live.find(started.run.pk).is_stopping
    gate.set()
    run = over(started)
    kinds = [part["type"] for part in run.answer.parts]
    assert kinds == ["tool_call", "tool_result", "steer", "text"]
    assert run.answer.parts[1]["text"] == "it is noon"


def test_words_from_another_process_arrive_by_the_row(vendors, monkeypatch):
    vendors.script(pieces=[{"text": "One"}, {"sleep": 30}])
    vendors.script(text="Two.")
    user, started = start()
    wait_until(lambda: "One" in spoken(started))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(live, "find", lambda run_id: None)
        say(user, started, "go on")
    writer.start()
    assert over(started).answer.text == "OneTwo."


def test_words_for_an_answer_that_is_over_become_a_question(vendors):
    vendors.script(text="Whole.")
    user, started = start()
    over(started)
    vendors.script(text="Also this.")
    asked = say(user, started, "one more thing")
    wait_for_runs()
    assert [a.question.text for a in asked] == ["one more thing"]
    answer = Message.objects.get(pk=asked[0].answer.pk)
    assert (answer.text, answer.parent.parent_id) == ("Also this.", started.answer.pk)


def test_words_that_a_kill_left_behind_are_asked_by_the_reaper(vendors):
    vendors.script(text="Whole.")
    _user, started = start()
    over(started)
    Steering.objects.create(
        run_id=started.run.pk, text="left behind", client_message_id="k"
    )
    vendors.script(text="Found.")
    reaper.reap_once()
    wait_for_runs()
    assert Message.objects.filter(text="left behind").count() == 1
    assert Message.objects.filter(text="Found.").count() == 1
    reaper.reap_once()
    assert Message.objects.filter(text="left behind").count() == 1


def test_the_same_words_sent_again_are_heard_once(vendors):
    vendors.script(pieces=[{"text": "One"}, {"sleep": 30}])
    vendors.script(text="Two.")
    user, started = start()
    wait_until(lambda: "One" in spoken(started))
    say(user, started, "go on")
    say(user, started, "go on")
    run = over(started)
    say(user, started, "go on")
    assert [p["type"] for p in run.answer.parts].count("steer") == 1
    assert Message.objects.count() == 2


def test_nobody_steers_somebody_elses_answer(vendors):
    vendors.script(text="Whole.")
    user, started = start()
    over(started)
    with pytest.raises(NotFound):
        say(make_user(), started, "hello")
    with pytest.raises(Invalid):
        say(user, started, "   ")
    assert not Steering.objects.exists()


def test_words_for_a_queued_question_wait_behind_it(vendors):
    vendors.script(pieces=[{"text": "One"}, {"sleep": 30}])
    user, first = start()
    wait_until(lambda: "One" in spoken(first))
    _, second = start(user=user, conversation_id=first.conversation.pk, text="Second?")
    asked = say(user, second, "third")
    assert [a.run.status for a in asked] == ["queued"]
    service.stop_run(user=user, run_id=first.run.pk)
    wait_for_runs()
    assert set(Run.objects.values_list("status", flat=True)) == {"stopped", "done"}


def left_behind(started, key="k"):
    return Steering.objects.create(
        run_id=started.run.pk, text="left behind", client_message_id=key
    )


def test_words_of_an_account_that_was_closed_by_sql_are_not_tried_for_ever(vendors):
    vendors.script(text="Whole.")
    user, started = start()
    over(started)
    row = left_behind(started)
    User.objects.filter(pk=user.pk).update(is_active=False)
    reaper.reap_once()
    row.refresh_from_db()
    assert row.taken_at is not None
    assert not Message.objects.filter(text="left behind").exists()


def test_words_that_came_as_a_question_too_are_not_tried_for_ever(vendors):
    vendors.script(text="Whole.")
    _, started = start()
    over(started)
    row = left_behind(started, key=started.question.client_message_id)
    reaper.reap_once()
    row.refresh_from_db()
    assert row.taken_at is not None
    assert Message.objects.count() == 2


def test_words_of_somebody_who_is_gone_are_not_looked_at(vendors):
    vendors.script(text="Whole.")
    _, started = start()
    over(started)
    left_behind(started)
    assert words.left_over()
    Run.objects.update(started_by=None)
    assert not words.left_over()
