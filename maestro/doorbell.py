"""The doorbell: from any thread to the readers on the event loop, without waiting.

`ring(group, message)` is called by run threads, services and tasks; `listen` by the
consumers. It knows the server's loop and the channel layer and nothing else, so every
app may ring it. It never blocks the one who rings and never promises delivery: what
matters is stored elsewhere under a number, and a reader that misses one looks there.

    threads ──ring──▶ waiting ──one call a tick──▶ loop ──▶ listeners of this process
                                                    └─────▶ channel layer ──▶ other processes

Readers of this process are called directly. The channel layer carries the same messages
to the doorbells of other processes, all of a group's in a tick as one message; one
channel per process receives (`doorbell_post.py`). A layer in memory reaches nobody and is not
used. A process without a loop (a worker, a command) gets a small one of its own, when
there is a layer to reach others by; else ringing does nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from channels.layers import InMemoryChannelLayer, get_channel_layer

from maestro.doorbell_post import PATIENCE_S, Post

log = logging.getLogger(__name__)

Message: TypeAlias = dict[str, Any]
Listener: TypeAlias = Callable[[Message], None]

TICK_S = 0.02  # at most one hand-over to the loop in this time, for everybody
MAX_WAITING = 50_000  # messages; beyond, the oldest go: readers look them up


def shared_layer() -> Any | None:
    """The channel layer, if it reaches other processes."""
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer


class Doorbell:
    """One per process. `layer` is given by tests; by default it is looked up."""

    def __init__(self, find_layer: Callable[[], Any | None] = shared_layer) -> None:
        self._find_layer = find_layer
        self._lock = threading.Lock()
        self._on_attach: list[Callable[[], None]] = []
        self._reset()

    def _reset(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[tuple[str, Message]] = []
        self._is_armed = False
        self._rang_at = float("-inf")
        self._listeners: dict[str, list[Listener]] = {}
        self._post: Post | None = None

    def after_fork(self) -> None:
        """A forked child has none of its parent's loops and threads."""
        self._lock = threading.Lock()
        self._reset()

    def when_attached(self, call: Callable[[], None]) -> None:
        """Call this once a server's loop is known (now, if it is)."""
        self._on_attach.append(call)
        if self._loop is not None:
            call()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Remember the server's loop. Call on that loop; again is no harm."""
        if self._loop is loop:
            return
        with self._lock:
            self._reset()
            self._loop = loop
            layer = self._find_layer()
            self._post = Post(loop, layer, self._deliver) if layer else None
        for call in self._on_attach:
            call()

    def ring(self, group: str, message: Message) -> None:
        """Tell the group, from any thread. Returns at once, raises nothing."""
        with self._lock:
            loop = self._loop or self._loop_of_our_own()
            if loop is None:
                return
            self._waiting.append((group, message))
            if len(self._waiting) > MAX_WAITING:
                del self._waiting[: MAX_WAITING // 2]
                log.warning("doorbell.overflow", extra={"kept": len(self._waiting)})
            if self._is_armed:
                return
            self._is_armed = True
        try:
            loop.call_soon_threadsafe(self._arm, loop)
        except RuntimeError:  # that loop is closed: a server that has ended
            with self._lock:
                if self._loop is loop:
                    self._reset()

    async def listen(self, group: str, listener: Listener) -> None:
        """From now on call `listener(message)` on the loop. Subscribe, then read."""
        listeners = self._listeners.setdefault(group, [])
        listeners.append(listener)
        if self._post is not None and len(listeners) == 1:
            await self._post.join(group)

    async def unlisten(self, group: str, listener: Listener) -> None:
        """No more calls for this group; not listening is no error."""
        listeners = self._listeners.get(group, [])
        if listener in listeners:
            listeners.remove(listener)
        if (
            not listeners
            and self._listeners.pop(group, None) is not None
            and self._post
        ):
            await self._post.leave(group)

    def is_heard(self) -> bool:
        """Whether the layer carries a letter there and back, or there is no need of one.

        For `/readyz`: blocks a moment, and not on the loop.
        """
        loop, post = self._loop, self._post
        if loop is None or post is None:
            return self._find_layer() is None
        asked = asyncio.run_coroutine_threadsafe(post.is_heard(), loop)
        try:
            return asked.result(2 * PATIENCE_S)
        except TimeoutError:
            return False

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        wait_s = self._rang_at + TICK_S - loop.time()
        if wait_s <= 0:
            self._flush(loop)
        else:
            loop.call_later(wait_s, self._flush, loop)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if loop is not self._loop:
                return
            waiting, self._waiting = self._waiting, []
            self._is_armed = False
            self._rang_at = loop.time()
        for group, message in waiting:
            self._deliver(group, message)
        if self._post is not None:
            self._post.send(waiting)

    def _deliver(self, group: str, message: Message) -> None:
        for listener in tuple(self._listeners.get(group, ())):
            try:
                listener(message)
            except Exception:  # one reader's fault must not silence the others
                log.exception("doorbell.listener_failed")

    def _loop_of_our_own(self) -> asyncio.AbstractEventLoop | None:
        layer = self._find_layer()
        if layer is None:
            return None
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="doorbell", daemon=True).start()
        self._loop = loop
        self._post = Post(loop, layer, self._deliver)
        return loop


_doorbell = Doorbell()
os.register_at_fork(after_in_child=_doorbell.after_fork)

attach = _doorbell.attach
when_attached = _doorbell.when_attached
ring = _doorbell.ring
listen = _doorbell.listen
unlisten = _doorbell.unlisten
is_heard = _doorbell.is_heard
