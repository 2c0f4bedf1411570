"""The model's own hands on the context: searched freely, changed only when allowed."""

from __future__ import annotations

import pytest

from context_app.models import ContextChunk, PolicyRule, ToolIntent
from providers import http
from sessions_app.models import Conversation, Run
from sessions_app.runs import decisions
from tests.context_app.test_context import MODELS
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)

OK = {"purpose": "user_request", "scope": "The notes here."}


@pytest.fixture
def vendors(emulator):
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    wait_for_runs()
    http.configure(before)


def call(vendors, name, user=None, row=None, risk="low", **arguments):
    """One question whose answer calls this tool once; (person, run)."""
    user = user or make_user()
    credential = make_credential(owner=user, provider="openai")
    vendors.script(
        calls=[
            {
                "name": name,
                "arguments": {"intent": OK | {"risk_level": risk}, **arguments},
            }
        ]
    )
    vendors.script(text="Done.")
    started = ask(
        user,
        text="The secret is alpha.",
        credential_id=credential.pk,
        model=MODELS["openai"],
        options={"tools": True},
        conversation_id=row.pk if row else None,
    )
    wait_for_runs()
    return user, Run.objects.select_related("answer").get(pk=started.run.pk)


def result(run):
    run.refresh_from_db()
    run.answer.refresh_from_db()
    return next(p for p in run.answer.parts if p["type"] == "tool_result")


def approve(user, run):
    intent = ToolIntent.objects.get(run_ref=run.pk)
    decisions.decide(user=user, intent_id=intent.pk, approve=True)
    wait_for_runs()
    return intent


def test_a_search_finds_what_was_said_in_this_conversation(vendors):
    _, run = call(vendors, "context_search", query="secret ALPHA")
    assert "The secret is alpha." in result(run)["text"]


def test_a_search_sees_no_other_conversation(vendors):
    stranger, other = make_user(), make_user()
    ContextChunk.objects.create(
        conversation=Conversation.objects.create(owner=other),
        kind="text",
        text="The password is omega.",
    )
    _, run = call(vendors, "context_search", user=stranger, query="omega")
    assert "Nothing in the context" in result(run)["text"]


def test_a_kept_text_waits_for_its_owner_and_knows_its_call(vendors):
    user, run = call(vendors, "context_add", title="Plan", text="First the roof.")
    assert run.status == "waiting"
    assert not ContextChunk.objects.exists()
    intent = approve(user, run)
    chunk = ContextChunk.objects.get()
    assert (chunk.title, chunk.text) == ("Plan", "First the roof.")
    assert (chunk.created_by, chunk.intent_id) == ("tool", intent.pk)


def test_what_it_takes_out_is_gone_from_the_next_request(vendors):
    user = make_user()
    row = Conversation.objects.create(owner=user)
    chunk = ContextChunk.objects.create(
        conversation=row, owner=user, kind="text", title="Old", text="Outdated words."
    )
    PolicyRule.objects.create(name="fine", tool="context_remove", action="run")
    _, run = call(vendors, "context_remove", user=user, row=row, chunk_id=str(chunk.pk))
    assert "“Old” is no longer sent" in result(run)["text"]
    bodies = [r["body"] for r in vendors.requests()]
    assert "Outdated words." in bodies[0] and "Outdated words." not in bodies[-1]


@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_chunk_is_an_answer_for_the_model(vendors, key):
    PolicyRule.objects.create(name="fine", tool="context_remove", action="run")
    _, run = call(vendors, "context_remove", chunk_id=key)
    assert result(run)["is_error"]
    assert run.status == "done"
