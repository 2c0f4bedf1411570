"""What one page hears: the conversations it follows, and a reader for each of their runs.

    doorbell ─▶ Following ─▶ RunReader (one per run) ─▶ the page's socket
                    │
                    └─ news about the conversation itself: passed on as they came

Lives on the event loop. The channel layer may lose a message; `silent_for` and `catch_up`
find what the rows say.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from functools import partial
from uuid import UUID

from maestro import doorbell
from sessions_app.consumers.db import in_db
from sessions_app.consumers.reader import Out, RunReader
from sessions_app.person import Person
from sessions_app.runs import snapshots
from sessions_app.runs.log import live, tail
from sessions_app.runs.log.run_log import group_of

MAX_FOLLOWED = 50  # conversations of one socket
_KEPT = 64

Listener = Callable[[doorbell.Message], None]


class Following:
    """The conversations and runs that one socket hears of. `out` is that socket."""

    def __init__(self, out: Out, on_news: Listener) -> None:
        self.asked: deque[str] = deque(maxlen=_KEPT)  # client_message_ids of this page
        self._out = out
        self._on_news = on_news
        self.borrowed: set[UUID] = set()  # followed, and somebody else's: see guard.py
        self._followed: dict[UUID, Listener] = {}
        self._readers: dict[str, RunReader] = {}
        # States that were rung before their reader existed.
        self._early: OrderedDict[str, doorbell.Message] = OrderedDict()

    async def follow(self, conversation_id: UUID, *, is_own: bool) -> bool:
        """Hear what is rung for a conversation that this person may see. False when at
        the limit."""
        if conversation_id in self._followed:
            return True
        if len(self._followed) >= MAX_FOLLOWED:
            return False
        listener = partial(self._on_ring, conversation_id)
        self._followed[conversation_id] = listener
        if not is_own:
            self.borrowed.add(conversation_id)
        await doorbell.listen(group_of(conversation_id), listener)
        return True

    async def unfollow(self, conversation_id: UUID) -> None:
        """No more of it."""
        self.borrowed.discard(conversation_id)
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

    def look(self) -> None:
        """The page can take more: every reader sees what it left."""
        for reader in tuple(self._readers.values()):
            reader.look()

    async def end(self) -> None:
        """The page is gone."""
        for reader in self._readers.values():
            reader.close()
        for conversation_id in tuple(self._followed):
            await self.unfollow(conversation_id)

    def silent_for(self, after_s: float) -> list[RunReader]:
        """Readers that heard nothing for so long and may have missed something."""
        return [r for r in self._readers.values() if self._is_silent(r, after_s)]

    async def catch_up(self, person: Person, silent: Collection[RunReader]) -> None:
        """Read what the rows say of runs that were silent. Raises NotFound, SignedOut."""
        found = await in_db(
            snapshots.states,
            person,
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

    def _reader(
        self, run_id: UUID, conversation_id: UUID, position: tail.Position
    ) -> RunReader:
        reader = RunReader(run_id, conversation_id, self._out, position, self._done)
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

    def _is_silent(self, reader: RunReader, after_s: float) -> bool:
        if time.monotonic() - reader.heard_at < after_s:
            return False
        at_work = live.find(reader.run_id)
        return at_work is None or (at_work.log.seq > reader.position[1])
