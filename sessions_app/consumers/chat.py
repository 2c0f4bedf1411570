"""`/ws/chat/`: browser ⇄ runs. Parses frames, calls services, forwards the log.

The handshake: our own origin (`origin.py`), a signed-in person, then `hello` with the
page's token within ten seconds. Frames are understood here and acted upon one after the
other in `actions.py`; what is sent of runs comes from `following.py`. The socket holds no
state of a run: closing it changes nothing there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec

from maestro import doorbell
from sessions_app import frames, sign_out_news
from sessions_app.consumers import actions, guard
from sessions_app.consumers.db import in_db
from sessions_app.consumers.following import Following
from sessions_app.consumers.identity import person_of, session_key_of
from sessions_app.consumers.limits import ACK_COUNTS, Allowance, allowance_of_person
from sessions_app.consumers.socket import Close, Socket
from sessions_app.consumers.token import is_token_of
from sessions_app.person import Person
from sessions_app.tokens.credential_news import group_of_person

log = logging.getLogger(__name__)

HELLO_WITHIN_S = 10.0
MAX_WAITING = 64  # frames of one socket that wait for their turn
CHECK_EVERY_S = 3.0  # whether a silent run is still what we think it is


class ChatConsumer(Socket):
    """One open page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user: Person | None = None
        self.session_key = ""
        self.has_sent = False
        self.is_ready = False
        # News that is rung while we begin to listen: `ready` is the first frame.
        self._early: list[doorbell.Message] | None = []
        self._inbox: asyncio.Queue[frames.ClientFrame] = asyncio.Queue(MAX_WAITING)
        self._allowance = Allowance()
        self._persons: Allowance | None = None
        self.following = Following(self, self._on_news)

    # -- the handshake ------------------------------------------------------------------

    async def connect(self) -> None:
        """Accept, then find out who it is: a page can read a close code only after."""
        doorbell.attach(asyncio.get_running_loop())
        await self.accept()
        self.session_key = session_key_of(self.scope)
        self.user = await in_db(person_of, self.session_key)
        if self.user is None:
            await self.end(Close.SIGNED_OUT)
            return
        self._persons = allowance_of_person(self.user.pk)
        self.spawn(self.send_all())
        self.spawn(self._expect_hello())

    async def _expect_hello(self) -> None:
        await asyncio.sleep(HELLO_WITHIN_S)
        if not self.is_ready:
            await self.end(Close.NO_TOKEN)

    async def _hello(self, frame: frames.ClientFrame | None) -> None:
        is_known = isinstance(frame, frames.Hello) and is_token_of(
            frame.token, self.session_key
        )
        if not is_known:
            await self.end(Close.NO_TOKEN)
            return
        self.is_ready = True
        await doorbell.listen(self._persons_group, self._on_person)
        guard.watch(self)
        self.spawn(self._act())
        self.spawn(self._check_often())
        self.say(frames.Ready())
        early, self._early = self._early or [], None
        for message in early:
            self._on_news(message)

    @property
    def person(self) -> Person:
        """Who it is; nobody gets past the handshake without being someone."""
        if self.user is None:
            raise actions.SignedOut
        return self.user

    @property
    def _persons_group(self) -> str:
        return group_of_person(self.user.pk if self.user else "")

    @property
    def borrowed(self) -> Collection[UUID]:
        """Other people's conversations that it follows."""
        return self.following.borrowed

    async def lose(self, conversation_id: UUID) -> None:
        """It is not shared with this person any more."""
        await self.following.unfollow(conversation_id)
        self.refuse(
            "not_found",
            "This conversation is not shared with you any more.",
            conversation_id=conversation_id,
        )

    async def sign_out(self) -> None:
        """The session is over."""
        await self.end(Close.SIGNED_OUT)

    async def clean_up(self) -> None:
        await super().clean_up()
        guard.forget(self)
        await self.following.end()
        if self.is_ready:
            await doorbell.unlisten(self._persons_group, self._on_person)

    def put(self, text: str) -> None:
        """As any socket, and the guard is told: nobody who signed out is sent more."""
        self.has_sent = True
        super().put(text)

    # -- what comes in ------------------------------------------------------------------

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Understand a frame and return at once; work waits in a short queue."""
        if self._is_ended:
            return
        size = len(text_data or bytes_data or "")
        if size > frames.MAX_FRAME_BYTES:
            await self.end(Close.TOO_LARGE)
            return
        frame = self._parse(text_data)
        if not self._is_allowed(size, frame):
            await self.end(Close.TOO_MANY)
            return
        if not self.is_ready:
            await self._hello(frame)
        elif frame is not None:
            await self._take(frame)

    def _is_allowed(self, size: int, frame: frames.ClientFrame | None) -> bool:
        count = ACK_COUNTS if isinstance(frame, frames.Ack) else 1.0
        if not self._allowance.take(size, count):
            return False
        if isinstance(frame, frames.Ack | frames.Ping | frames.Hello):
            return True
        return self._persons is None or self._persons.take(size)

    def _parse(self, text: str | None) -> frames.ClientFrame | None:
        if text is None:
            self.refuse("bad_frame", "Frames are JSON text, not binary.")
            return None
        try:
            frame: frames.ClientFrame = frames.decode_client_frame(text)
            return frame
        except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
            self.refuse(
                "bad_frame", f"That is not a frame of this protocol: {exc}"[:300]
            )
            return None

    async def _take(self, frame: frames.ClientFrame) -> None:
        match frame:
            case frames.Ping():
                self.say(frames.Pong())
            case frames.Ack():
                if self.credit.regain(str(frame.run_id), frame.epoch, frame.seq):
                    self.following.look()
            case frames.Hello():
                pass  # again is no harm
            case _:
                try:
                    self._inbox.put_nowait(frame)
                except asyncio.QueueFull:
                    await self.end(Close.TOO_MANY)

    async def _act(self) -> None:
        while True:
            await actions.act(self, await self._inbox.get())

    def refuse(self, code: Any, message: str, **about: Any) -> None:
        """Say what was refused, and why."""
        self.say(frames.Error(code=code, message=message, **about))

    # -- what is heard beside runs ------------------------------------------------------

    def _on_person(self, message: doorbell.Message) -> None:
        if message["kind"] == sign_out_news.KIND:
            self.spawn(self._look_who())
        else:
            self._on_news(message)

    async def _look_who(self) -> None:
        """An account or a session changed: whoever is out hears no more."""
        if await in_db(person_of, self.session_key) is None:
            await self.sign_out()

    def _on_news(self, message: doorbell.Message) -> None:
        if self._early is not None:
            self._early.append(message)
            return
        for text in message["frames"]:
            self.put(text)

    async def _check_often(self) -> None:
        """The channel layer may lose a message; the rows do not."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            if silent := self.following.silent_for(CHECK_EVERY_S):
                work = self.following.catch_up(self.person, silent)
                await actions.guarded(self, work)
