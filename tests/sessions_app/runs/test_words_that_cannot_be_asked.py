"""Words that came too late and cannot be asked are shown with the reason, and not lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from sessions_app.models import Message, Run, SavedAuthentication, Steering
from sessions_app.runs import asking, reaper, service, words
from tests.sessions_app.consumers.page import Page
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import wait_for_runs
from tests.sessions_app.runs.test_steering import (
    MODELS,
    left_behind,
    over,
    say,
    start,
    vendors,
)
from tests.sessions_app.usage.counting import make_limit

__all__ = ["vendors"]

pytestmark = pytest.mark.django_db(transaction=True)

GONE = (
    "The credential “{}” is gone or no longer shared with you. Pick another one and ask "
    "again."
)


def answered(vendors):
    vendors.script(text="Whole.")
    user, started = start()
    over(started)
    return user, started


def kept(text):
    question = Message.objects.get(text=text)
    return Run.objects.select_related("answer").get(question=question)


def later(started, **by):
    """As if the answer had ended, and the words been said, so long ago."""
    then = timezone.now() - timedelta(**by)
    Run.objects.filter(pk=started.run.pk).update(finished_at=then)
    Steering.objects.update(created_at=then)


def test_words_whose_credential_is_gone_are_shown_at_once_with_the_reason(vendors):
    user, started = answered(vendors)
    name = started.run.credential_name
    make_credential(owner=user, provider="anthropic")  # that was not asked
    SavedAuthentication.objects.filter(pk=started.run.credential_id).delete()
    row = left_behind(started)
    before = len(vendors.requests())
    reaper.reap_once()
    wait_for_runs()
    run = kept("left behind")
    assert (run.status, run.cause, run.credential) == (
        "failed",
        GONE.format(name),
        None,
    )
    assert run.error["kind"] == "CredentialNotFound"
    assert (run.provider, run.model) == ("openai", MODELS["openai"])
    row.refresh_from_db()
    assert row.taken_at and not words.left_over()
    assert len(vendors.requests()) == before
    reaper.reap_once()
    assert Message.objects.count() == 4


def test_words_whose_credential_is_no_longer_shared_are_shown_too(vendors):
    _, started = answered(vendors)
    SavedAuthentication.objects.update(owner=make_user())
    left_behind(started)
    reaper.reap_once()
    assert kept("left behind").error["kind"] == "CredentialNotFound"


def test_the_words_are_asked_again_with_another_credential(vendors):
    user, started = answered(vendors)
    SavedAuthentication.objects.all().delete()
    left_behind(started)
    reaper.reap_once()
    other = make_credential(owner=user, provider="anthropic")
    vendors.script(text="At last.")
    service.regenerate(
        user=user,
        message_id=kept("left behind").answer_id,
        client_message_id="again",
        credential_id=other.pk,
        model=MODELS["anthropic"],
    )
    wait_for_runs()
    sent = vendors.requests()[-1]["body"]
    assert "left behind" in sent
    assert Message.objects.filter(text="At last.").exists()


def test_a_limit_may_end_before_the_words_are_given_up(vendors):
    _, started = answered(vendors)
    limit = make_limit("requests", 1)
    row = left_behind(started)
    reaper.reap_once()
    row.refresh_from_db()
    assert row.taken_at is None and not Message.objects.filter(text=row.text).exists()
    limit.delete()
    vendors.script(text="Now.")
    reaper.reap_once()
    wait_for_runs()
    assert kept("left behind").status == "done"


def test_words_behind_a_limit_that_lasts_are_shown_with_it(vendors):
    _, started = answered(vendors)
    make_limit("requests", 1)
    left_behind(started)
    later(started, seconds=words.PATIENCE.total_seconds() + 1)
    reaper.reap_once()
    run = kept("left behind")
    assert (run.status, run.error["kind"]) == ("failed", "LimitReached")
    assert "limit" in run.cause.lower() and not words.left_over()


def test_words_behind_a_full_queue_are_shown_in_the_end(vendors, monkeypatch):
    _, started = answered(vendors)
    monkeypatch.setattr(asking, "MAX_QUEUED", 0)
    left_behind(started)
    later(started, minutes=2)
    reaper.reap_once()
    run = kept("left behind")
    assert (run.status, run.error["kind"]) == ("failed", "RequestRejected")
    assert "already wait" in run.cause


def test_words_of_a_long_answer_have_their_time_from_its_end(vendors):
    _, started = answered(vendors)
    make_limit("requests", 1)
    row = left_behind(started)
    Steering.objects.update(created_at=timezone.now() - timedelta(hours=1))
    reaper.reap_once()
    row.refresh_from_db()
    assert row.taken_at is None


async def test_every_page_is_told_and_the_one_that_said_it_knows_its_words(vendors):
    user, started = await sync_to_async(answered)(vendors)
    await sync_to_async(SavedAuthentication.objects.all().delete)()
    async with Page(user) as first, Page(user) as second:
        for page in (first, second):
            await page.follow(str(started.conversation.pk))
        await first.say(
            type="steer",
            run_id=str(started.run.pk),
            text="too late",
            client_message_id="mine",
        )
        for page in (first, second):
            frame = await page.until("accepted")
            assert frame["client_message_id"] == "mine"
            assert frame["question"]["parts"] == [{"type": "text", "text": "too late"}]
            assert frame["run"]["status"] == "failed"
            assert frame["run"]["cause"].endswith("Pick another one and ask again.")


def test_the_same_words_sent_again_are_shown_once(vendors):
    user, started = answered(vendors)
    SavedAuthentication.objects.all().delete()
    assert say(user, started, "too late") == []
    assert say(user, started, "too late") == []
    assert kept("too late").status == "failed"
