"""Somebody else answers: only who was chosen, openly, and never around a vendor's terms."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from providers import http
from providers.retry import Limits
from sessions_app.models import Run, SavedAuthentication
from sessions_app.runs import failover, retrying
from sessions_app.runs.log.events import StepStarted
from sessions_app.runs.log.tail import stored_events
from tests.sessions_app.factories import make_credential, make_oauth, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendors(emulator, monkeypatch):
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    monkeypatch.setattr(
        retrying, "limits", lambda run: Limits(attempts=2, base_s=0.02, cap_s=0.05)
    )
    yield emulator
    wait_for_runs()
    http.configure(before)


class Team:
    """A person with two credentials and a conversation that has one fallback."""

    def __init__(self, second=None):
        self.user = make_user()
        self.first = make_credential(owner=self.user, provider="openai", name="home")
        self.second = second or make_credential(
            owner=self.user, provider="anthropic", name="work"
        )

    def ask(self, fallbacks=None, **fields):
        started = ask(self.user, credential_id=self.first.pk, model="gpt-6.1-terra")
        wait_for_runs()
        row = started.conversation
        row.refresh_from_db()
        chosen = [{"credential_id": str(self.second.pk), "model": "claude-sonnet-5-5"}]
        row.fallbacks = chosen if fallbacks is None else fallbacks
        row.save()
        return row

    def again(self, conversation, **fields):
        fields.setdefault("credential_id", self.first.pk)
        fields.setdefault("model", "gpt-6.1-terra")
        started = ask(
            self.user,
            conversation_id=conversation.pk,
            text="Again?",
            **fields,
        )
        wait_for_runs()
        return Run.objects.select_related("answer", "credential").get(pk=started.run.pk)


def steps(run):
    return [e for e in stored_events(run.pk) if isinstance(e, StepStarted)]


def test_a_limited_credential_is_replaced_by_the_chosen_one_and_the_answer_says_so(
    vendors,
):
    team = Team()
    conversation = team.ask()
    vendors.fault("status", status=429, retry_after_s=7200, times=1)
    vendors.script(text="I am the other one.")
    run = team.again(conversation)

    assert (run.status, run.answer.text) == ("done", "I am the other one.")
    assert (run.provider, run.credential_name) == ("anthropic", "work")
    assert run.answer.origin["provider"] == "anthropic"
    (step,) = steps(run)
    until = timezone.localtime(
        SavedAuthentication.objects.get(pk=team.first.pk).limited_until
    )
    assert step.note == (
        "Answered by “work” (anthropic, claude-sonnet-5-5) because “home” is limited "
        f"until {until:%H:%M %Z}."
    )
    assert step.instead_of == ["openai", "gpt-6.1-terra"]
    attempt = run.attempts.failed().get()
    assert (attempt.provider, attempt.action) == ("openai", "limited")


def test_nobody_is_asked_who_was_not_chosen(vendors):
    team = Team()
    conversation = team.ask(fallbacks=[])
    vendors.fault("status", status=503, times=9)
    run = team.again(conversation)
    assert (run.status, run.provider) == ("failed", "openai")


def test_an_overloaded_vendor_is_tried_often_enough_first(vendors):
    team = Team()
    conversation = team.ask()
    vendors.fault("status", status=503, times=2)
    vendors.script(text="Here.")
    run = team.again(conversation)
    assert [a.action for a in run.attempts.failed()] == ["retry", "stop"]
    assert "because “home” has too much to do" in steps(run)[0].note


def test_a_wrong_request_is_not_handed_around(vendors):
    team = Team()
    conversation = team.ask()
    vendors.fault("status", status=400, times=9)
    run = team.again(conversation)
    assert (run.status, run.provider) == ("failed", "openai")


def test_a_fallback_that_is_no_longer_shared_is_passed_over(vendors):
    team = Team(second=make_credential(owner=make_user(), provider="anthropic"))
    conversation = team.ask()
    vendors.fault("status", status=503, times=9)
    run = team.again(conversation)
    assert (run.status, run.provider) == ("failed", "openai")


@pytest.mark.parametrize("state", ["needs_login", "rejected"])
def test_a_fallback_that_cannot_answer_is_passed_over(vendors, state):
    team = Team()
    conversation = team.ask()
    SavedAuthentication.objects.filter(pk=team.second.pk).update(state=state)
    vendors.fault("status", status=503, times=9)
    assert team.again(conversation).provider == "openai"


def test_a_limited_fallback_is_passed_over(vendors):
    team = Team()
    conversation = team.ask()
    SavedAuthentication.objects.filter(pk=team.second.pk).update(
        limited_until=timezone.now() + timedelta(hours=1)
    )
    vendors.fault("status", status=503, times=9)
    assert team.again(conversation).provider == "openai"


def test_everybody_gets_a_turn_and_then_it_is_over(vendors):
    team = Team()
    conversation = team.ask()
    vendors.fault("status", status=503, times=99)
    run = team.again(conversation)
    assert run.status == "failed"
    assert [a.provider for a in run.attempts.failed()] == ["openai"] * 2 + [
        "anthropic"
    ] * 2


def test_what_was_shown_is_not_said_again_by_another(vendors):
    team = Team()
    conversation = team.ask()
    vendors.script(text="Half of it, and then the other half of it. " * 20)
    vendors.fault("cut", at_byte=3000)
    run = team.again(conversation)
    assert run.answer.text.startswith("Half of it")
    assert (run.status, run.provider) == ("failed", "openai")
    assert not steps(run)


def test_what_is_being_continued_is_not_said_again_by_another(vendors):
    team = Team()
    other = {"credential_id": str(team.first.pk), "model": "gpt-6.1-terra"}
    conversation = team.ask([other])
    vendors.script(text="Half of it, and then the other half of it. " * 20)
    vendors.fault("cut", at_byte=3000, times=1)
    vendors.fault("status", status=429, retry_after_s=7200, times=1)
    mine = {"credential_id": team.second.pk, "model": "claude-sonnet-5-5"}
    run = team.again(conversation, **mine)
    assert [a.action for a in run.attempts.failed()] == ["go_on", "limited"]
    assert (run.status, run.provider) == ("failed", "anthropic")
    assert run.answer.text.startswith("Half of it")
    assert [step.why for step in steps(run)] == ["continued"]


@pytest.mark.parametrize(
    ("metadata", "kind", "expected"),
    [
        ({"mode": "chatgpt", "kind": "codex"}, "limited", False),
        ({"mode": "chatgpt", "kind": "codex"}, "rate_limit", False),
        ({"mode": "chatgpt", "kind": "codex"}, "overloaded", True),
        ({"mode": "api_key", "kind": "codex"}, "limited", True),
    ],
)
def test_a_subscription_never_takes_over_what_another_may_not_answer(
    metadata, kind, expected
):
    user = make_user()
    other = make_oauth(owner=user, provider="openai", name="b", metadata=metadata)
    run = Run(
        provider="openai",
        credential_name="a",
        started_by=user,
        options={"fallbacks": [{"credential_id": str(other.pk), "model": "m"}]},
    )
    decision = retrying.retry.Decision(action="limited", kind=_kind(kind))
    error = retrying.ErrorInfo(kind="RateLimited", message="limited")
    found = failover.substitute(run, decision, error, set())
    assert (found is not None) is expected


def _kind(name):
    return retrying.retry.RetryClass(name)
