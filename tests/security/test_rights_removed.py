"""S-07, S-12: a right that was taken away is gone at once, also for what is under way."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import AsyncClient
from django.utils import timezone

from context_app.models import ToolIntent
from providers.errors import ProviderUnavailable
from providers.retry import Limits
from sessions_app.consumers import guard
from sessions_app.models import (
    Membership,
    Run,
    SavedAuthentication,
    SignedInBrowser,
)
from sessions_app.runs import closing, retrying, step
from sessions_app.services.people import browsers
from sessions_app.tokens import sweep
from tests.security import things
from tests.sessions_app.consumers.page import Page
from tests.sessions_app.factories import (
    make_browser,
    make_credential,
    make_login,
    make_oauth,
    make_superuser,
    make_team,
    make_user,
)
from tests.sessions_app.factories_runs import (
    Script,
    ask,
    make_run,
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
    said = page.text.get(accepted["run"]["id"], "")
    await sync_to_async(wait_for_runs)()
    run = await Run.objects.select_related("answer").aget()
    # The answer itself goes on, as it was asked for with right; but for nobody.
    assert run.status == ("stopped" if end is suspend else "done")
    assert end is suspend or len(said) < len(run.answer.text)


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


# -- a person is out -------------------------------------------------------------------


def close_by_page(user: User) -> None:
    closing.close_account(user=make_superuser(), person_id=user.pk)


def untick_active(user: User) -> None:
    """As the admin does it, a shell, or a command."""
    found = User.objects.get(pk=user.pk)
    found.is_active = False
    found.save()


@pytest.mark.parametrize("end", [close_by_page, untick_active])
def test_what_a_closed_person_asked_for_ends_at_work_and_in_the_queue(
    alice: User, script: Script, end: Any
) -> None:
    """S-14: at once, and nothing of the queue is begun."""
    script.say(*(f"{n} " for n in range(600)), pace_s=0.05)
    first = ask(alice)
    second = ask(alice, conversation_id=first.conversation.pk)
    elsewhere = ask(alice)
    wait_until(lambda: len(script.requests) == 2)
    end(alice)
    rows = Run.objects.filter(pk__in=[r.run.pk for r in (first, second, elsewhere)])
    wait_until(lambda: not rows.active().exists())
    assert {row.status for row in rows} == {"stopped"}
    assert {row.cause for row in rows} == {closing.CLOSED}
    assert len(script.requests) == 2
    wait_for_runs()


def test_a_call_that_waits_for_their_word_is_given_up(alice: User) -> None:
    hers = things.make_things(alice)
    untick_active(alice)
    assert Run.objects.get(pk=hers["run_id"]).status == "stopped"
    assert ToolIntent.objects.get(pk=hers["intent_id"]).state not in (
        "requested",
        "approved",
    )


@pytest.mark.parametrize("end", [close_by_page, untick_active])
def test_sessions_and_logins_at_vendors_end_too(alice: User, end: Any) -> None:
    browser, login = make_browser(alice), make_login(user=alice)
    other = make_browser(make_user("bob"))
    end(alice)
    login.refresh_from_db()
    assert login.status == "cancelled"
    left = set(Session.objects.values_list("pk", flat=True))
    assert other.session_id in left and browser.session_id not in left


@pytest.mark.parametrize("end", [close_by_page, untick_active])
async def test_a_page_that_is_silent_is_closed_as_well(
    alice: User, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    """Nothing is sent to it, so no round of the guard would look."""
    monkeypatch.setattr(guard, "EVERY_S", 3600)
    async with Page(alice) as page:
        await page.say(type="ping")
        await page.until("pong")
        await sync_to_async(end)(alice)
        await until_closed(page)
        assert page.closed == 4401


@pytest.mark.parametrize("how", ["sign out", "end", "new password"])
async def test_a_silent_page_is_closed_with_its_session(
    alice: User, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(guard, "EVERY_S", 3600)
    async with Page(alice) as page:
        key = page.session_key
        await SignedInBrowser.objects.acreate(
            session_id=key, user=alice, seen_at=timezone.now()
        )
        if how == "sign out":
            await sync_to_async(Session.objects.filter(pk=key).delete)()
        elif how == "end":
            await sync_to_async(browsers.end_all)(user_id=alice.pk)
        else:
            await new_password(alice)
        await until_closed(page)
        assert page.closed == 4401


async def test_other_peoples_pages_stay_open(alice: User) -> None:
    bob = await sync_to_async(make_user)("bob")
    async with Page(bob) as page:
        await sync_to_async(untick_active)(alice)
        await page.say(type="ping")
        assert (await page.until("pong"))["type"] == "pong"


def test_an_answer_stops_with_an_account_that_was_closed_by_sql(
    alice: User, script: Script
) -> None:
    """In whichever process: the writer of the log looks."""
    script.say(*(f"{n} " for n in range(600)), pace_s=0.05)
    run = ask(alice).run
    wait_until(lambda: script.requests)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    wait_until(lambda: not Run.objects.active().exists())
    assert Run.objects.get(pk=run.pk).cause == closing.CLOSED


def test_what_waits_for_such_a_person_is_ended_by_the_next_round(alice: User) -> None:
    run = make_run(alice, status="queued")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert closing.end_left_over() == 1
    run.refresh_from_db()
    assert (run.status, run.cause) == ("stopped", closing.CLOSED)
    assert closing.end_left_over() == 0


def test_a_queued_question_of_somebody_who_is_out_is_not_asked(
    alice: User, script: Script
) -> None:
    script.say("first").gate = threading.Event()
    first = ask(alice)
    second = ask(alice, conversation_id=first.conversation.pk)
    wait_until(lambda: script.requests)
    User.objects.filter(pk=alice.pk).update(is_active=False)  # nobody is told
    script.gate.set()
    wait_for_runs()
    assert Run.objects.get(pk=second.run.pk).status == "failed"
    assert len(script.requests) == 1


def test_nothing_is_renewed_for_somebody_who_is_out_but_what_others_use() -> None:
    """S-14: the scheduled work on their behalf."""
    bob = make_user("bob", is_active=False)
    due = {"refresh_at": timezone.now()}
    make_oauth(owner=bob, name="alone", **due)
    lent = make_oauth(owner=bob, name="lent", team=make_team(), **due)
    theirs = make_oauth(owner=make_user("dora"), name="doras", **due)
    names = {name for _, name, _ in sweep.due()}
    assert names == {lent.name, theirs.name}


# -- a right is gone -------------------------------------------------------------------


@pytest.mark.parametrize("lose", [take_back, leave_the_team])
def test_an_answer_that_is_tried_again_may_not_use_it_any_more(
    script: Script, monkeypatch: pytest.MonkeyPatch, lose: Any
) -> None:
    """F29: the vendor refused for a moment; meanwhile the right went."""
    bob, row = shared()
    monkeypatch.setattr(
        retrying, "limits", lambda run: Limits(attempts=3, base_s=0.5, cap_s=0.5)
    )
    script.refuse = ProviderUnavailable("Later.", provider="openai")
    run = ask(bob, credential_id=row.pk).run
    wait_until(lambda: Run.objects.filter(pk=run.pk, status="retrying").exists())
    lose(row)
    wait_for_runs()
    late = Run.objects.get(pk=run.pk)
    assert (late.status, late.error["kind"]) == ("failed", "CredentialNotFound")
    assert len(script.requests) == 1


async def test_who_is_staff_no_longer_manages_nothing_with_the_next_request(
    transactional_db: None,
) -> None:
    stan = await sync_to_async(make_user)("stan", is_staff=True)
    client = AsyncClient()
    await client.aforce_login(stan, backend="django.contrib.auth.backends.ModelBackend")
    assert (await client.get("/people/")).status_code == 200
    await User.objects.filter(pk=stan.pk).aupdate(is_staff=False)
    assert (await client.get("/people/")).status_code == 404
