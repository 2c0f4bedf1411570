"""The guard goes on, whatever one socket or one round brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from django.db import InterfaceError

from sessions_app.consumers import guard
from tests.sessions_app.factories import make_user


class Socket:
    """A page that is being sent something all the time."""

    has_sent = property(lambda self: True, lambda self, value: None)

    def __init__(self, key: str, fault: Exception | None = None) -> None:
        self.session_key = key
        self.user = None
        self.borrowed: set[UUID] = set()
        self.lost: list[UUID] = []
        self.is_signed_out = False
        self._fault = fault

    async def sign_out(self) -> None:
        if self._fault is not None:
            raise self._fault
        self.is_signed_out = True
        guard.forget(self)

    async def lose(self, conversation_id: UUID) -> None:
        if self._fault is not None:
            raise self._fault
        self.lost.append(conversation_id)

    async def end(self, code: int) -> None:
        """Nobody asks here."""


@pytest.fixture(autouse=True)
async def _fast(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(guard, "EVERY_S", 0.02)
    yield
    for socket in tuple(guard._sockets):
        guard.forget(socket)


async def until(is_so: object) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_a_socket_that_cannot_be_closed_keeps_no_other_open(
    transactional_db: None,
) -> None:
    sockets = [Socket("gone 1", RuntimeError("the browser went first"))]
    sockets += [Socket(f"gone {n}") for n in range(2, 6)]
    for socket in sockets:
        guard.watch(socket)
    await until(lambda: all(socket.is_signed_out for socket in sockets[1:]))


async def test_a_socket_that_cannot_let_go_keeps_no_other_following(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "_ended", lambda keys: set())
    user = await asyncio.to_thread(make_user)
    sockets = [Socket("a", RuntimeError("the browser went first")), Socket("b")]
    for socket in sockets:
        socket.user, socket.borrowed = user, {uuid4()}
        guard.watch(socket)
    await until(lambda: sockets[1].lost)


@pytest.mark.parametrize(
    "fault", [InterfaceError("connection already closed"), RuntimeError("a bug")]
)
async def test_a_round_that_fails_is_followed_by_others(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    ended, rounds = guard._ended, []

    def fails_once(keys: object) -> set[str]:
        rounds.append(keys)
        if len(rounds) == 1:
            raise fault
        return ended(keys)  # type: ignore[arg-type]

    monkeypatch.setattr(guard, "_ended", fails_once)
    socket = Socket("gone")
    guard.watch(socket)
    await until(lambda: socket.is_signed_out)
