"""LLM10, F40: what a limit looks like from outside, and that every call is counted."""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.urls import reverse

from context_app.models import ContextChunk
from providers.events import Finished, TextDelta, Usage
from sessions_app.errors import CredentialLimitReached, LimitReached
from sessions_app.models import Conversation, Run, UsageDay
from sessions_app.runs import reaper, service
from sessions_app.runs.audits import auditing
from sessions_app.runs.context import summaries
from tests.sessions_app.consumers.page import Page
from tests.sessions_app.factories import (
    make_credential,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)
from tests.sessions_app.factories_runs import ask, wait_for_runs, wait_until
from tests.sessions_app.usage.counting import Said, counter, held, make_limit

pytestmark = pytest.mark.django_db(transaction=True)


def ended(started):
    wait_for_runs()
    return Run.objects.get(pk=started.run.pk)


def test_an_answer_is_counted_for_who_asked_and_with_what(script):
    script.say("one ", "two")
    alice = make_user("alice")
    team = make_team(alice)
    run = ended(ask(alice))
    row = UsageDay.objects.get()
    assert (row.person, row.credential_name) == (alice, run.credential_name)
    assert (row.requests, row.input_tokens, row.output_tokens) == (1, 3, 2)
    for scope, ref in (("person", alice.pk), ("team", team.pk), ("installation", "")):
        assert counter(scope, ref).tokens == 5


def test_a_question_beyond_the_limit_is_refused_and_nothing_is_stored(script):
    script.say("never")
    alice = make_user()
    key = make_credential(owner=alice)
    make_limit("requests", 1)
    assert ended(ask(alice, credential_id=key.pk)).status == "done"
    with pytest.raises(LimitReached):
        ask(alice, credential_id=key.pk)
    assert Conversation.objects.count() == 1  # nothing half stored


def test_a_run_that_meets_the_limit_says_which_and_spoils_no_credential(script):
    script.say("one")
    alice = make_user()
    key = make_credential(owner=alice)
    make_limit("tokens", 50)  # less than any answer is reserved with
    run = ended(ask(alice, credential_id=key.pk))
    assert (run.status, run.error["kind"]) == ("failed", "LimitReached")
    assert "50 tokens a day is reached" in run.cause
    assert run.attempts.failed().get().retry_class == "limited"
    key.refresh_from_db()
    assert key.limited_until is None and not script.requests[1:]
    assert counter("person", alice.pk).requests == 0


def test_a_credentials_limit_lets_the_chosen_other_one_answer(script):
    script.say("by the other")
    alice = make_user()
    first, second = make_credential(owner=alice), make_credential(owner=alice)
    make_limit("tokens", 50, scope="credential", credential=first)
    talk = Conversation.objects.create(
        owner=alice, fallbacks=[{"credential_id": str(second.pk), "model": "m"}]
    )
    run = ended(ask(alice, credential_id=first.pk, conversation_id=talk.pk))
    assert (run.status, run.credential) == ("done", second)


def test_of_a_hundred_at_once_fifty_begin_and_the_others_are_told_to_wait(script):
    """F40, with the usual limit."""
    gate = script.gate = threading.Event()
    script.say("ok")
    alice = make_user()
    key = make_credential(owner=alice)
    begun, refused = [], []

    def one():
        try:
            begun.append(ask(alice, credential_id=key.pk, model="m"))
        except LimitReached as exc:
            refused.append(exc)

    threads = [threading.Thread(target=and_close(one)) for _ in range(100)]
    try:
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert (len(begun), len(refused)) == (50, 50)
        assert Run.objects.count() == 50
        assert "50 answers at once" in refused[0].message
        assert refused[0].retry_after_s == 10
    finally:
        gate.set()
    wait_for_runs()
    assert counter("person", alice.pk).requests == 50
    ask(alice, credential_id=key.pk, model="m")


def and_close(work):
    from django.db import connections

    def whole():
        try:
            work()
        finally:
            connections.close_all()

    return whole


def test_a_team_and_a_credential_have_their_own_number_of_runs(script):
    script.say_and_hang("…")
    alice, bob = make_user(), make_user()
    key = make_credential(owner=alice, is_shared_with_everyone=True)
    make_limit("runs", 1, scope="credential", credential=key)
    first = ask(alice, credential_id=key.pk)
    with pytest.raises(CredentialLimitReached):
        ask(bob, credential_id=key.pk)
    make_limit("runs", 1, scope="team", team=make_team(alice, bob))
    with pytest.raises(LimitReached, match="the team"):
        ask(bob)
    service.stop_run(user=alice, run_id=first.run.pk)
    wait_for_runs()


async def test_the_socket_is_told_the_limit_and_when_to_come_back(script):
    alice = await sync_to_async(make_user)("alice")
    await sync_to_async(make_credential)(owner=alice)
    await sync_to_async(make_limit)("requests", 0)
    async with Page(alice) as page:
        await page.say(type="send", text="Why?", client_message_id="q1", model="m")
        frame = await page.until("error")
    assert (frame["code"], frame["client_message_id"]) == ("limited", "q1")
    assert frame["limit"]["metric"] == "requests" and frame["retry_after_s"] > 0
    assert "begins anew" in frame["message"]


def test_http_answers_429_with_the_limit_and_retry_after(client):
    alice = make_user()
    make_credential(owner=alice)
    make_limit("cost", "0")
    sign_in(client, alice)
    talk = Conversation.objects.create(owner=alice)
    path = reverse("api-context-summary", kwargs={"conversation_id": talk.pk})
    reply = client.post(path, {}, content_type="application/json")
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (429, "LimitReached")
    assert 0 < int(reply["Retry-After"]) <= 25 * 3600
    assert error["limit"]["scope"] == "person" and error["limit"]["resets_at"]


def test_an_audit_and_a_summary_are_counted_like_an_answer(client, script, monkeypatch):
    alice = make_user()
    key = make_credential(owner=alice)
    empty = [TextDelta(text='{"findings": []}'), Usage(input_tokens=7, output_tokens=3)]
    monkeypatch.setattr(
        "providers.provider.stream_with",
        lambda *args, **options: Said(*empty, Finished(stop_reason="stop")),
    )
    row = auditing.run(user=alice, source="x = 1\n", name="x", credential_id=key.pk)
    assert counter("person", alice.pk).tokens == 10, row.cause
    script.say("Fine.")
    talk = ask(alice, credential_id=key.pk)
    wait_for_runs()
    service.start_run(
        user=alice,
        text="And?",
        client_message_id=uuid.uuid4().hex,
        conversation_id=talk.conversation.pk,
    )
    wait_for_runs()
    before = counter("person", alice.pk).requests
    monkeypatch.setattr(summaries.provider, "stream_chat", lambda *a, **o: Said())
    last = Run.objects.latest("created_at").answer_id
    summaries.start(alice, talk.conversation.pk, up_to=last)
    wait_until(lambda: not ContextChunk.objects.filter(state="writing").exists())
    assert counter("person", alice.pk).requests == before + 1


def test_the_reaper_counts_late_what_the_database_could_not_take(script, monkeypatch):
    from django.db import DatabaseError

    from sessions_app.runs import metering

    def away(*args):
        raise DatabaseError

    script.say("one")
    alice = make_user()
    make_limit("requests", 5)
    with monkeypatch.context() as patch:
        patch.setattr(metering.usage, "settle", away)
        assert ended(ask(alice)).status == "done"  # an answer is not lost for its bill
    assert held(counter("person", alice.pk))[0] == 1
    assert metering.release_abandoned() == 0
    assert metering.settle_late() == 1
    row = counter("person", alice.pk)
    assert (row.requests, *held(row)) == (1, 0, 0, 0)
    assert reaper.reap_once() == 0


# -- the page, its files, the command, the admin --------------------------------------


@pytest.fixture
def used(script):
    script.say("one")
    alice = make_user("=alice", is_staff=True)
    ask(alice, credential_id=make_credential(owner=alice, name="home").pk)
    wait_for_runs()
    ask(make_user("bob"))
    wait_for_runs()
    return alice


def test_a_person_sees_their_own_and_staff_everyones(client, used):
    sign_in(client, used)
    assert client.get("/api/usage/").json()["used_today"]["requests"] == 1
    everyone = client.get("/api/usage/?of=everyone&by=person").json()
    assert {row["name"] for row in everyone["rows"]} == {"=alice", "bob"}
    sign_in(client, make_user("charlie"))
    assert client.get("/api/usage/").json()["rows"] == []
    assert client.get("/api/usage/?of=everyone").status_code == 403
    assert client.get("/api/usage/?by=person").status_code == 403
    assert client.get("/usage/?of=everyone").status_code == 404
    assert client.get("/api/usage/?days=0").status_code == 400


def test_by_team_is_what_its_members_used(client, script):
    alice = make_user(is_staff=True)
    make_team(alice, name="Blue")
    script.say("one")
    ask(alice)
    wait_for_runs()
    sign_in(client, alice)
    rows = client.get("/api/usage/?of=everyone&by=team").json()["rows"]
    assert [(row["name"], row["requests"]) for row in rows] == [("Blue", 1)]


def test_the_files_hold_what_the_page_shows_and_no_formula(client, used):
    sign_in(client, used)
    reply = client.get("/usage/export.csv?of=everyone&by=person")
    rows = list(csv.DictReader(io.StringIO(reply.content.decode())))
    assert {row["person"] for row in rows} == {"'=alice", "bob"}
    assert "attachment" in reply["Content-Disposition"]
    found = client.get("/usage/export.json").json()
    assert found["rows"][0]["requests"] == 1 and found["limits"]


def test_the_page_says_what_is_used_of_each_limit(client, used):
    make_limit("requests", 1)
    sign_in(client, used)
    page = client.get("/usage/").content.decode()
    assert "Yours: requests a day" in page and "1 of 1" in page
    assert "reached" in page and "0 of 50" in page


def test_the_command_says_the_same_and_fails_where_a_limit_is_reached(used, capsys):
    call_command("usage", "--user", "=alice", "--json")
    assert json.loads(capsys.readouterr().out)["used_today"]["requests"] == 1
    make_limit("requests", 1)
    with pytest.raises(SystemExit) as caught:
        call_command("usage", "--user", "=alice")
    assert caught.value.code == 3
    assert "REACHED" in capsys.readouterr().out


def test_an_administrator_sets_a_limit_and_nobody_changes_what_was_used(client, used):
    sign_in(client, make_superuser())
    fields = {"scope": "person", "person": used.pk, "metric": "runs", "amount": "2"}
    page = "/admin/sessions_app/usagelimit/"
    assert client.post(f"{page}add/", fields).status_code == 302
    assert "person =alice" in client.get(page).content.decode()
    fields |= {"scope": "team"}
    assert client.post(f"{page}add/", fields).status_code == 200  # says what is wrong
    days = client.get("/admin/sessions_app/usageday/")
    assert days.status_code == 200 and "bob" in days.content.decode()
    assert client.get("/admin/sessions_app/usageday/add/").status_code == 403
