"""A channel layer that forgets, hangs or is away: noticed, not waited for, and healed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from maestro import doorbell_post
from maestro.doorbell import Doorbell


class Layer(InMemoryChannelLayer):  # type: ignore[misc]
    """One that can be made to fail, to hang, and to forget."""

    how = "fine"

    async def group_add(self, group: str, channel: str) -> None:
        await self._word()
        await super().group_add(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._word()
        await super().group_send(group, message)

    async def _word(self) -> None:
        if self.how == "away":
            raise ConnectionError
        if self.how == "hangs":
            await asyncio.sleep(3600)

    def forget(self) -> None:
        self.groups.clear()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell_post, "PATIENCE_S", 0.1)
    monkeypatch.setattr(doorbell_post, "ECHO_S", 0.05)
    monkeypatch.setattr(doorbell_post, "ECHO_DEAF_S", 0.02)
    monkeypatch.setattr(doorbell_post, "_PAUSE_S", 0.01)


@pytest.fixture
def layer() -> Layer:
    return Layer()


@pytest.fixture
async def two(layer: Layer) -> AsyncIterator[tuple[Doorbell, list[Any]]]:
    """Two processes: the first rings, the second writes down what it hears."""
    first, second, heard = Doorbell(lambda: layer), Doorbell(lambda: layer), []
    for bell in (first, second):
        bell.attach(asyncio.get_running_loop())
    await second.listen("chat.a", heard.append)
    await first.listen("chat.b", lambda message: None)
    yield first, heard
    for bell in (first, second):
        assert bell._post is not None
        for task in bell._post._receiving:
            task.cancel()
    await asyncio.sleep(0)


async def heard_again(bell: Doorbell, heard: list[Any], number: int) -> None:
    """What is rung arrives, sooner or later."""
    async with asyncio.timeout(5):
        while {"number": number} not in heard:
            bell.ring("chat.a", {"number": number})
            await asyncio.sleep(0.02)


async def test_a_layer_that_forgot_its_groups_is_joined_again(
    layer: Layer, two: tuple[Doorbell, list[Any]]
) -> None:
    bell, heard = two
    await heard_again(bell, heard, 1)
    layer.forget()
    await heard_again(bell, heard, 2)


@pytest.mark.parametrize("how", ["away", "hangs"])
async def test_nobody_waits_for_a_layer_that_is_gone_and_it_is_used_when_it_is_back(
    layer: Layer, two: tuple[Doorbell, list[Any]], how: str
) -> None:
    bell, heard = two
    await heard_again(bell, heard, 1)
    layer.how = how
    layer.forget()
    async with asyncio.timeout(2):
        for number in range(50):  # fifty pages open while it is away
            await bell.listen(f"chat.{number}", heard.append)
            await bell.unlisten(f"chat.{number}", heard.append)
        while not bell._post.is_deaf:  # type: ignore[union-attr]
            await asyncio.sleep(0.01)
    assert not await asyncio.to_thread(bell.is_heard)
    layer.how = "fine"
    await heard_again(bell, heard, 2)
    assert await asyncio.to_thread(bell.is_heard)


async def test_what_was_rung_while_it_was_away_is_not_kept(
    layer: Layer, two: tuple[Doorbell, list[Any]]
) -> None:
    """It is old news, and in the log."""
    bell, heard = two
    layer.how = "hangs"
    for number in range(1000):
        bell.ring("chat.a", {"number": -number})
        await asyncio.sleep(0.0005)
    post = bell._post
    assert post is not None
    async with asyncio.timeout(2):
        while not post.is_deaf:
            await asyncio.sleep(0.01)
    assert post._outgoing == {}
    layer.how = "fine"
    await heard_again(bell, heard, 7)


def test_without_a_loop_it_is_heard_only_if_nobody_else_is_there(layer: Layer) -> None:
    assert Doorbell(lambda: None).is_heard()
    assert not Doorbell(lambda: layer).is_heard()


@pytest.mark.parametrize("answer", ["an error", "a letter"])
async def test_it_ends_when_it_is_cancelled_whatever_the_layer_makes_of_that(
    answer: str,
) -> None:
    class Stubborn(Layer):
        async def receive(self, channel: str) -> dict[str, Any]:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                assert answer == "a letter", "the lock is held"
            return {"sender": "another", "group": "chat.a", "messages": []}

    post = doorbell_post.Post(
        asyncio.get_running_loop(), Stubborn(), lambda group, message: None
    )
    await post.open()
    await asyncio.sleep(0.01)
    for task in post._receiving:
        task.cancel()
    _, pending = await asyncio.wait(post._receiving, timeout=5)
    assert not pending
