"""The context over the socket: the whole, each change of it, in every open page alike."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from context_app.services import order
from sessions_app.models import Message
from tests.emulator import EmulatorProcess
from tests.sessions_app.consumers.page import Page
from tests.sessions_app.factories import make_credential, make_user

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "gpt-6.1-terra"


class Panel:
    """What a page knows of the context, from frames and nothing else."""

    def __init__(self, page: Page, conversation_id: str) -> None:
        self.page, self.conversation_id = page, conversation_id
        self.chunks: dict[str, dict[str, Any]] = {}
        self.gauge: dict[str, Any] = {}

    async def ask(self) -> None:
        """The whole of it."""
        await self.page.say(type="context", conversation_id=self.conversation_id)
        frame = await self.take()
        assert frame["is_whole"] and not frame["removed"]

    async def take(self) -> dict[str, Any]:
        """The next `context` frame; the list's tokens are always the gauge's number."""
        frame = await self.page.until("context")
        assert frame["conversation_id"] == self.conversation_id
        if frame["is_whole"]:
            self.chunks.clear()
        for key in frame["removed"]:
            del self.chunks[key]
        ids = [chunk["id"] for chunk in frame["chunks"]]
        assert len(ids) == len(set(ids))
        self.chunks |= {chunk["id"]: chunk for chunk in frame["chunks"]}
        self.gauge = frame["gauge"]
        sent = sum(c["tokens"] for c in self.chunks.values() if c["is_sent"])
        assert self.gauge["used"] == sent == sum(self.gauge["by_kind"].values())
        return frame

    def id_of(self, words: str) -> str:
        (found,) = [k for k, c in self.chunks.items() if words in c["preview"]]
        return found


class Talk:
    """Alice's conversation in two of her pages, and the door through which she acts."""

    def __init__(self, vendors: EmulatorProcess, pages: list[Page]) -> None:
        self.vendors, self.pages = vendors, pages
        self.door = Client()
        self.panels: list[Panel] = []
        self.id = ""

    async def ask(self, text: str, answer: str) -> None:
        """A question and its whole answer, asked in the first page."""
        self.vendors.script(text=answer)
        fields = {"conversation_id": self.id} if self.id else {}
        accepted = await self.pages[0].ask(text, model=MODEL, **fields)
        await self.pages[0].until_over(accepted["run"]["id"])
        self.id = accepted["run"]["conversation_id"]

    async def open(self) -> None:
        """Both pages show the conversation with its panel."""
        for page in self.pages:
            await page.follow(self.id)
            self.panels.append(Panel(page, self.id))
            await self.panels[-1].ask()

    async def act(self, method: str, path: str = "", **fields: Any) -> dict[str, Any]:
        """Change something; what the second page, that did nothing, was told."""
        call = getattr(self.door, method)
        url = f"/api/conversations/{self.id}/context/{path}"
        answer = await sync_to_async(call)(url, fields, "application/json")
        assert answer.status_code < 300, answer.content
        mine, hers = [await panel.take() for panel in self.panels]
        told = answer.json()
        assert mine == hers == {"type": "context"} | told
        return told

    def last_request(self) -> str:
        return str(self.vendors.requests()[-1]["body"])


@pytest.fixture
def alice(transactional_db: None) -> User:
    user = make_user("alice")
    make_credential(owner=user, provider="openai", name="work")
    return user


@contextlib.asynccontextmanager
async def talking(alice: User, vendors: EmulatorProcess) -> AsyncIterator[Talk]:
    async with Page(alice) as first, Page(alice) as second:
        talk = Talk(vendors, [first, second])
        await sync_to_async(talk.door.force_login)(alice)
        await talk.ask("The first secret is alpha.", "I noted alpha.")
        await talk.open()
        yield talk


async def test_each_change_is_told_to_every_page_and_the_tokens_add_up(
    alice: User, vendors: EmulatorProcess
) -> None:
    async with talking(alice, vendors) as talk:
        panel = talk.panels[1]
        assert [c["kind"] for c in panel.chunks.values()] == ["message", "message"]
        before = panel.gauge["used"]

        frame = await talk.act("post", kind="text", text="The treasure is on Elba.")
        key = panel.id_of("Elba")
        assert [c["id"] for c in frame["chunks"]] == [key]
        assert panel.gauge["used"] > before

        frame = await talk.act("patch", f"{key}/", excluded=True)
        assert [c["id"] for c in frame["chunks"]] == [key]
        assert not panel.chunks[key]["is_sent"] and panel.gauge["used"] == before

        await talk.act("patch", f"{key}/", excluded=False, pinned=True)
        assert panel.chunks[key]["is_sent"] and panel.chunks[key]["pinned"]

        frame = await talk.act("delete", f"{key}/")
        assert frame["removed"] == [key] and not frame["chunks"]
        assert panel.gauge["used"] == before

        told = dict(panel.chunks)
        await panel.ask()
        assert panel.chunks == told


async def test_what_a_page_saw_excluded_or_deleted_is_in_no_later_request(
    alice: User, vendors: EmulatorProcess
) -> None:
    async with talking(alice, vendors) as talk:
        panel = talk.panels[1]
        await talk.act("post", kind="text", text="The second secret is beta.")
        await talk.act("post", kind="text", text="Elba is an island.")
        said = await sync_to_async(
            lambda: list(Message.objects.values("pk", "parts"))
        )()
        noted = panel.id_of("I noted alpha")
        await talk.act("patch", f"{panel.id_of('first secret')}/", excluded=True)
        await talk.act("delete", f"{noted}/")
        await talk.act("delete", f"{panel.id_of('second secret')}/")
        await talk.ask("What do you know?", "An island.")

        sent = talk.last_request()
        assert json.loads(sent)["model"] == MODEL
        assert "alpha" not in sent and "beta" not in sent
        assert "Elba is an island." in sent and "What do you know?" in sent
        now = await sync_to_async(lambda: list(Message.objects.values("pk", "parts")))()
        assert now[: len(said)] == said and len(now) == len(said) + 2

        await panel.ask()
        assert noted not in panel.chunks and panel.gauge["removed"] == 1
        assert panel.id_of("An island.") and panel.gauge["last"]


async def test_an_answer_tells_the_other_page_to_look_again(
    alice: User, vendors: EmulatorProcess
) -> None:
    async with talking(alice, vendors) as talk:
        await talk.ask("And then?", "Nothing.")
        frame = await talk.pages[1].until("context_changed")
        assert frame["conversation_id"] == talk.id
        await talk.panels[1].ask()
        assert talk.panels[1].id_of("Nothing.") and talk.panels[1].id_of("And then?")


async def test_numbering_anew_is_told_to_every_page(
    alice: User, vendors: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with talking(alice, vendors) as talk:
        panel = talk.panels[1]
        for words in ("one", "two", "three"):
            await talk.act("post", kind="text", text=words)
        one, two, three = (panel.id_of(words) for words in ("one", "two", "three"))
        monkeypatch.setattr(order, "ROOM", 10.0)
        frame = await talk.act("patch", f"{three}/", after=one, before=two)
        assert {three, two} <= {c["id"] for c in frame["chunks"]}
        told = sorted((one, two, three), key=lambda k: panel.chunks[k]["position"])
        await panel.ask()
        assert told == [k for k in panel.chunks if k in told] == [one, three, two]
