"""Runs that ask again: on the real wire, against the emulator's faults."""

from __future__ import annotations

import functools
import itertools
import time

import pytest
from django.db import OperationalError

from providers import http, retry
from providers.retry import Limits
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Message, Run, RunAttempt
from sessions_app.runs import resuming, retrying, service
from sessions_app.runs.log.tail import stored_events
from tests.sessions_app.factories import (
    make_credential,
    make_oauth,
    make_user,
    sign_in,
)
from tests.sessions_app.factories_runs import ask, wait_for_runs, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}


@pytest.fixture
def vendors(emulator, monkeypatch, settings):
    """The emulator behind every vendor's address; four attempts, and waits are short."""
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    settings.MAESTRO_RETRY_ATTEMPTS = 4
    wait_between(monkeypatch, base_s=0.05, cap_s=0.2)
    yield emulator
    wait_for_runs()
    http.configure(before)


def wait_between(monkeypatch, **seconds):
    """So long between attempts; how many there are is not touched."""
    monkeypatch.setattr(retrying, "Limits", functools.partial(Limits, **seconds))


def start(slug="openai", **fields):
    user = fields.pop("user", None) or make_user()
    credential = fields.pop("credential", None) or make_credential(
        owner=user, provider=slug
    )
    return ask(user, credential_id=credential.pk, model=MODELS[slug], **fields)


def over(started):
    wait_for_runs()
    return Run.objects.select_related("answer", "credential").get(pk=started.run.pk)


def chats(vendors):
    """Requests for an answer that the vendor saw."""
    return [r for r in vendors.requests() if r["method"] == "POST"]


@pytest.mark.parametrize("slug", MODELS)
@pytest.mark.parametrize(
    ("status", "kind"), [(503, "overloaded"), (500, "server"), (429, "rate_limit")]
)
def test_a_vendor_that_recovers_answers_once(vendors, slug, status, kind):
    fields = {"retry_after_s": 0.1} if status == 429 else {}
    vendors.fault("status", status=status, times=2, **fields)
    vendors.script(text="At last.")
    run = over(start(slug))

    assert (run.status, run.answer.text) == ("done", "At last.")
    assert len(chats(vendors)) == 3
    rows = run.attempts.failed()
    assert [(r.number, r.retry_class, r.action) for r in rows] == [
        (1, kind, "retry"),
        (2, kind, "retry"),
    ]
    assert all(r.error["status"] == status and r.wait_s > 0 for r in rows)


def test_an_attempt_that_cannot_be_recorded_is_followed_by_the_next_one(
    vendors, monkeypatch
):
    def busy(**row):
        raise OperationalError("database is locked")

    vendors.fault("status", status=503, times=1)
    vendors.script(text="At last.")
    monkeypatch.setattr(RunAttempt.objects, "create", busy)
    run = over(start())
    assert (run.status, run.answer.text) == ("done", "At last.")


def test_every_request_is_a_row_also_the_one_that_was_answered(vendors):
    vendors.fault("status", status=503)
    vendors.script(text="At last.")
    run = over(start())

    rows = list(run.attempts.all())
    assert [(r.number, r.action) for r in rows] == [(1, "retry"), (2, "answered")]
    answered = rows[-1]
    assert (answered.error, answered.retry_class) == (None, "")
    assert rows[0].ended_at <= answered.started_at <= answered.ended_at


def test_a_connection_that_breaks_before_a_word_is_asked_again(vendors):
    vendors.fault("close_before")
    vendors.script(text="Here I am.")
    run = over(start())
    assert (run.status, run.answer.text) == ("done", "Here I am.")
    assert run.attempts.failed().get().retry_class in ("network", "cut")


def test_it_gives_up_and_says_what_the_vendor_said(vendors):
    vendors.fault("status", status=503, times=99)
    run = over(start())
    assert (run.status, run.error["kind"]) == ("failed", "Overloaded")
    assert len(chats(vendors)) == 4
    assert [a.action for a in run.attempts.failed()] == [
        "retry",
        "retry",
        "retry",
        "stop",
    ]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_is_wrong_is_asked_once(vendors, status):
    vendors.fault("status", status=status, times=99)
    run = over(start())
    assert run.status == "failed"
    assert len(chats(vendors)) == 1
    assert run.attempts.failed().get().retry_class == "permanent"


def test_a_person_can_switch_repeating_off_for_a_conversation_and_on_again(
    vendors, client
):
    vendors.fault("status", status=503, times=99)
    user = make_user()
    sign_in(client, user)
    credential = make_credential(owner=user)
    first = start(user=user, credential=credential)
    over(first)
    assert len(chats(vendors)) == 4
    talk = first.conversation.pk
    for chosen, requests in (({"attempts": 1, "total_s": 180}, 5), (None, 9)):
        answer = client.patch(
            f"/api/conversations/{talk}/",
            {"retry": chosen},
            content_type="application/json",
        )
        assert answer.status_code == 200
        again = start(user=user, credential=credential, conversation_id=talk)
        assert over(again).status == "failed"
        assert len(chats(vendors)) == requests


def test_while_it_waits_everybody_sees_why_and_can_stop_it(vendors, monkeypatch):
    wait_between(monkeypatch, base_s=30, cap_s=30)
    vendors.fault("status", status=503, times=99)
    user = make_user()
    started = start(user=user)
    wait_until(lambda: Run.objects.get().status == "retrying")
    run = Run.objects.get()
    assert run.retry_at is not None
    assert "the vendor has too much to do" in run.cause

    began = time.monotonic()
    service.stop_run(user=user, run_id=started.run.pk)
    run = over(started)
    assert time.monotonic() - began < 2
    assert (run.status, run.retry_at) == ("stopped", None)
    assert len(chats(vendors)) == 1


def test_only_one_run_of_a_conversation_is_begun_while_one_waits(vendors, monkeypatch):
    wait_between(monkeypatch, base_s=30, cap_s=30)
    vendors.fault("status", status=503, times=1)
    user = make_user()
    credential = make_credential(owner=user)
    first = start(user=user, credential=credential)
    wait_until(lambda: Run.objects.get().status == "retrying")
    second = start(
        user=user, credential=credential, conversation_id=first.conversation.pk
    )
    assert Run.objects.get(pk=second.run.pk).status == "queued"
    service.stop_run(user=user, run_id=first.run.pk)
    assert over(second).status == "done"


def test_anthropic_continues_a_broken_answer_as_it_documents(vendors):
    vendors.fault("cut", at_byte=1200)
    vendors.script(
        text="One two three four five six seven eight nine ten eleven twelve."
    )
    vendors.script(text=" And the rest.")
    run = over(start("anthropic"))

    assert run.status == "done", run.error
    text = run.answer.text
    assert text.startswith("One two") and text.endswith("And the rest.")
    assert run.attempts.failed().get().action == "go_on"
    asked = vendors.bodies()[-1]["messages"]
    assert asked[-2]["role"] == "assistant" and asked[-1]["role"] == "user"
    assert "Continue exactly where it stopped" in str(asked[-1])


@pytest.mark.parametrize("slug", ["openai", "gemini"])
def test_others_keep_what_came_and_ask_nobody(vendors, slug):
    vendors.fault("cut", at_byte=1500)
    vendors.script(text="word " * 60)
    run = over(start(slug))
    assert (run.status, run.error["kind"]) == ("failed", "StreamCut")
    assert run.answer.text.startswith("word")
    assert len(chats(vendors)) == 1
    assert run.attempts.failed().get().action == "stop"


def test_an_expired_login_is_renewed_and_asked_once_more(vendors):
    vendors.oauth_config(any_port=True)
    from providers import provider

    user = make_user()
    login = provider.begin_login(
        "openai", name="work", redirect_uri="http://localhost:1455/auth/callback"
    )
    credential = provider.complete_login(login, vendors.authorize(login.authorize_url))
    row = make_oauth(
        owner=user,
        name="work",
        secrets={k: v.reveal() for k, v in credential.secrets.items()},
        metadata=credential.metadata,
        expires_in_s=1800,  # given half an hour ago: old enough to be renewed
    )
    vendors.oauth("expire")
    started = ask(user, credential_id=row.pk, model="gpt-5.5")
    run = over(started)
    assert run.status == "done", run.error
    assert not run.attempts.failed().exists()  # nobody needed to know
    grants = [r["grant"] for r in vendors.oauth()["token_requests"]]
    assert grants.count("refresh_token") == 1


def test_a_limit_that_lasts_ends_the_run_and_marks_the_credential(vendors):
    vendors.fault("status", status=429, retry_after_s=7200, times=99)
    run = over(start())
    assert run.status == "failed"
    assert run.attempts.failed().get().retry_class == "limited"
    assert run.credential.condition_at() == "limited"
    assert len(chats(vendors)) == 1


# -- continuing by hand -------------------------------------------------------------------


def broken(vendors, slug="anthropic"):
    """(user, run) of an answer that a person stopped in its middle."""
    vendors.script(pieces=[{"text": "The beginning of it."}, {"sleep": 30}])
    user = make_user()
    started = start(slug, user=user)
    wait_until(lambda: any(e for e in stored_events(started.run.pk)))
    wait_until(lambda: "beginning" in text_so_far(started.run.pk))
    service.stop_run(user=user, run_id=started.run.pk)
    return user, over(started)


def text_so_far(run_id):
    return "".join(getattr(e, "text", "") for e in stored_events(run_id))


def test_a_stopped_answer_goes_on_with_what_it_had(vendors):
    user, run = broken(vendors)
    assert run.status == "stopped"
    vendors.script(text=" And its end.")
    resuming.carry_on(user=user, run_id=run.pk)
    wait_for_runs()
    run = Run.objects.select_related("answer").get(pk=run.pk)
    assert (run.status, run.epoch) == ("done", 2)
    assert run.answer.text == "The beginning of it. And its end."
    assert Message.objects.count() == 2
    numbers = list(run.batches.values_list("first_seq", "last_seq"))
    assert all(a[1] < b[0] for a, b in itertools.pairwise(numbers))


def test_only_what_a_vendor_can_continue_is_offered(vendors):
    user, run = broken(vendors, "openai")
    with pytest.raises(Invalid, match="no way to continue"):
        resuming.carry_on(user=user, run_id=run.pk)


def test_somebody_elses_answer_is_not_found(vendors):
    _, run = broken(vendors)
    with pytest.raises(NotFound):
        resuming.carry_on(user=make_user(), run_id=run.pk)


def test_a_whole_answer_is_not_continued(vendors):
    user = make_user()
    run = over(start("anthropic", user=user))
    with pytest.raises(Invalid):
        resuming.carry_on(user=user, run_id=run.pk)


def test_the_limits_are_the_operators_unless_the_person_chose(settings):
    settings.MAESTRO_RETRY_ATTEMPTS, settings.MAESTRO_RETRY_TOTAL_S = 2, 9.0
    assert retrying.limits(Run()) == retry.Limits(attempts=2, total_s=9.0)
    chosen = Run(options={"retry": {"attempts": 1, "total_s": 30}})
    assert retrying.limits(chosen) == retry.Limits(attempts=1, total_s=30)
