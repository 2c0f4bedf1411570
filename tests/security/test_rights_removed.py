"""S-07, S-12: a right that was taken away is gone at once, also for what is under way."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from sessions_app.consumers import guard
from sessions_app.models import Membership, Run, SavedAuthentication
from sessions_app.runs import step
from tests.sessions_app.consumers.page import Page
from tests.sessions_app.factories import make_credential, make_team, make_user
from tests.sessions_app.factories_runs import (
    Script,
    ask,
    wait_for_runs,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def script(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A vendor in this process. It is done before the database is emptied."""
    found = Script()
    monkeypatch.setattr(step.provider, "stream_chat", found.stream_chat)
    yield found
    wait_for_runs()


@pytest.fixture
def alice(transactional_db: None) -> User:
    user = make_user("alice")
    make_credential(owner=user)
    return user


async def sign_out(user: User) -> None:
    await sync_to_async(Session.objects.all().delete)()


async def suspend(user: User) -> None:
    await get_user_model().objects.filter(pk=user.pk).aupdate(is_active=False)


async def new_password(user: User) -> None:
    user.set_password("another one, and long enough")
    await user.asave()


async def until_closed(page: Page) -> list[dict[str, Any]]:
    """What still came, until the socket closed."""
    frames = []
    while True:
        try:
            frames.append(await page.next(10))
        except ConnectionError:
            return frames


def test_rounds_are_as_often_as_is_promised() -> None:
    assert guard.EVERY_S <= 2.0


@pytest.mark.parametrize("end", [sign_out, suspend, new_password])
async def test_a_page_that_is_being_sent_an_answer_is_closed_and_sent_no_more(
    alice: User, script: Script, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    monkeypatch.setattr(guard, "EVERY_S", 0.1)
    script.say(*(f"{n} " for n in range(30)), pace_s=0.05)
    async with Page(alice) as page:
        accepted = await page.ask(model="m")
        await page.until("batch")
        await end(alice)
        await until_closed(page)
        assert page.closed == 4401
        assert await page.nothing(0.3)
    said = page.text[accepted["run"]["id"]]
    await sync_to_async(wait_for_runs)()
    run = await Run.objects.select_related("answer").aget()
    # The answer itself goes on: it was asked for with right.
    assert run.status == "done"
    assert len(said) < len(run.answer.text)


@pytest.mark.parametrize("end", [sign_out, suspend, new_password])
async def test_a_page_that_only_asks_whether_we_are_there_is_closed_too(
    alice: User, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    monkeypatch.setattr(guard, "EVERY_S", 0.1)
    async with Page(alice) as page:
        await end(alice)
        await page.say(type="ping")
        assert [f["type"] for f in await until_closed(page)] in ([], ["pong"])
        assert page.closed == 4401


def shared() -> tuple[User, SavedAuthentication]:
    """Bob, and a key of Alice's that he may use as a member of her team."""
    alice, bob = make_user("alice"), make_user("bob")
    return bob, make_credential(owner=alice, team=make_team(alice, bob))


def take_back(row: SavedAuthentication) -> None:
    row.team = None
    row.save()


def leave_the_team(row: SavedAuthentication) -> None:
    Membership.objects.exclude(user=row.owner).delete()


@pytest.mark.parametrize("lose", [take_back, leave_the_team])
def test_a_key_is_used_by_who_may_use_it_at_that_moment(
    script: Script, lose: Any
) -> None:
    """S-07: the question was asked with right, and waited; meanwhile the right went."""
    bob, row = shared()
    script.say("first").gate = threading.Event()
    first = ask(bob, credential_id=row.pk)
    second = ask(bob, credential_id=row.pk, conversation_id=first.conversation.pk)
    wait_until(lambda: script.requests)
    lose(row)
    script.gate.set()
    wait_for_runs()
    assert Run.objects.get(pk=first.run.pk).status == "done"
    late = Run.objects.get(pk=second.run.pk)
    assert (late.status, late.error["kind"]) == ("failed", "CredentialNotFound")
    assert len(script.requests) == 1


@pytest.mark.parametrize("lose", [take_back, leave_the_team])
async def test_a_page_that_is_open_cannot_go_on_using_it(
    script: Script, lose: Any
) -> None:
    bob, row = await sync_to_async(shared)()
    script.say("x")
    async with Page(bob) as page:
        first = await page.ask(credential_id=row.pk, model="m")
        await page.until_over(first["run"]["id"])
        await sync_to_async(lose)(row)
        for fields in (
            {"credential_id": row.pk},
            {"conversation_id": first["conversation"]["id"]},
        ):
            key = f"again{len(fields)}{next(iter(fields))}"
            await page.say(
                type="send", client_message_id=key, text="?", model="m", **fields
            )
            refused = await page.until("error")
            assert refused["code"] in ("not_found", "refused")
    await sync_to_async(wait_for_runs)()
    assert len(script.requests) == 1
