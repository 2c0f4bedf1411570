"""The doorbell's way to other processes: the channel layer, which may be slow, deaf or away.

Used by `maestro/doorbell.py` only, and lives on its loop. Nothing here is ever waited for
longer than a moment. A post sends itself a letter every few seconds, through a group like
any other; one that does not come back means that we are deaf, whatever the connection
says: a Redis that was restarted has forgotten our groups, one that is stopped answers
nobody. Then nothing is sent, and every group is joined again once a letter comes back.
Readers heal what was lost meanwhile from the log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

log = logging.getLogger(__name__)

Message: TypeAlias = dict[str, Any]

PATIENCE_S = 2.0  # for one word with the layer
ECHO_S = 3.0  # between two letters to ourselves
ECHO_DEAF_S = 0.5  # the same while we are deaf
REJOIN_S = 3600.0  # layers forget members after a day
_PAUSE_S = 0.5


class Post:
    """Carries messages to the posts of other processes, and theirs to `deliver`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        layer: Any,
        deliver: Callable[[str, Message], None],
    ) -> None:
        self._loop = loop
        self._layer = layer
        self._deliver = deliver
        self._sender_id = secrets.token_hex(8)
        self._echo_group = f"echo.{self._sender_id}"
        self._channel = ""
        self._groups: set[str] = set()  # that we want
        self._joined: set[str] = set()  # that the layer knows of, as far as we know
        self._outgoing: dict[str, list[Message]] = {}
        self._echoes: dict[str, asyncio.Future[None]] = {}
        self._sending: asyncio.Task[None] | None = None
        self._receiving: list[asyncio.Task[None]] = []
        self._rejoined_at = loop.time()
        self.is_deaf = False

    def send(self, waiting: list[tuple[str, Message]]) -> None:
        """Carry these; what the layer refuses or loses, readers look up."""
        if self.is_deaf:
            return
        for group, message in waiting:
            self._outgoing.setdefault(group, []).append(message)
        if self._outgoing and self._sending is None:
            self._sending = self._loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._outgoing:
                outgoing, self._outgoing = self._outgoing, {}
                for group, messages in outgoing.items():
                    if not await self._send_group(group, messages=messages):
                        self._outgoing = {}  # old news by the time it is back
                        return
        finally:
            self._sending = None

    async def _send_group(self, group: str, **content: Any) -> bool:
        letter = {"type": "doorbell.ring", "sender": self._sender_id, "group": group}
        return await self._try(self._layer.group_send(group, letter | content))

    async def join(self, group: str) -> None:
        """Receive this group's messages from other processes, from now on if possible."""
        self._groups.add(group)
        await self.open()
        await self._join(group)

    async def leave(self, group: str) -> None:
        """No more of it, unless somebody joined again meanwhile."""
        self._groups.discard(group)
        self._joined.discard(group)
        if not self.is_deaf:
            await self._try(self._layer.group_discard(group, self._channel))
        if group in self._groups:
            await self._join(group)

    async def _join(self, group: str) -> None:
        if self.is_deaf or group in self._joined:
            return
        if await self._try(self._layer.group_add(group, self._channel)):
            self._joined.add(group)

    async def open(self) -> None:
        """Begin to receive, once."""
        if self._receiving:
            return
        self._receiving = [
            self._loop.create_task(self._receive()),
            self._loop.create_task(self._watch()),
        ]
        self._channel = await self._layer.new_channel("doorbell")
        await self._join(self._echo_group)

    async def _receive(self) -> None:
        while not self._channel:
            await asyncio.sleep(0)
        while not _is_cancelled():
            try:
                letter = await self._layer.receive(self._channel)
            except Exception as exc:
                self._lose(exc)
                await asyncio.sleep(_PAUSE_S)
                continue
            self._open_letter(letter)

    def _open_letter(self, letter: dict[str, Any]) -> None:
        if letter.get("sender") != self._sender_id:
            for message in letter["messages"]:
                self._deliver(letter["group"], message)
        elif (echo := self._echoes.get(letter.get("echo", ""))) and not echo.done():
            echo.set_result(None)

    async def is_heard(self) -> bool:
        """Whether a letter to ourselves comes back; asked by `/readyz`."""
        await self.open()
        return await self._comes_back(joining=True)

    async def _comes_back(self, *, joining: bool) -> bool:
        """Send ourselves a letter. Without `joining`: does the layer still know us?"""
        word = secrets.token_hex(4)
        self._echoes[word] = self._loop.create_future()
        try:
            async with asyncio.timeout(PATIENCE_S):
                if joining:
                    await self._layer.group_add(self._echo_group, self._channel)
                await self._send_group(self._echo_group, echo=word)
                await self._echoes[word]
        except Exception as exc:  # each layer has its own words for "away"
            if joining:
                self._lose(exc)
            return False
        finally:
            del self._echoes[word]
        return True

    async def _watch(self) -> None:
        while not _is_cancelled():
            await asyncio.sleep(ECHO_DEAF_S if self.is_deaf else ECHO_S)
            if self._loop.time() - self._rejoined_at > REJOIN_S:
                self._joined.clear()
            if self.is_deaf or not await self._comes_back(joining=False):
                await self._listen_again()
            for group in self._groups - self._joined:
                await self._join(group)

    async def _listen_again(self) -> None:
        if await self._comes_back(joining=True):
            self.is_deaf = False
            self._joined.clear()
            self._rejoined_at = self._loop.time()
            log.info("doorbell.hears_again", extra={"groups": len(self._groups)})

    async def _try(self, doing: Awaitable[Any]) -> bool:
        """Whether it went well, within a moment."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await doing
        except Exception as exc:  # each layer has its own words for "away"
            self._lose(exc)
            return False
        return True

    def _lose(self, why: Exception) -> None:
        if not self.is_deaf:
            log.warning("doorbell.deaf", extra={"error": type(why).__name__})
        self.is_deaf = True
        self._joined.clear()


def _is_cancelled() -> bool:
    """A layer may answer a cancellation with an error of its own, or with a letter; who
    goes on then never ends, and nor does the loop that waits for it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
