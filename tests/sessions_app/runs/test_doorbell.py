"""The doorbell: one hand-over a tick, across threads and processes, and losses that heal."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import InMemoryChannelLayer

from maestro import doorbell
from maestro.doorbell import Doorbell


def ring_many(bell: Doorbell, group: str, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        bell.ring(group, {"number": number})


async def hear(heard: list[Any], count: int, timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while len(heard) < count:
            await asyncio.sleep(0.005)


async def test_it_reaches_the_loop_from_many_threads_in_each_ones_order() -> None:
    bell, heard = Doorbell(lambda: None), []
    bell.attach(asyncio.get_running_loop())
    await bell.listen("chat.a", heard.append)
    threads = [
        threading.Thread(target=ring_many, args=(bell, "chat.a", 500, 1000 * n))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    await hear(heard, 4000)
    numbers = [message["number"] for message in heard]
    for n in range(8):
        own = [number for number in numbers if number // 1000 == n]
        assert own == sorted(own) and len(own) == 500


async def test_it_wakes_the_loop_once_a_tick_for_everybody() -> None:
    bell, heard = Doorbell(lambda: None), []
    loop = asyncio.get_running_loop()
    calls = 0
    real = loop.call_soon_threadsafe

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return real(*args, **kwargs)

    bell.attach(loop)
    await bell.listen("chat.a", heard.append)
    loop.call_soon_threadsafe = counted  # type: ignore[method-assign]

    def ring_for_a_while() -> None:
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            bell.ring("chat.a", {})
            time.sleep(0.001)

    started = time.monotonic()
    threads = [threading.Thread(target=ring_for_a_while) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        await asyncio.sleep(0.01)
    took_s = time.monotonic() - started
    assert len(heard) > 200
    assert calls <= took_s / doorbell.TICK_S + 2


async def test_the_first_ring_does_not_wait_for_a_tick() -> None:
    bell, heard = Doorbell(lambda: None), []
    bell.attach(asyncio.get_running_loop())
    await bell.listen("chat.a", heard.append)
    bell.ring("chat.a", {})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert heard


async def test_one_reader_that_fails_does_not_silence_the_others() -> None:
    bell, heard = Doorbell(lambda: None), []
    bell.attach(asyncio.get_running_loop())

    def fails(message: object) -> None:
        raise RuntimeError("a bug")

    await bell.listen("chat.a", fails)
    await bell.listen("chat.a", heard.append)
    bell.ring("chat.a", {})
    await hear(heard, 1)


async def test_who_stopped_listening_hears_no_more() -> None:
    bell, heard = Doorbell(lambda: None), []
    bell.attach(asyncio.get_running_loop())
    await bell.listen("chat.a", heard.append)
    await bell.unlisten("chat.a", heard.append)
    await bell.unlisten("chat.a", heard.append)
    bell.ring("chat.a", {})
    await asyncio.sleep(0.05)
    assert heard == []


def test_a_loop_that_has_closed_is_forgotten() -> None:
    bell = Doorbell(lambda: None)
    loop = asyncio.new_event_loop()
    bell.attach(loop)
    loop.close()
    bell.ring("chat.a", {})
    bell.ring("chat.a", {})
    assert bell._loop is None


async def test_a_layer_carries_to_other_processes_and_a_small_one_only_loses() -> None:
    """Two doorbells on one layer of capacity 10 are two processes. What arrives is in
    order and whole; what is lost is a gap, never a mixture."""
    layer = InMemoryChannelLayer(capacity=10)
    here, there = Doorbell(lambda: layer), Doorbell(lambda: layer)
    heard_here: list[Any] = []
    heard_there: list[Any] = []
    for bell, heard in ((here, heard_here), (there, heard_there)):
        bell.attach(asyncio.get_running_loop())
        await bell.listen("chat.a", heard.append)
    await asyncio.to_thread(ring_many, here, "chat.a", 5000)
    await hear(heard_here, 5000)
    await asyncio.sleep(0.1)
    assert [m["number"] for m in heard_here] == list(range(5000)), "no echo, no loss"
    numbers = [m["number"] for m in heard_there]
    assert numbers and numbers == sorted(set(numbers))
    await here.unlisten("chat.a", heard_here.append)
    await stop_listening(here, there)


async def stop_listening(*bells: Doorbell) -> None:
    for bell in bells:
        for task in bell._post._receiving if bell._post else []:
            task.cancel()
    await asyncio.sleep(0)


def redis_layer() -> Any:
    import redis
    from channels_redis.core import RedisChannelLayer

    url = "redis://127.0.0.1:6379/9"
    try:
        redis.Redis.from_url(url).ping()
    except redis.ConnectionError:
        if os.environ.get("CI"):
            pytest.fail("no Redis on 127.0.0.1:6379")
        pytest.skip("no Redis on 127.0.0.1:6379")
    return RedisChannelLayer(hosts=[url], prefix=f"test-{uuid4().hex}", capacity=100)


async def test_it_works_through_redis_from_a_process_without_a_loop() -> None:
    layer = redis_layer()
    web, worker = Doorbell(lambda: layer), Doorbell(lambda: layer)
    heard: list[Any] = []
    web.attach(asyncio.get_running_loop())
    await web.listen("chat.a", heard.append)
    # The worker never attaches: it sends from a small loop of its own.
    await asyncio.to_thread(worker.ring, "chat.a", {"frame": "häßlich ✓", "number": 1})
    await hear(heard, 1)
    assert heard == [{"frame": "häßlich ✓", "number": 1}]
    await web.unlisten("chat.a", heard.append)
    await stop_listening(web)
    await close(layer, worker)


async def close(layer: Any, worker: Doorbell) -> None:
    """Each loop closes its own connections."""
    own, here = worker._loop, asyncio.get_running_loop()
    assert own is not None
    theirs, ours = layer._layers.pop(own), layer._layers.pop(here)
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(theirs.flush(), own))
    await ours.flush()
    own.call_soon_threadsafe(own.stop)
    while own.is_running():
        await asyncio.sleep(0.01)
    own.close()


def test_the_layer_in_memory_reaches_nobody_else(settings: Any) -> None:
    memory = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    settings.CHANNEL_LAYERS = {"default": memory}
    assert doorbell.shared_layer() is None
