"""The doorbell: from any thread to the readers on the event loop, without waiting.

`ring(group, message)` is called by run threads, services and tasks; `listen` by the
consumers. It knows the server's loop and the channel layer and nothing else, so every
app may ring it. It never blocks the one who rings and never promises delivery: what
matters is stored elsewhere under a number, and a reader that misses one looks there.

    threads ──ring──▶ waiting ──one call a tick──▶ loop ──▶ listeners of this process
                                                    └─────▶ channel layer ──▶ other processes

Readers of this process are called directly. The channel layer carries the same messages
to the doorbells of other processes, all of a group's in a tick as one message; one
channel per process receives. A layer that lives in memory reaches nobody else and is not
used. A process without a loop (a worker, a command) gets a small one of its own, when
there is a layer to reach others by; else ringing does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from channels.layers import InMemoryChannelLayer, get_channel_layer

log = logging.getLogger(__name__)

Message: TypeAlias = dict[str, Any]
Listener: TypeAlias = Callable[[Message], None]

TICK_S = 0.02  # at most one hand-over to the loop in this time, for everybody
MAX_WAITING = 50_000  # messages; beyond, the oldest go: readers look them up
_REJOIN_S = 3600.0  # layers forget members after a day
_RETRY_S = 1.0


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
        self._post: _Post | None = None

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
            self._post = _Post(loop, layer, self._deliver) if layer else None
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
        self._post = _Post(loop, layer, self._deliver)
        return loop


class _Post:
    """The way to the doorbells of other processes, and from them. Lives on the loop."""

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
        self._channel = ""
        self._groups: set[str] = set()
        self._membership = asyncio.Lock()
        self._outgoing: dict[str, list[Message]] = {}
        self._sending: asyncio.Task[None] | None = None
        self._receiving: list[asyncio.Task[None]] = []

    def send(self, waiting: list[tuple[str, Message]]) -> None:
        """Carry these; what the layer refuses or loses, readers look up."""
        for group, message in waiting:
            self._outgoing.setdefault(group, []).append(message)
        if self._outgoing and self._sending is None:
            self._sending = self._loop.create_task(self._send_all())

    async def _send_all(self) -> None:
        try:
            while self._outgoing:
                outgoing, self._outgoing = self._outgoing, {}
                for group, messages in outgoing.items():
                    await self._send_group(group, messages)
        finally:
            self._sending = None

    async def _send_group(self, group: str, messages: list[Message]) -> None:
        letter = {
            "type": "doorbell.ring",
            "sender": self._sender_id,
            "group": group,
            "messages": messages,
        }
        try:
            await self._layer.group_send(group, letter)
        except Exception as exc:  # the layer is away: readers heal by the log
            log.warning("doorbell.send_failed", extra={"error": type(exc).__name__})

    async def join(self, group: str) -> None:
        """Receive this group's messages from other processes."""
        async with self._membership:
            self._groups.add(group)
            if not self._receiving:
                self._channel = await self._layer.new_channel("doorbell")
                self._receiving = [
                    self._loop.create_task(self._receive()),
                    self._loop.create_task(self._rejoin()),
                ]
            await self._try(self._layer.group_add(group, self._channel))

    async def leave(self, group: str) -> None:
        """No more of it, unless somebody joined again meanwhile."""
        async with self._membership:
            self._groups.discard(group)
            await self._try(self._layer.group_discard(group, self._channel))

    async def _receive(self) -> None:
        while True:
            try:
                letter = await self._layer.receive(self._channel)
            except asyncio.CancelledError:
                raise
            except Exception as exc:
                log.warning("doorbell.deaf", extra={"error": type(exc).__name__})
                await asyncio.sleep(_RETRY_S)
                await self._join_all()
                continue
            if letter.get("sender") != self._sender_id:
                for message in letter["messages"]:
                    self._deliver(letter["group"], message)

    async def _rejoin(self) -> None:
        while True:
            await asyncio.sleep(_REJOIN_S)
            await self._join_all()

    async def _join_all(self) -> None:
        for group in tuple(self._groups):
            await self._try(self._layer.group_add(group, self._channel))

    async def _try(self, doing: Any) -> None:
        with contextlib.suppress(OSError):
            try:
                await doing
            except Exception as exc:
                log.warning(
                    "doorbell.layer_failed", extra={"error": type(exc).__name__}
                )


_doorbell = Doorbell()
os.register_at_fork(after_in_child=_doorbell.after_fork)

attach = _doorbell.attach
when_attached = _doorbell.when_attached
ring = _doorbell.ring
listen = _doorbell.listen
unlisten = _doorbell.unlisten
