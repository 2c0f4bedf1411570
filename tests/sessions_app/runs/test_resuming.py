"""Going on with an answer of several steps that broke off: at most one step is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from context_app.tools import registry
from context_app.tools.base import Tool
from providers import http
from sessions_app import tasks
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Run
from sessions_app.runs import resuming, service
from sessions_app.runs.log.events import StepStarted
from sessions_app.runs.log.tail import stored_events
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


@pytest.fixture
def done(monkeypatch):
    found = []
    tool = Tool(
        name="look",
        description="look",
        parameters={"type": "object", "properties": {}},
        run=lambda arguments, context: found.append(1) or "it is noon",
    )
    monkeypatch.setattr(registry, "_found", {**registry.tools(), "look": tool})
    return found


def broken(vendors, slug="openai"):
    """A run whose second step was stopped in its middle."""
    vendors.script(
        text="Let me see.", calls=[{"name": "look", "arguments": {"intent": OK}}]
    )
    vendors.script(pieces=[{"text": "It is half"}, {"sleep": 30}])
    user = make_user()
    credential = make_credential(owner=user, provider=slug)
    started = ask(
        user, credential_id=credential.pk, model=MODELS[slug], options={"tools": True}
    )
    wait_until(lambda: "It is half" in spoken(started.run.pk))
    service.stop_run(user=user, run_id=started.run.pk)
    return user, fresh(started.run.pk)


def fresh(run_id):
    wait_for_runs()
    return Run.objects.select_related("answer").get(pk=run_id)


def spoken(run_id):
    return "".join(getattr(e, "text", "") for e in stored_events(run_id))


@pytest.mark.parametrize("slug", MODELS)
def test_only_the_step_that_broke_off_is_asked_for_again(vendors, done, slug):
    user, run = broken(vendors, slug)
    assert run.answer.text == "Let me see.It is half"
    vendors.script(text="It is noon.")
    resuming.carry_on(user=user, run_id=run.pk)
    run = fresh(run.pk)

    assert (run.status, len(done)) == ("done", 1)
    assert run.answer.text == "Let me see.It is noon."
    kinds = [part["type"] for part in run.answer.parts]
    assert kinds == ["text", "tool_call", "tool_result", "text"]
    sent = vendors.requests()[-1]["body"]
    assert "it is noon" in sent and "It is half" not in sent
    steps = [e for e in stored_events(run.pk) if isinstance(e, StepStarted)]
    assert [s.why for s in steps] == ["tools", "repeated"]
    assert steps[0].part == steps[1].part


def test_the_price_of_going_on_is_said_first(vendors, done):
    user, run = broken(vendors)
    said = resuming.continuation_of(user=user, run_id=run.pk)
    assert said["can_continue"] and "no tool is run twice" in said["says"]
    assert "paid for again" in said["says_restart"]


def test_a_whole_answer_has_nothing_to_continue(vendors):
    user = make_user()
    credential = make_credential(owner=user, provider="openai")
    started = ask(user, credential_id=credential.pk, model=MODELS["openai"])
    run = fresh(started.run.pk)
    said = resuming.continuation_of(user=user, run_id=run.pk)
    assert (said["can_continue"], said["says"]) == (False, "")
    assert said["why_not"] == "This answer did not break off."
    with pytest.raises(Invalid):
        resuming.carry_on(user=user, run_id=run.pk)


def test_an_answer_that_was_whole_when_the_server_went_is_not_asked_again(vendors):
    user = make_user()
    credential = make_credential(owner=user, provider="anthropic")
    vendors.script(text="All of it.")
    started = ask(user, credential_id=credential.pk, model=MODELS["anthropic"])
    run = fresh(started.run.pk)
    # As the reaper leaves it: every event is in the log, the end was not stored.
    Run.objects.filter(pk=run.pk).update(status="interrupted")
    before = len(vendors.requests())
    resuming.carry_on(user=user, run_id=run.pk)
    run = fresh(run.pk)
    assert (run.status, run.answer.text) == ("done", "All of it.")
    assert len(vendors.requests()) == before


def test_an_answer_whose_log_is_forgotten_keeps_its_text_and_runs_no_tool_again(
    vendors, done
):
    user, run = broken(vendors)
    long_ago = timezone.now() - timedelta(days=31)
    Run.objects.filter(pk=run.pk).update(finished_at=long_ago)
    tasks._forget_run_logs()

    said = resuming.continuation_of(user=user, run_id=run.pk)
    assert not said["can_continue"] and "too long ago" in said["why_not"]
    with pytest.raises(Invalid, match="too long ago"):
        resuming.carry_on(user=user, run_id=run.pk)
    run = fresh(run.pk)
    assert (run.status, len(done)) == ("stopped", 1)
    assert run.answer.text == "Let me see.It is half"


def test_foreign_answers_have_no_price(vendors, done):
    _, run = broken(vendors)
    with pytest.raises(NotFound):
        resuming.continuation_of(user=make_user(), run_id=run.pk)
