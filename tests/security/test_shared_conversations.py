"""S-03, S-12, S-13: a conversation that several people see. What one is let do is one
verb; whoever may read never writes, whoever takes part never owns."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from context_app.models import ContextChunk
from context_app.services import policy, requests
from sessions_app import frames
from sessions_app.consumers import guard, limits
from sessions_app.errors import NotAllowed, NotFound
from sessions_app.models import (
    Conversation,
    ConversationShare,
    Membership,
    Message,
    Run,
    Verb,
)
from sessions_app.runs import service, step
from sessions_app.services import sharing, teams
from tests.security import things
from tests.sessions_app.consumers.page import Page
from tests.sessions_app.factories import (
    make_credential,
    make_intent,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)
from tests.sessions_app.factories_runs import (
    Script,
    ask,
    make_conversation,
    make_run,
    wait_for_runs,
    wait_until,
)
from tests.sessions_app.views.test_access import METHODS, body_of, call, path_of, routes

pytestmark = pytest.mark.django_db(transaction=True)

VERBS = list(Verb)
# Routes of a conversation or its rows that somebody who may read is answered by.
READS = {
    "conversation", "export-markdown", "export-json", "api-conversation", "api-messages",
    "api-context", "api-context-chunk", "api-run-intents", "api-run-attempts",
    "api-run-continuation",
}  # fmt: skip
# These compute and store nothing: reading, by another method.
COMPUTES = {"api-context-preview"}


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGES_BURST", 1e9)


@pytest.fixture
def script(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A vendor in this process. It is done before the database is emptied."""
    found = Script()
    monkeypatch.setattr(step.provider, "stream_chat", found.stream_chat)
    yield found
    wait_for_runs()


def share(conversation: Conversation, whom: User, *, take_part: bool) -> None:
    ConversationShare.objects.create(
        conversation=conversation, person=whom, may_take_part=take_part
    )
    Conversation.objects.filter(pk=conversation.pk).update(is_shared=True)


def shared_things(*, take_part: bool, **run: Any) -> tuple[User, dict[str, Any]]:
    """(Bob, Alice's things), in a conversation that she shares with him."""
    alice, bob = make_user("alice"), make_user("bob")
    hers = things.make_things(alice, **run)
    share(Conversation.objects.get(), bob, take_part=take_part)
    make_credential(owner=bob, name="bobs")
    return bob, hers


# -- the one rule -----------------------------------------------------------------------


def test_every_way_of_sharing_gives_its_verbs_and_no_other() -> None:
    """S-03: subject × share × verb, for each way to a conversation."""
    alice = make_user("alice")
    member, named, stranger = make_user(), make_user(), make_user()
    team, other = make_team(alice, member), make_team(stranger)
    staff, root = make_user(is_staff=True), make_superuser()
    everybody = (alice, member, named, stranger, staff, root)
    ways: list[dict[str, Any]] = [{"team": team}, {"person": named}, {"team": other}]
    for size in range(len(ways) + 1):
        for given in itertools.combinations(ways, size):
            for parts in itertools.product((False, True), repeat=size):
                run = make_run(alice)
                for way, part in zip(given, parts, strict=True):
                    ConversationShare.objects.create(
                        conversation=run.conversation, may_take_part=part, **way
                    )
                    # another conversation's shares give nothing here
                    ConversationShare.objects.create(
                        conversation=make_conversation(alice), may_take_part=True, **way
                    )
                reached = {alice: 3}
                for way, part in zip(given, parts, strict=True):
                    people = (
                        [way["person"]]
                        if "person" in way
                        else way["team"].members.all()
                    )
                    for person in people:
                        reached[person] = max(reached.get(person, 0), 1 + part)
                for person in everybody:
                    holds(person, run, reached.get(person, 0))


def holds(person: User, run: Run, level: int) -> None:
    """The first `level` verbs are given, by every queryset and function."""
    row = run.conversation
    for at, verb in enumerate(VERBS):
        is_given = at < level
        assert sharing.may(person, verb, row) is is_given, (person, verb)
        rows = Conversation.objects.allowed(person, verb)
        assert rows.filter(pk=row.pk).exists() is is_given
    for model, pk in ((Conversation, row.pk), (Message, run.answer_id), (Run, run.pk)):
        seen = model.objects.visible_to(person).filter(pk=pk)
        assert seen.count() == bool(level), (person, model)


# -- HTTP -------------------------------------------------------------------------------


def asked(client: Client, hers: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Every route of a conversation with every method: (route, method, status)."""
    share_id = ConversationShare.objects.get().pk
    ids = {**hers, "share_id": share_id, "chunk_id": chunk_of(hers)}
    given = ("conversation_id", "run_id", "intent_id", "share_id", "chunk_id")
    found = []
    for name, names in routes():
        if not names or not set(names) <= set(given):
            continue
        for method in METHODS:
            body = body_of(name, hers["message_id"])
            answer = call(client, method, path_of(name, names, ids), body)
            found.append((name, method, answer.status_code))
    return found


def chunk_of(hers: dict[str, Any]) -> Any:
    return ContextChunk.objects.get(conversation=hers["conversation_id"]).pk


def test_who_may_read_changes_nothing_by_any_route(client: Client) -> None:
    bob, hers = shared_things(take_part=False)
    sign_in(client, bob)
    before = things.snapshot(), list(ConversationShare.objects.values())
    read = set()
    for name, method, status in asked(client, hers):
        if status == 200 and method in ("get", "head"):
            read.add(name)
        elif not (name in COMPUTES and method == "post"):
            assert status in (403, 405), (name, method, status)
    assert read == READS
    assert (things.snapshot(), list(ConversationShare.objects.values())) == before


def test_who_takes_part_owns_nothing(client: Client) -> None:
    bob, hers = shared_things(take_part=True)
    sign_in(client, bob)
    path = f"/api/conversations/{hers['conversation_id']}/"
    share_id = ConversationShare.objects.get().pk
    before = list(Conversation.objects.values("title", "archived_at", "retry"))
    for method, where, body in (
        ("patch", "", {"title": "mine now"}),
        ("patch", "", {"archived": True}),
        ("patch", "", {"retry": None}),
        ("delete", "", None),
        ("get", "shares/", None),
        ("post", "shares/", {"person_id": bob.pk, "may_take_part": True}),
        ("delete", f"shares/{share_id}/", None),
    ):
        answer = call(client, method, path + where, body)
        assert answer.status_code == 403, (method, where)
    assert list(Conversation.objects.values("title", "archived_at", "retry")) == before
    text = {"kind": "text", "title": "Bob's", "text": "x"}
    assert call(client, "post", f"{path}context/", text).status_code == 200


def test_one_shares_with_teams_and_teammates_only(client: Client) -> None:
    alice, bob, charlie = make_user("alice"), make_user("bob"), make_user("charlie")
    team, foreign = make_team(alice, bob), make_team(charlie)
    row = make_conversation(alice)
    sign_in(client, alice)
    path = f"/api/conversations/{row.pk}/shares/"
    for body in (
        {"person_id": charlie.pk},
        {"team_id": str(foreign.pk)},
        {"person_id": 10**6},
    ):
        assert call(client, "post", path, body).status_code == 404
    assert call(client, "post", path, {}).status_code == 400
    assert {p["name"] for p in client.get(path).json()["people"]} == {"bob"}
    found = call(client, "post", path, {"team_id": str(team.pk)}).json()["shares"]
    assert [(s["kind"], s["may_take_part"]) for s in found] == [("team", False)]
    body = {"team_id": str(team.pk), "may_take_part": True}
    found = call(client, "post", path, body).json()["shares"]
    assert [s["may_take_part"] for s in found] == [True]
    assert client.get(f"/api/conversations/{row.pk}/").json()["conversation"][
        "is_shared"
    ]
    call(client, "delete", f"{path}{found[0]['id']}/")
    assert not Conversation.objects.get().is_shared


def test_the_list_tells_ones_own_from_what_others_share(client: Client) -> None:
    alice, bob = make_user("alice"), make_user("bob")
    row = make_conversation(alice, title="hers")
    own = make_conversation(bob, title="his")
    share(row, bob, take_part=False)
    sign_in(client, bob)
    listed = client.get("/api/conversations/").json()["conversations"]
    assert [one["id"] for one in listed] == [str(own.pk)]
    (shared,) = client.get("/api/conversations/?shared=1").json()["conversations"]
    assert (shared["id"], shared["owner"]) == (str(row.pk), "alice")
    found = client.get(f"/api/conversations/{row.pk}/").json()
    assert (found["access"], found["owner"]) == ("read", "alice")


# -- the socket -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", things.kinds(), ids=things.tag_of)
async def test_each_frame_of_who_may_only_read_is_refused_or_reads(
    transactional_db: None, kind: Any
) -> None:
    """S-13: following a conversation is one verb, each other frame asks for its own."""
    if things.tag_of(kind) in {"hello", "ping", "ack", "follow", "unfollow"}:
        return  # it has followed, below
    bob, hers = await sync_to_async(shared_things)(take_part=False)
    own = await sync_to_async(make_credential)(owner=bob)
    named = {n: hers[n] for n in things.ids_of(kind) if n in hers}
    if "credential_id" in named:
        named["credential_id"] = own.pk  # he may use it; he may not ask here
    before = await sync_to_async(things.snapshot)()
    async with Page(bob) as page:
        await page.follow(hers["conversation_id"])
        await page.until("run")
        frame = things.frame(kind, hers, **named)
        await page.say(**frame)
        if kind is frames.Context:
            await page.until("context")
        else:
            assert (await page.until("error"))["code"] == "refused"
    assert await sync_to_async(things.snapshot)() == before


async def test_people_who_take_part_see_each_other_live(script: Script) -> None:
    alice, bob = (
        await sync_to_async(make_user)("alice"),
        await sync_to_async(make_user)("bob"),
    )
    for person in (alice, bob):
        await sync_to_async(make_credential)(owner=person, name=f"of_{person.username}")
    script.say("one ", "two", pace_s=0.02)
    async with Page(alice) as hers, Page(bob) as his:
        first = await hers.ask("Hers?", model="m")
        await hers.until_over(first["run"]["id"])
        talk = await Conversation.objects.aget()
        await sync_to_async(share)(talk, bob, take_part=True)
        await his.follow(talk.pk)
        asked = await his.ask("His?", conversation_id=talk.pk, model="m")
        seen = await hers.until("accepted")
        assert seen["question"]["author"] == {"id": bob.pk, "name": "bob"}
        assert seen["conversation"]["owner_id"] == alice.pk
        for page in (hers, his):
            await page.until_over(asked["run"]["id"])
        # His own key, though hers was the conversation's last: never the owner's, silently.
        assert [one["name"] for one in script.requests] == ["of_alice", "of_bob"]
        assert asked["run"]["by"] == bob.pk


@pytest.mark.parametrize("lose", ["the share", "the team"])
async def test_who_loses_it_is_sent_no_more_and_refused(
    script: Script, monkeypatch: pytest.MonkeyPatch, lose: str
) -> None:
    """S-12: within a round of the guard, of two seconds at most."""
    assert guard.EVERY_S <= 2.0
    monkeypatch.setattr(guard, "EVERY_S", 0.1)
    alice, bob = (
        await sync_to_async(make_user)("alice"),
        await sync_to_async(make_user)("bob"),
    )
    team = await sync_to_async(make_team)(alice, bob)
    script.say(*(f"{n} " for n in range(60)), pace_s=0.05)
    started = await sync_to_async(ask)(alice)
    await ConversationShare.objects.acreate(
        conversation=started.conversation, team=team
    )
    async with Page(bob) as page:
        await page.follow(started.conversation.pk)
        await page.until("batch")
        if lose == "the team":
            await Membership.objects.filter(user=bob).adelete()
        else:
            await ConversationShare.objects.all().adelete()
        gone = await page.until("error")
        assert (gone["code"], gone["conversation_id"]) == (
            "not_found",
            str(started.conversation.pk),
        )
        assert await page.nothing(0.3)
        await page.say(type="follow", conversation_id=started.conversation.pk)
        assert (await page.until("error"))["code"] == "not_found"
        await page.say(type="ping")
        assert (await page.next())["type"] == "pong"  # the rest of the page lives on
    await sync_to_async(wait_for_runs)()
    assert (await Run.objects.aget()).status == "done"


def test_who_leaves_a_team_takes_along_what_they_shared_with_it() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    team = make_team(alice, bob)
    row = make_conversation(alice, is_shared=True)
    ConversationShare.objects.create(conversation=row, team=team)
    teams.remove_member(user=alice, team_id=team.pk, person_id=alice.pk)
    row.refresh_from_db()
    assert not sharing.may(bob, Verb.READ, row) and not row.is_shared


# -- whose credential, whose answer -----------------------------------------------------


def test_a_question_that_waited_is_not_asked_for_who_lost_their_part(
    script: Script,
) -> None:
    import threading

    alice, bob = make_user("alice"), make_user("bob")
    gate = script.say("first").gate = threading.Event()
    hers = ask(alice)
    share(hers.conversation, bob, take_part=True)
    his = ask(bob, conversation_id=hers.conversation.pk)
    wait_until(lambda: script.requests)
    ConversationShare.objects.all().delete()
    gate.set()
    wait_for_runs()
    late = Run.objects.get(pk=his.run.pk)
    assert (late.status, late.error["kind"]) == ("failed", "PermissionRefused")
    assert len(script.requests) == 1


def test_an_answer_is_ended_by_who_asked_or_the_owner_and_steered_by_who_asked(
    script: Script,
) -> None:
    from sessions_app.runs import decisions, resuming, steering

    alice, bob, carol = make_user("alice"), make_user("bob"), make_user("carol")
    talk = make_conversation(alice)
    for person in (bob, carol):
        share(talk, person, take_part=True)
    run = make_run(bob, conversation=talk, status="waiting")
    intent = make_intent(run)
    for person in (alice, carol):
        with pytest.raises(NotAllowed):
            steering.steer(user=person, run_id=run.pk, text="x", client_message_id="s")
        with pytest.raises(NotAllowed):
            resuming.carry_on(user=person, run_id=run.pk)
    with pytest.raises(NotAllowed):
        decisions.decide(user=carol, intent_id=intent.pk, approve=True)
    with pytest.raises(NotAllowed):
        service.stop_run(user=carol, run_id=run.pk)
    assert service.stop_run(user=alice, run_id=run.pk).status == "stopped"


def test_exact_requests_are_for_who_asked(client: Client) -> None:
    """They hold what is attached to the credential of who asked."""
    alice, bob = make_user("alice"), make_user("bob")
    make_credential(owner=alice)
    talk = make_conversation(alice)
    share(talk, bob, take_part=True)
    run = make_run(bob, conversation=talk, status="done")
    requests.keep(
        run_id=run.pk, step=1, provider="openai", model="m", tokens=1,
        body={"system": "Bob's own words."},
    )  # fmt: skip
    for person, status in ((alice, 403), (bob, 200)):
        sign_in(client, person)
        assert client.get(f"/api/runs/{run.pk}/requests/").status_code == status
    sign_in(client, alice)
    path = f"/api/conversations/{talk.pk}/context/preview/"
    shown = call(client, "post", path, {"text": "x"})
    assert shown.status_code == 200 and "Bob's own" not in shown.content.decode()


def test_an_approval_for_the_conversation_is_for_ones_own_answers() -> None:
    from context_app.models import StandingApproval

    alice, bob = make_user("alice"), make_user("bob")
    talk = make_conversation(alice)
    StandingApproval.objects.create(
        conversation=talk, tool="shell", risk="high", person=alice
    )
    assert policy.standing_approvals(talk.pk, alice) == {"shell": "high"}
    assert policy.standing_approvals(talk.pk, bob) == {}


def test_the_same_client_id_of_two_people_is_two_questions_or_none(
    script: Script,
) -> None:
    """Somebody else's question is never answered as one's own."""
    from sessions_app.errors import Invalid

    script.say("x")
    alice, bob = make_user("alice"), make_user("bob")
    hers = ask(alice, client_message_id="same")
    wait_for_runs()
    share(hers.conversation, bob, take_part=True)
    with pytest.raises(Invalid, match="client_message_id"):
        ask(bob, conversation_id=hers.conversation.pk, client_message_id="same")
    assert Message.objects.filter(role="user").count() == 1
    with pytest.raises(NotFound):
        ask(bob, conversation_id=uuid.uuid4(), client_message_id="same")


def test_an_export_names_who_asked(client: Client, script: Script) -> None:
    script.say("x")
    alice, bob = make_user("alice"), make_user("bob")
    hers = ask(alice)
    wait_for_runs()
    share(hers.conversation, bob, take_part=True)
    ask(bob, conversation_id=hers.conversation.pk)
    wait_for_runs()
    sign_in(client, bob)
    text = client.get(f"/c/{hers.conversation.pk}/export.md").content.decode()
    assert "## alice ·" in text and "## bob ·" in text
    data = client.get(f"/c/{hers.conversation.pk}/export.json").json()
    assert [m["author"] for m in data["messages"] if m["role"] == "user"] == [
        "alice",
        "bob",
    ]
