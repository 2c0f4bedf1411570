"""`/ws/chat/`: browser ⇄ runs. Parses frames, calls services, forwards the log.

The handshake: our own origin (`origin.py`), a signed-in person, then `hello` with the
page's token within ten seconds. Frames are understood here and acted upon one after the
other in `actions.py`; what is sent comes from readers (`reader.py`), one per run, fed by
the doorbell. The socket holds no state of a run: closing it changes nothing there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from maestro import doorbell
from sessions_app import frames
from sessions_app.consumers import actions, guard
from sessions_app.consumers.db import in_db
from sessions_app.consumers.identity import person_of, session_key_of
from sessions_app.consumers.limits import ACK_COUNTS, Allowance, allowance_of_person
from sessions_app.consumers.reader import RunReader
from sessions_app.consumers.socket import Close, Socket
from sessions_app.consumers.token import is_token_of
from sessions_app.credential_news import group_of_person
from sessions_app.people import Person
from sessions_app.runs import live, snapshots, tail
from sessions_app.runs.log import group_of

log = logging.getLogger(__name__)

HELLO_WITHIN_S = 10.0
MAX_WAITING = 64  # frames of one socket that wait for their turn
MAX_FOLLOWED = 50  # conversations of one socket
CHECK_EVERY_S = 3.0  # whether a silent run is still what we think it is
_KEPT = 64


class ChatConsumer(Socket):
    """One open page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user: Person | None = None
        self.session_key = ""
        self.has_sent = False
        self.is_ready = False
        self.asked: deque[str] = deque(maxlen=_KEPT)  # client_message_ids of this page
        self._inbox: asyncio.Queue[frames.ClientFrame] = asyncio.Queue(MAX_WAITING)
        self._allowance = Allowance()
        self._persons: Allowance | None = None
        self._followed: dict[UUID, Callable[[doorbell.Message], None]] = {}
        self._readers: dict[str, RunReader] = {}
        # States that were rung before their reader existed.
        self._early: OrderedDict[str, doorbell.Message] = OrderedDict()

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
        await doorbell.listen(self._persons_group, self._on_news)
        guard.watch(self)
        self.spawn(self._act())
        self.spawn(self._check_often())
        self.say(frames.Ready())

    @property
    def person(self) -> Person:
        """Who it is; nobody gets past the handshake without being someone."""
        if self.user is None:
            raise actions.SignedOut
        return self.user

    @property
    def _persons_group(self) -> str:
        return group_of_person(self.user.pk if self.user else "")

    async def sign_out(self) -> None:
        """The session is over."""
        await self.end(Close.SIGNED_OUT)

    async def clean_up(self) -> None:
        await super().clean_up()
        guard.forget(self)
        for reader in self._readers.values():
            reader.close()
        for conversation_id in tuple(self._followed):
            await self.unfollow(conversation_id)
        if self.is_ready:
            await doorbell.unlisten(self._persons_group, self._on_news)

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
                    for reader in tuple(self._readers.values()):
                        reader.look()
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

    # -- following ----------------------------------------------------------------------

    async def follow(self, conversation_id: UUID) -> bool:
        """Hear what is rung for a conversation of this person. False when at the limit."""
        if conversation_id in self._followed:
            return True
        if len(self._followed) >= MAX_FOLLOWED:
            return False
        listener = partial(self._on_ring, conversation_id)
        self._followed[conversation_id] = listener
        await doorbell.listen(group_of(conversation_id), listener)
        return True

    async def unfollow(self, conversation_id: UUID) -> None:
        """No more of it."""
        listener = self._followed.pop(conversation_id, None)
        if listener is not None:
            await doorbell.unlisten(group_of(conversation_id), listener)
        for key, reader in tuple(self._readers.items()):
            if reader.conversation_id == conversation_id:
                reader.close()
                del self._readers[key]

    def read(
        self, state: snapshots.RunState, position: tail.Position | None = None
    ) -> None:
        """Show a run from this position on, as the client says, or go on with it."""
        key = str(state.run_id)
        before = self._readers.get(key)
        if before is not None and position is None:
            if state.is_over:
                before.begin(state)
            return
        if before is not None:
            before.close()
        reader = self._reader(state.run_id, state.conversation_id, position or (0, 0))
        reader.begin(state)
        early = self._early.pop(key, None)
        if early is not None and early["is_over"] and not state.is_over:
            reader.on_run(early)

    def read_new(self, run_id: UUID, conversation_id: UUID) -> None:
        """Show a run that was just stored in a conversation we listened to before."""
        reader = self._reader(run_id, conversation_id, (0, 0))
        early = self._early.pop(reader.key, None)
        if early is not None:
            reader.on_run(early)
        if live.find(run_id) is not None:  # it may have said something already
            reader.look()

    def is_following(self, conversation_id: UUID) -> bool:
        """Whether this socket hears what is rung for it."""
        return conversation_id in self._followed

    def _reader(
        self, run_id: UUID, conversation_id: UUID, position: tail.Position
    ) -> RunReader:
        reader = RunReader(run_id, conversation_id, self, position, self._done)
        self._readers[reader.key] = reader
        return reader

    def _done(self, reader: RunReader) -> None:
        self._readers.pop(reader.key, None)

    def _on_ring(self, conversation_id: UUID, message: doorbell.Message) -> None:
        kind, key = message["kind"], message["run"]
        if kind == "news":  # about the conversation, not part of a run's log
            self._on_news(message)
            return
        reader = self._readers.get(key)
        if kind == "accepted":
            if reader is None and message["client_message_id"] not in self.asked:
                self._on_news(message)
                self._reader(UUID(key), conversation_id, (0, 0)).look()
        elif reader is None:
            if kind == "run":
                self._early[key] = message
                while len(self._early) > _KEPT:
                    self._early.popitem(last=False)
        elif kind == "batch":
            reader.on_batch(message)
        else:
            reader.on_run(message)

    def _on_news(self, message: doorbell.Message) -> None:
        for text in message["frames"]:
            self.put(text)

    # -- looking after what is silent ---------------------------------------------------

    async def _check_often(self) -> None:
        """The channel layer may lose a message; the rows do not."""
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            silent = [r for r in self._readers.values() if self._is_silent(r)]
            if silent:
                await actions.guarded(self, self._catch_up(silent))

    def _is_silent(self, reader: RunReader) -> bool:
        if time.monotonic() - reader.heard_at < CHECK_EVERY_S:
            return False
        at_work = live.find(reader.run_id)
        return at_work is None or (at_work.log.seq > reader.position[1])

    async def _catch_up(self, silent: Collection[RunReader]) -> None:
        found = await in_db(
            snapshots.states,
            self.person,
            {reader.conversation_id for reader in silent},
            [reader.run_id for reader in silent],
        )
        by_key = {str(state.run_id): state for state in found}
        for reader in silent:
            state = by_key.get(reader.key)
            if state is None:  # its conversation was deleted
                reader.close()
                self._done(reader)
            elif state.is_over:
                reader.begin(state)
            else:
                reader.look()
