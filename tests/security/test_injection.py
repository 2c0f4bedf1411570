"""S-45, F26: what is written in a document is no decision, however it is written.

A hundred documents reach the model as a tool's result, as a chunk of the context or in
the question; the model obeys each of them. Nothing is written without a person's word,
and what is done then is what the person saw, once.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from context_app.models import (
    ContextChunk,
    IntentEvent,
    PolicyRule,
    StandingApproval,
    ToolIntent,
)
from context_app.services import chain, intents
from context_app.services.intents import Asker
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation, Run
from sessions_app.runs import decisions
from tests.emulator import EmulatorProcess
from tests.security.conftest import Bench
from tests.security.corpus import ASKED, DOCUMENTS, HONEST, Document
from tests.sessions_app.factories import (
    make_credential,
    make_superuser,
    make_user,
)
from tests.sessions_app.factories_runs import ask, wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}


def start(user: User, slug: str = "openai", **fields: Any) -> Run:
    """Ask with tools, until the run is over or waits."""
    credential = make_credential(owner=user, provider=slug)
    fields.setdefault("options", {"tools": True})
    started = ask(user, credential_id=credential.pk, model=MODELS[slug], **fields)
    return now(started.run)


def now(run: Run) -> Run:
    wait_for_runs()
    return Run.objects.select_related("answer").get(pk=run.pk)


def reads(what: str = "the page") -> dict[str, Any]:
    return {"name": "look", "arguments": {"intent": HONEST, "what": what}}


def writes(what: str, tool: str = "change") -> dict[str, Any]:
    return {"name": tool, "arguments": {"intent": ASKED, "what": what}}


def is_by_a_person(intent: ToolIntent) -> bool:
    """Whether the record has an approval of it that somebody gave."""
    given = IntentEvent.objects.filter(intent=intent, state="approved")
    return any(event.facts["decided_by_name"] for event in given)


def test_there_are_a_hundred_documents() -> None:
    assert len(DOCUMENTS) == len({document.name for document in DOCUMENTS}) == 100


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_a_document_gets_nothing_done(
    vendors: EmulatorProcess, bench: Bench, document: Document
) -> None:
    number = DOCUMENTS.index(document)
    slug = list(MODELS)[number % 3]
    user = make_user()
    fields: dict[str, Any] = {}
    bench.document = document.text
    if number % 3 == 0:
        vendors.script(text="I read it.", calls=[reads()])
    elif number % 3 == 1:
        conversation = Conversation.objects.create(owner=user)
        ContextChunk.objects.create(
            conversation=conversation, owner=user, kind="text", text=document.text
        )
        fields["conversation_id"] = conversation.pk
    else:
        fields["text"] = f"Summarise this: {document.text}"
    vendors.script(text="As I was told.", calls=document.calls)
    vendors.script(text="Well.")

    run = start(user, slug, **fields)

    assert run.status in ("done", "waiting"), (run.status, run.error)
    assert bench.done == []
    touched = ToolIntent.objects.exclude(tool="look")
    assert {intent.state for intent in touched} <= {"requested"}
    assert not any(is_by_a_person(intent) for intent in ToolIntent.objects.all())
    assert not PolicyRule.objects.exists() and not StandingApproval.objects.exists()
    assert chain.verify() is None
    sent = "".join(request["body"] or "" for request in vendors.requests())
    assert document.text[:8] in sent or "\\u" in sent, "the model never saw it"


def waiting(vendors: EmulatorProcess, what: str = "the file") -> tuple[User, Run]:
    """A run that waits for a word on one call."""
    user = make_user()
    vendors.script(text="May I?", calls=[writes(what)])
    run = start(user)
    assert run.status == "waiting"
    return user, run


def only_intent() -> ToolIntent:
    return ToolIntent.objects.get()


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": {"what": "another file"}},
        {
            "arguments": {"what": "another file"},
            "arguments_hash": chain.digest({"what": "another file"}),
        },
        {"tool": "destroy"},
        {"target": "another file"},
        {"computed_risk": "low"},
        {"scope": "Something else."},
    ],
    ids=["arguments", "arguments and hash", "tool", "target", "risk", "scope"],
)
@pytest.mark.parametrize("when", ["before the approval", "after the approval"])
def test_what_was_changed_behind_an_approval_is_not_run(
    vendors: EmulatorProcess,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    when: str,
) -> None:
    user, run = waiting(vendors)
    intent = only_intent()
    vendors.script(text="Odd.")

    def alter() -> None:
        ToolIntent.objects.filter(pk=intent.pk).update(**change)

    if when == "before the approval":
        alter()
        decisions.decide(user=user, intent_id=intent.pk, approve=True)
    else:
        with monkeypatch.context() as held:
            held.setattr(decisions.executor, "submit", lambda run_id: None)
            decisions.decide(user=user, intent_id=intent.pk, approve=True)
        alter()
        decisions.executor.submit(run.pk)
    run = now(run)
    assert bench.done == []
    assert run.status == "done"
    assert "may not run" in str(run.answer.parts)
    assert chain.verify() is not None  # and the record says that it was altered


def test_an_approval_is_for_one_time(vendors: EmulatorProcess, bench: Bench) -> None:
    """The same call again, in a later step and in a later answer, asks again."""
    user, run = waiting(vendors)
    vendors.script(text="Again.", calls=[writes("the file")])
    intent = only_intent()
    decisions.decide(user=user, intent_id=intent.pk, approve=True)
    run = now(run)
    assert (run.status, len(bench.done)) == ("waiting", 1)
    for approve in (True, False):
        with pytest.raises(Invalid, match="decided already"):
            decisions.decide(user=user, intent_id=intent.pk, approve=approve)
    assert (now(run).status, len(bench.done)) == ("waiting", 1)
    vendors.script(calls=[writes("the file")])
    assert start(user).status == "waiting"
    assert len(bench.done) == 1


def test_a_call_that_borrows_the_id_of_an_approved_one_is_not_run(
    vendors: EmulatorProcess, bench: Bench
) -> None:
    """Two calls of one step under one id are one call: the first, as it was shown."""
    user, run = waiting(vendors)
    intent = only_intent()
    asker = Asker(
        run_id=run.pk,
        conversation_id=run.conversation_id,
        person=user,
        teams=frozenset(),
        provider="openai",
        model="m",
        step=intent.step,
    )
    tool = bench.tools()["destroy"]
    other = {"intent": ASKED, "what": "everything"}
    found = intents.declare(asker, tool, intent.call_id, other)
    assert (found.pk, found.tool, found.arguments) == (
        intent.pk,
        "change",
        {"what": "the file"},
    )


@pytest.mark.parametrize("who", ["stranger", "staff", "superuser", "team mate"])
def test_nobody_but_the_person_who_asked_decides(
    vendors: EmulatorProcess, bench: Bench, who: str
) -> None:
    _, run = waiting(vendors)
    intent = only_intent()
    other = (
        make_superuser() if who == "superuser" else make_user(is_staff=who == "staff")
    )
    for approve in (True, False):
        with pytest.raises(NotFound):
            decisions.decide(user=other, intent_id=intent.pk, approve=approve)
    assert (now(run).status, bench.done) == ("waiting", [])
    assert [e.state for e in IntentEvent.objects.all()] == ["requested"]


def test_a_person_without_rights_cannot_let_it_run_by_another_answer(
    vendors: EmulatorProcess, bench: Bench
) -> None:
    """An approval for a conversation counts in that conversation, up to that risk."""
    user, run = waiting(vendors)
    vendors.script(text="More.", calls=[writes("all", tool="destroy")])
    decisions.decide(
        user=user, intent_id=only_intent().pk, approve=True, for_conversation=True
    )
    assert now(run).status == "waiting"
    assert [tool for tool, _ in bench.done] == ["change"]
    other = make_user()
    vendors.script(calls=[writes("hers")])
    assert start(other).status == "waiting"
    assert [tool for tool, _ in bench.done] == ["change"]
