"""Summaries: written by a model, shown while they grow, editable and undone."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.utils import timezone

from context_app.models import ContextChunk
from providers import http
from sessions_app.errors import Invalid
from sessions_app.models import Conversation, Message, SavedAuthentication
from sessions_app.runs import reaper
from sessions_app.runs.context import summaries
from tests.context_app.test_context import MODELS, Talk, by_preview
from tests.sessions_app.factories import make_user
from tests.sessions_app.factories_runs import wait_for_runs, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendors(emulator):
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    wait_for_runs()
    wait_until(lambda: not ContextChunk.objects.filter(state="writing").exists())
    http.configure(before)


def long_talk(client, vendors, slug="openai"):
    talk = Talk(client, vendors, slug)
    talk.ask("The second secret is beta.", "I noted beta.")
    talk.ask("The third secret is gamma.", "I noted gamma.")
    talk.ask("The fourth secret is delta.", "I noted delta.")
    return talk


def summarise(talk, **fields):
    reply = talk.client.post(
        f"{talk.url}summary/", fields, content_type="application/json"
    )
    wait_until(lambda: not ContextChunk.objects.filter(state="writing").exists())
    return reply


@pytest.mark.parametrize("slug", MODELS)
def test_the_earlier_messages_are_replaced_and_the_last_ones_stay(
    client, vendors, slug
):
    talk = long_talk(client, vendors, slug)
    vendors.script(text="Two secrets were noted.")
    assert summarise(talk).status_code == 200
    talk.ask("Well?")
    sent = talk.sent()
    assert "Two secrets were noted." in sent and "delta" in sent
    assert "alpha" not in sent and "beta" not in sent
    found = by_preview(talk.show(), "The first secret")
    assert found["why"] == "In the summary “Summary of 4 messages”."
    assert Message.objects.filter(text__contains="alpha").exists()


def test_deleting_it_gives_the_messages_back(client, vendors):
    talk = long_talk(client, vendors)
    vendors.script(text="Two secrets.")
    key = summarise(talk).json()["chunk_id"]
    talk.delete(key)
    talk.ask("Well?")
    assert "alpha" in talk.sent() and "Two secrets." not in talk.sent()


def test_it_can_be_edited(client, vendors):
    talk = long_talk(client, vendors)
    vendors.script(text="Two secrets.")
    key = summarise(talk).json()["chunk_id"]
    talk.patch(key, text="Nothing of note.")
    talk.ask("Well?")
    assert "Nothing of note." in talk.sent() and "Two secrets." not in talk.sent()


def test_one_may_say_up_to_where(client, vendors):
    talk = long_talk(client, vendors)
    vendors.script(text="One secret.")
    first = Message.objects.get(depth=1)
    summarise(talk, message_id=str(first.pk))
    talk.ask("Well?")
    assert "alpha" not in talk.sent() and "beta" in talk.sent()


def test_a_conversation_longer_than_the_window_is_read_in_parts(
    client, vendors, monkeypatch
):
    talk = long_talk(client, vendors)
    monkeypatch.setattr(summaries, "_room", lambda found, sizer: 25)
    vendors.script(text="It began with alpha.")
    vendors.script(text="Alpha, then beta.")
    summarise(talk)
    sent = [body for body in vendors.bodies() if "Summarise the conv" in str(body)]
    assert len(sent) == 2
    assert "It began with alpha." in str(sent[1]) and "beta" not in str(sent[0])
    assert ContextChunk.objects.get().text == "Alpha, then beta."


@pytest.mark.parametrize("taken", ["account", "credential", "part"])
def test_a_right_that_is_taken_away_meanwhile_ends_it(
    client, vendors, monkeypatch, taken
):
    talk = long_talk(client, vendors)
    monkeypatch.setattr(summaries, "_room", lambda found, sizer: 25)
    ask_once = summaries._ask

    def and_then_take_it(row_id, found, *rest):
        text = ask_once(row_id, found, *rest)
        if taken == "account":
            User.objects.update(is_active=False)
        elif taken == "credential":
            SavedAuthentication.objects.update(owner=make_user())
        else:
            Conversation.objects.update(owner=make_user())
        return text

    monkeypatch.setattr(summaries, "_ask", and_then_take_it)
    vendors.script(text="It began with alpha.")
    vendors.script(text="Alpha, then beta.")
    summarise(talk)
    sent = [body for body in vendors.bodies() if "Summarise the conv" in str(body)]
    assert len(sent) == 1
    assert ContextChunk.objects.get().state == "failed"


def test_a_failure_is_shown_and_takes_nothing_away(client, vendors):
    talk = long_talk(client, vendors)
    vendors.fault("status", status=400)
    summarise(talk)
    chunk = next(c for c in talk.show()["chunks"] if c["kind"] == "summary")
    assert (chunk["state"], chunk["is_sent"]) == ("failed", False)
    assert chunk["cause"]
    talk.ask("Well?")
    assert "alpha" in talk.sent()


@pytest.mark.parametrize(
    ("reason", "words"), [("length", "cut off"), ("refusal", "declined")]
)
def test_half_a_summary_stands_for_nothing(client, vendors, reason, words):
    talk = long_talk(client, vendors)
    vendors.script(text="It began with", stop=reason)
    summarise(talk)
    chunk = next(c for c in talk.show()["chunks"] if c["kind"] == "summary")
    assert (chunk["state"], chunk["is_sent"]) == ("failed", False)
    assert words in chunk["cause"]
    talk.ask("Well?")
    assert "alpha" in talk.sent()


def test_a_nul_in_it_is_not_stored(client, vendors):
    talk = long_talk(client, vendors)
    vendors.script(text="Two \x00secrets.")
    summarise(talk)
    assert ContextChunk.objects.get().text == "Two secrets."


def test_deleting_it_while_it_is_written_stops_it(client, vendors, monkeypatch):
    monkeypatch.setattr(summaries, "SHOW_EVERY_S", 0.0)
    talk = long_talk(client, vendors)
    vendors.script(pieces=[{"text": "Begun. "}, {"sleep": 30}, {"text": "Ended."}])
    reply = talk.client.post(f"{talk.url}summary/", {}, content_type="application/json")
    wait_until(lambda: ContextChunk.objects.get().text)
    talk.delete(reply.json()["chunk_id"])
    vendors.wait_for_stream("client_closed")
    assert not ContextChunk.objects.exists()


def test_a_killed_server_leaves_no_summary_that_is_written_for_ever(client, vendors):
    talk = long_talk(client, vendors)
    row = ContextChunk.objects.create(
        conversation=talk.row, kind="summary", state="writing", title="s"
    )
    past = timezone.now() - timedelta(minutes=5)
    ContextChunk.objects.filter(pk=row.pk).update(updated_at=past)
    assert summaries.end_abandoned() == 1
    row.refresh_from_db()
    assert (row.state, row.cause.startswith("The server stopped")) == ("failed", True)
    assert reaper.summaries is summaries


def test_a_model_that_thinks_for_minutes_before_it_writes_is_waited_for(
    client, vendors, monkeypatch
):
    talk = long_talk(client, vendors)
    ask_once = summaries._ask

    def after_minutes(row_id, *rest):
        long_ago = timezone.now() - timedelta(minutes=4)
        ContextChunk.objects.filter(pk=row_id).update(updated_at=long_ago)
        reaper.look_after_everything()
        return ask_once(row_id, *rest)

    monkeypatch.setattr(summaries, "_ask", after_minutes)
    vendors.script(text="Two secrets, after much thought.")
    summarise(talk)
    row = ContextChunk.objects.get()
    assert (row.state, row.text) == ("ready", "Two secrets, after much thought.")


def test_a_database_that_is_busy_for_a_moment_costs_no_summary(
    client, vendors, monkeypatch
):
    talk = long_talk(client, vendors)
    store, faults = summaries._set, []

    def busy_at_first(row_id, values):
        kind = "end" if "state" in values else "progress"
        if faults.count(kind) < 2:
            faults.append(kind)
            raise OperationalError("database is locked")
        store(row_id, values)

    monkeypatch.setattr(summaries, "_set", busy_at_first)
    monkeypatch.setattr(summaries, "SHOW_EVERY_S", 0.0)
    vendors.script(text="Two secrets were noted, and nothing else.")
    summarise(talk)
    row = ContextChunk.objects.get()
    assert set(faults) == {"progress", "end"}
    assert (row.state, row.cause) == ("ready", "")
    assert row.text == "Two secrets were noted, and nothing else."


def test_of_two_clicks_at_the_same_moment_one_is_paid_for(client, vendors, monkeypatch):
    talk = long_talk(client, vendors)
    user, told = talk.row.owner, []
    chosen = summaries._covered

    def in_no_hurry(*args):
        time.sleep(0.3)
        return chosen(*args)

    def click():
        try:
            told.append(summaries.start(user, talk.row.pk).state)
        except Invalid as exc:
            told.append(exc.message)
        finally:
            connections.close_all()

    monkeypatch.setattr(summaries, "_covered", in_no_hurry)
    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert sorted(told) == ["A summary is being written already.", "writing"]
    assert ContextChunk.objects.count() == 1


def test_too_little_is_not_summarised(client, vendors):
    talk = Talk(client, vendors)
    assert summarise(talk).status_code == 400


def test_nobody_summarises_for_somebody_else(client, vendors):
    talk = long_talk(client, vendors)
    client.force_login(make_user())
    assert summarise(talk).status_code == 404
