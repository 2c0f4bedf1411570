"""The part of a socket that is no business: sending, tasks, closing.

One task sends, so frames keep their order and a server that pushes back (not Daphne)
slows only this socket. `end` closes once, whoever asks first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from sessions_app import frames
from sessions_app.consumers.limits import CREDIT_PATIENCE_S, Credit

log = logging.getLogger(__name__)


class Close:
    """Close codes; `docs/frames.md` explains them to clients."""

    RESTARTING = 1012
    TOO_SLOW = 1013
    TOO_LARGE = 1009
    TOO_MANY = 1008
    SIGNED_OUT = 4401
    NO_TOKEN = 4403


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """A websocket with an outbox. Messages of the channel layer come by the doorbell."""

    # One channel per process listens, in maestro/doorbell.py; a socket has none.
    channel_layer_alias = "none: see maestro.doorbell"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.credit = Credit()
        self._outbox: deque[str] = deque()
        self._has_mail = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ended = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.clean_up()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does it, without a trip to a thread for each frame."""
        match message["type"]:
            case "websocket.connect":
                await self.connect()
            case "websocket.receive":
                await self.receive(message.get("text"), message.get("bytes"))
            case "websocket.disconnect":
                self._is_ended = True
                raise StopConsumer

    async def clean_up(self) -> None:
        """The socket is gone; called once, however it went."""
        self._is_ended = True
        for task in tuple(self._tasks):
            task.cancel()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do this beside the socket, as long as it is open."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("socket.task_failed", exc_info=task.exception())
            if not self._is_ended:
                self.spawn(self.end(1011))

    def put(self, text: str) -> None:
        """Send this after what was put before. Returns at once."""
        if not self._is_ended:
            self._outbox.append(text)
            self._has_mail.set()

    def say(self, frame: frames.ServerFrame) -> None:
        """Send a frame."""
        self.put(frames.encode_frame(frame).decode())

    async def send_all(self) -> None:
        """The sending task."""
        outbox, has_mail = self._outbox, self._has_mail
        while True:
            await has_mail.wait()
            has_mail.clear()
            while outbox:
                letter = {"type": "websocket.send", "text": outbox.popleft()}
                try:
                    await self.base_send(letter)
                except Exception as exc:  # each server has its own word for "gone"
                    log.info("socket.not_sent", extra={"error": type(exc).__name__})
                    self._is_ended = True
                    # One that is not gone must not look open and hear nothing: closed,
                    # it comes back.
                    with suppress(Exception):
                        await self.close(1011)
                    return

    def credit_is_used_up(self) -> None:
        """The client has a while to catch up."""
        self.spawn(self._wait_for_credit())

    async def _wait_for_credit(self) -> None:
        times = self.credit.times_used_up
        await asyncio.sleep(CREDIT_PATIENCE_S)
        if self.credit.is_used_up and self.credit.times_used_up == times:
            await self.end(Close.TOO_SLOW)

    async def end(self, code: int) -> None:
        """Close with this code; what waits to be sent is dropped."""
        if self._is_ended:
            return
        self._is_ended = True
        self._outbox.clear()
        await self.close(code)
