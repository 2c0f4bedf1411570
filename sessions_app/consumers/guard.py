"""Ends sockets whose session is over, and what they follow without a right any more,
while they are being sent to.

One round every two seconds for the whole process; a session that is open in several tabs
is looked up once. Inbound frames are checked on their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, Protocol
from uuid import UUID

from django.db import Error

from sessions_app.consumers.db import in_db
from sessions_app.consumers.identity import person_of
from sessions_app.person import Person
from sessions_app.services import sharing

log = logging.getLogger(__name__)

EVERY_S = 2.0


class Guarded(Protocol):
    """A socket, as the guard sees it."""

    session_key: str
    has_sent: bool  # since the last round
    user: Person | None

    @property
    def borrowed(self) -> Collection[UUID]: ...

    async def lose(self, conversation_id: UUID) -> None: ...

    async def sign_out(self) -> None: ...
    async def end(self, code: int) -> None: ...


_sockets: set[Guarded] = set()
_round: asyncio.Task[None] | None = None


def watch(socket: Guarded) -> None:
    """Look after this socket from now on. Call on the loop."""
    global _round
    _sockets.add(socket)
    is_this_loop = (
        _round is not None and _round.get_loop() is asyncio.get_running_loop()
    )
    if _round is None or _round.done() or not is_this_loop:
        _round = asyncio.get_running_loop().create_task(_rounds())


def forget(socket: Guarded) -> None:
    """It is closed."""
    _sockets.discard(socket)


async def end_all(code: int) -> None:
    """Tell every open page that this server goes away."""
    await asyncio.gather(
        *(socket.end(code) for socket in tuple(_sockets)), return_exceptions=True
    )


async def _rounds() -> None:
    while _sockets:
        await asyncio.sleep(EVERY_S)
        try:
            await _look_after([socket for socket in _sockets if socket.has_sent])
        except Error as exc:  # away: nobody is let go, and nobody is thrown out
            log.warning("guard.failed", extra={"error": type(exc).__name__})
        except Exception:  # a bug in one round is no reason to make no other
            log.exception("guard.crashed")


async def _look_after(sending: list[Guarded]) -> None:
    if not sending:
        return
    over = await in_db(_ended, {socket.session_key for socket in sending})
    await _let_go([socket for socket in sending if socket.borrowed])
    for socket in sending:
        socket.has_sent = False
        if socket.session_key in over:
            await _by_itself(socket.sign_out())


async def _let_go(sockets: list[Guarded]) -> None:
    """Conversations of other people that are not shared with them any more."""
    if not sockets:
        return
    followed = [(socket.user, frozenset(socket.borrowed)) for socket in sockets]
    lost = await in_db(_lost, followed)
    for socket, gone in zip(sockets, lost, strict=True):
        for conversation_id in gone:
            await _by_itself(socket.lose(conversation_id))


async def _by_itself(work: Coroutine[Any, Any, None]) -> None:
    """Done to one socket: what goes wrong with it concerns no other."""
    try:
        await work
    except Exception as exc:  # its browser has gone, perhaps
        log.warning("guard.socket_failed", extra={"error": type(exc).__name__})


def _lost(followed: list[tuple[Person | None, frozenset[UUID]]]) -> list[set[UUID]]:
    return [
        set(keys).difference(sharing.visible_among(user, keys)) if user else set()
        for user, keys in followed
    ]


def _ended(session_keys: Iterable[str]) -> set[str]:
    return {key for key in session_keys if person_of(key) is None}
