"""S-01, S-02, S-13: every frame with another person's ids, whoever sends it.

The answer to what is somebody else's is the answer to what is not there, to the letter.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session

from sessions_app import frames
from sessions_app.consumers import limits
from tests.security import things
from tests.sessions_app.consumers.page import Page, session_of, socket
from tests.sessions_app.factories import make_superuser, make_team, make_user

pytestmark = pytest.mark.django_db(transaction=True)

MATRIX = list(things.matrix())
NAMES = [f"{things.tag_of(kind)}.{name}" for kind, name in MATRIX]
# They never answer: what is not followed is not there, what is acknowledged is only counted.
SILENT = {"unfollow", "ack"}


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGES_BURST", 1e9)


def test_the_matrix_has_every_frame_that_names_something() -> None:
    assert {things.tag_of(kind) for kind, _ in MATRIX} == {
        things.tag_of(kind) for kind in things.kinds()
    } - {"hello", "ping"}


async def said_to(page: Page, frame: dict[str, Any], placeholder: Any) -> list[Any]:
    """What a page hears of a frame, with its ids made the same for all."""
    await page.say(**frame)
    after = str(uuid.uuid4())
    await page.say(type="stop", run_id=after)  # frames are acted upon one by one
    heard = []
    while True:
        found = await page.next()
        if found.get("run_id") == after:
            break
        heard.append(found)
    assert await page.nothing(0.02), "and something more came behind it"
    text = json.dumps(heard, sort_keys=True).replace(str(placeholder), "ID")
    if key := frame.get("client_message_id"):
        text = text.replace(key, "KEY")
    return list(json.loads(text))


def variants(own: dict[str, Any]) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """The matrix; what may be named with a conversation, also in one's own (S-05)."""
    for kind, name in MATRIX:
        yield kind, name, {}
        if name != "conversation_id" and "conversation_id" in things.ids_of(kind):
            yield kind, name, {"conversation_id": own["conversation_id"]}


def alices(status: str) -> dict[str, Any]:
    """Her things, with a run that is like this."""
    return things.make_things(make_user("alice"), status=status)


def stranger(who: str) -> Any:
    """Somebody who is not Alice."""
    if who == "superuser":
        return make_superuser()
    user = make_user(is_staff=who == "staff")
    if who == "of another team":
        make_team(user)
    return user


@pytest.mark.parametrize("status", ["waiting", "done"])
@pytest.mark.parametrize("who", ["of another team", "staff", "superuser"])
async def test_no_frame_reaches_what_is_alices_nor_says_that_it_is_there(
    transactional_db: None, who: str, status: str
) -> None:
    hers = await sync_to_async(alices)(status)
    user = await sync_to_async(stranger)(who)
    own = await sync_to_async(things.make_things)(user, status="done")
    before = await sync_to_async(things.snapshot)()
    async with Page(user) as page:
        for kind, name, inside in variants(own):
            if name == "credential_id" and who != "of another team":
                continue  # staff manage credentials, and may use them
            nowhere = uuid.uuid4()
            foreign, absent = (
                things.frame(kind, own, **{**inside, name: pk})
                for pk in (hers[name], nowhere)
            )
            about_hers = await said_to(page, foreign, hers[name])
            about_nothing = await said_to(page, absent, nowhere)
            assert about_hers == about_nothing, (things.tag_of(kind), name)
            if things.tag_of(kind) in SILENT:
                assert about_hers == []
            else:
                codes = [(f["type"], f.get("code")) for f in about_hers]
                assert codes == [("error", "not_found")], (things.tag_of(kind), name)
    assert await sync_to_async(things.snapshot)() == before


async def test_the_owner_is_heard_where_others_are_not(transactional_db: None) -> None:
    """All of it would pass on a socket that refuses everything."""
    alice = await sync_to_async(make_user)("alice")
    hers = await sync_to_async(things.make_things)(alice)
    async with Page(alice) as page:
        await page.say(**things.frame(frames.Follow, hers))
        assert (await page.until("run"))["run"]["status"] == "waiting"
        await page.say(**things.frame(frames.Context, hers))
        assert (await page.until("context"))["is_whole"]
        await page.say(**things.frame(frames.Stop, hers))
        assert (await page.until("run"))["run"]["status"] == "stopped"


async def test_positions_of_a_foreign_run_bring_nothing_of_it(
    transactional_db: None,
) -> None:
    """S-02: an own conversation, and in it the place of somebody else's run."""
    hers = await sync_to_async(alices)("running")
    user = await sync_to_async(make_user)()
    own = await sync_to_async(things.make_things)(user, status="done")
    async with Page(user) as page:
        heard = []
        for run_id in (hers["run_id"], uuid.uuid4()):
            position = {"run_id": run_id, "epoch": 0, "seq": 0}
            frame = {
                "type": "follow",
                "conversation_id": own["conversation_id"],
                "positions": [position],
            }
            heard.append(await said_to(page, frame, run_id))
        assert heard == [[], []]


async def _sign_out(user: Any) -> None:
    await sync_to_async(Session.objects.all().delete)()


async def _suspend(user: Any) -> None:
    await get_user_model().objects.filter(pk=user.pk).aupdate(is_active=False)


async def _change_password(user: Any) -> None:
    user.set_password("another one, and long enough")
    await user.asave()


async def _delete(user: Any) -> None:
    await sync_to_async(user.delete)()


@pytest.mark.parametrize("end", [_sign_out, _suspend, _change_password, _delete])
async def test_whose_session_ended_meanwhile_does_nothing_by_any_frame(
    transactional_db: None, end: Any
) -> None:
    """S-12: not even to what was theirs; the socket closes with 4401."""
    for kind in things.kinds():
        if things.tag_of(kind) in {"hello", "ping", *SILENT}:
            continue
        user = await sync_to_async(make_user)()
        own = await sync_to_async(things.make_things)(user, status="done")
        async with Page(user) as page:
            await end(user)
            before = await sync_to_async(things.snapshot)()
            await page.say(**things.frame(kind, own))
            with pytest.raises(ConnectionError):
                await page.next()
            assert page.closed == 4401, things.tag_of(kind)
            assert page.frames[1:] == [], things.tag_of(kind)
        assert await sync_to_async(things.snapshot)() == before


@pytest.mark.parametrize("kind", things.kinds(), ids=things.tag_of)
@pytest.mark.parametrize("who", ["nobody", "suspended"])
async def test_without_a_session_no_frame_is_heard(
    transactional_db: None, who: str, kind: Any
) -> None:
    """S-44: a loopback address is nobody, and nothing happens at connect."""
    alice = await sync_to_async(make_user)("alice")
    own = await sync_to_async(things.make_things)(alice)
    key = ""
    if who == "suspended":
        key = await sync_to_async(session_of)(alice)
        await _suspend(alice)
    before = await sync_to_async(things.snapshot)()
    opened = socket(key)
    assert (await opened.connect())[0]
    await opened.send_to(text_data=json.dumps(things.frame(kind, own), default=str))
    assert (await opened.receive_output(5)) == {"type": "websocket.close", "code": 4401}
    assert await sync_to_async(things.snapshot)() == before


@pytest.mark.parametrize("kind", things.kinds(), ids=things.tag_of)
async def test_before_the_token_of_the_page_no_frame_is_heard(
    transactional_db: None, kind: Any
) -> None:
    alice = await sync_to_async(make_user)("alice")
    own = await sync_to_async(things.make_things)(alice)
    before = await sync_to_async(things.snapshot)()
    opened = socket(await sync_to_async(session_of)(alice))
    assert (await opened.connect())[0]
    await opened.send_to(text_data=json.dumps(things.frame(kind, own), default=str))
    assert (await opened.receive_output(5)) == {"type": "websocket.close", "code": 4403}
    assert await sync_to_async(things.snapshot)() == before
