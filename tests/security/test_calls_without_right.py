"""S-45, LLM06: a tool works with the rights its person has when it begins.

A call may wait for days for a word. Whoever lost the account, or their part in the
conversation, meanwhile has nothing done, whether a person or a rule had let it run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import User

from context_app.models import IntentEvent, PolicyRule, ToolIntent
from context_app.services import chain
from context_app.tools import registry
from sessions_app.errors import NotAllowed, NotFound
from sessions_app.models import Conversation, ConversationShare, Membership, Run, Team
from sessions_app.runs import closing, decisions
from sessions_app.runs.turns import in_database
from tests.emulator import EmulatorProcess
from tests.security.conftest import Bench
from tests.security.corpus import ASKED
from tests.sessions_app.factories import (
    make_credential,
    make_superuser,
    make_team,
    make_user,
)
from tests.sessions_app.factories_runs import ask, make_conversation, wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)

NO_PART = "no longer takes part in this conversation"
NO_ACCOUNT = "The account of the person who asked is closed"


class Shared(NamedTuple):
    """Bob may ask in Alice's conversation, as a member of her team."""

    alice: User
    bob: User
    talk: Conversation
    team: Team


@pytest.fixture
def shared(transactional_db: None) -> Shared:
    alice, bob = make_user("alice"), make_user("bob")
    team = make_team(alice, bob)
    talk = make_conversation(alice, is_shared=True)
    ConversationShare.objects.create(conversation=talk, team=team, may_take_part=True)
    return Shared(alice, bob, talk, team)


def leaves_the_team(shared: Shared) -> None:
    Membership.objects.filter(user=shared.bob).delete()


def is_shared_no_more(shared: Shared) -> None:
    ConversationShare.objects.all().delete()


def may_only_read(shared: Shared) -> None:
    ConversationShare.objects.update(may_take_part=False)


def is_out(shared: Shared) -> None:
    """By SQL: nobody is told."""
    User.objects.filter(pk=shared.bob.pk).update(is_active=False)


def is_deleted(shared: Shared) -> None:
    User.objects.get(pk=shared.bob.pk).delete()


LOSSES = [
    (leaves_the_team, NO_PART),
    (is_shared_no_more, NO_PART),
    (may_only_read, NO_PART),
    (is_out, NO_ACCOUNT),
]


def changes(*what: str) -> list[dict[str, Any]]:
    return [{"name": "change", "arguments": {"intent": ASKED, "what": w}} for w in what]


def bob_asks(shared: Shared) -> Run:
    """Until his answer is over or waits."""
    credential = make_credential(owner=shared.bob)
    started = ask(
        shared.bob,
        credential_id=credential.pk,
        model="gpt-6.1-terra",
        options={"tools": True},
        conversation_id=shared.talk.pk,
    )
    return now(started.run)


def now(run: Run) -> Run:
    wait_for_runs()
    return Run.objects.select_related("answer").get(pk=run.pk)


def waiting(vendors: EmulatorProcess, shared: Shared) -> tuple[Run, ToolIntent]:
    vendors.script(text="May I?", calls=changes("the file"))
    run = bob_asks(shared)
    assert run.status == "waiting"
    return run, ToolIntent.objects.get()


@pytest.mark.parametrize("who", ["who asked", "the owner"])
@pytest.mark.parametrize(("lose", "says"), [*LOSSES, (is_deleted, "is gone")])
def test_an_approved_call_of_who_lost_the_right_meanwhile_is_refused(
    vendors: EmulatorProcess,
    bench: Bench,
    shared: Shared,
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[Shared], None],
    says: str,
    who: str,
) -> None:
    run, intent = waiting(vendors, shared)
    vendors.script(text="Nobody hears this.")
    by = shared.bob if who == "who asked" else shared.alice
    with monkeypatch.context() as held:
        held.setattr(decisions.executor, "submit", lambda run_id: None)
        decisions.decide(user=by, intent_id=intent.pk, approve=True)
    lose(shared)
    decisions.executor.submit(run.pk)
    run = now(run)

    assert bench.done == []
    intent.refresh_from_db()
    assert intent.state == "refused"
    assert says in intent.words and "was not executed" in intent.words
    assert says in str(run.answer.parts)
    events = IntentEvent.objects.order_by("number").values_list("state", flat=True)
    assert list(events) == ["requested", "approved", "refused"]
    assert chain.verify() is None
    assert run.status in ("failed", "stopped")
    assert len(vendors.bodies()) == 1  # nor is anybody asked what to do next


@pytest.mark.parametrize(("lose", "says"), LOSSES)
def test_what_a_rule_lets_run_is_not_run_either(
    vendors: EmulatorProcess,
    bench: Bench,
    shared: Shared,
    monkeypatch: pytest.MonkeyPatch,
    lose: Callable[[Shared], None],
    says: str,
) -> None:
    """The right goes while the first call of two is at work."""
    PolicyRule.objects.create(name="all", action="run")
    works = bench.tools()["change"].run

    def and_then_lose_it(arguments: Mapping[str, Any], context: Any) -> Any:
        done = works(arguments, context)
        in_database(lose, shared)
        return done

    tool = replace(bench.tools()["change"], run=and_then_lose_it)
    monkeypatch.setattr(registry, "_found", {**registry.tools(), "change": tool})
    vendors.script(text="Both.", calls=changes("first", "second"))
    bob_asks(shared)

    assert [arguments["what"] for _, arguments in bench.done] == ["first"]
    late = ToolIntent.objects.filter(target="second").first()
    assert late is None or late.state == "refused"
    # Where the account is out, the answer may have been stopped before the second call.
    assert late is not None or lose is is_out
    assert late is None or (says in late.words and late.decision == "run")
    assert chain.verify() is None


def test_a_call_of_a_closed_account_is_not_begun(
    vendors: EmulatorProcess,
    bench: Bench,
    shared: Shared,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, intent = waiting(vendors, shared)
    with monkeypatch.context() as held:
        held.setattr(decisions.executor, "submit", lambda run_id: None)
        decisions.decide(user=shared.bob, intent_id=intent.pk, approve=True)
    closing.close_account(user=make_superuser(), person_id=shared.bob.pk)
    decisions.executor.submit(run.pk)
    assert (now(run).status, bench.done) == ("stopped", [])
    assert not IntentEvent.objects.filter(state="started").exists()


@pytest.mark.parametrize(
    ("lose", "error"),
    [
        (leaves_the_team, NotFound),
        (is_shared_no_more, NotFound),
        (may_only_read, NotAllowed),
    ],
)
def test_who_lost_the_right_decides_nothing_with_a_page_that_is_still_open(
    vendors: EmulatorProcess,
    bench: Bench,
    shared: Shared,
    lose: Callable[[Shared], None],
    error: type[Exception],
) -> None:
    run, intent = waiting(vendors, shared)
    lose(shared)
    for approve in (True, False):
        with pytest.raises(error):
            decisions.decide(user=shared.bob, intent_id=intent.pk, approve=approve)
    intent.refresh_from_db()
    assert (intent.state, now(run).status, bench.done) == ("requested", "waiting", [])
    # The owner still may: and refusing is what is left to do.
    vendors.script(text="Nobody hears this.")
    decisions.decide(user=shared.alice, intent_id=intent.pk, approve=False)
    assert (now(run).status, bench.done) == ("failed", [])
