"""Memory over time: sockets that come and go, and answers that come and end.

After a warm-up, the web process's resident memory is read before and after each round;
what counts is its slope, not its size. All rounds together are 20,000 sockets and 2,000
answers, a hundred at a time; the last row is the slope of all rounds but the first.
"""

from __future__ import annotations

import asyncio
import json
import time

import websockets

from benchmarks.installation import Product, free_port
from benchmarks.relay import helper, product_clients

TURNS = 2  # of answers in a round, all at once in each


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {round, connects, streams, seconds, MB before, MB after, KB per connect}."""
    rounds, connects, streams = (2, 200, 10) if quick else (10, 2000, 100)
    vendor_port = free_port()
    vendor = helper("vendor", vendor_port, 50, 100)
    product = Product(vendor_port, streams)
    rows = []
    try:
        web = product.web_process()
        asyncio.run(_connects(product, connects // 4))  # warm-up
        for number in range(1, rounds + 1):
            before, began = web.memory_info().rss, time.monotonic()
            asyncio.run(_connects(product, connects))
            for _ in range(TURNS):
                asyncio.run(product_clients(streams, product, web, [0]))
            took_s = time.monotonic() - began
            memory = (before, web.memory_info().rss)
            rows.append(_row(number, connects, TURNS * streams, took_s, memory))
    finally:
        product.stop()
        vendor.kill()
    return [*rows, _slope(rows[1:])]


def _row(
    number: int, connects: int, streams: int, took_s: float, memory: tuple[int, int]
) -> dict:
    before, after = memory
    return {
        "round": number,
        "connects": connects,
        "streams": streams,
        "seconds": round(took_s, 1),
        "MB before": round(before / 1e6, 1),
        "MB after": round(after / 1e6, 1),
        "KB per connect": round((after - before) / 1024 / connects, 2),
    }


def _slope(rows: list[dict]) -> dict:
    """All rounds but the first, which warms up what answers need."""
    connects = sum(row["connects"] for row in rows)
    grown_kb = (rows[-1]["MB after"] - rows[0]["MB before"]) * 1e6 / 1024
    return {
        "round": "all but the first",
        "connects": connects,
        "streams": sum(row["streams"] for row in rows),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "MB before": rows[0]["MB before"],
        "MB after": rows[-1]["MB after"],
        "KB per connect": round(grown_kb / connects, 2),
    }


async def _connects(product: Product, count: int) -> None:
    cookies = "; ".join(f"{c.name}={c.value}" for c in product.session.cookies)
    hello = json.dumps({"type": "hello", "token": product.socket_token})

    async def one() -> None:
        async with websockets.connect(
            f"ws://127.0.0.1:{product.port}/ws/chat/",
            origin=f"http://127.0.0.1:{product.port}",
            additional_headers={"Cookie": cookies},
        ) as socket:
            await socket.send(hello)
            await socket.recv()

    for start in range(0, count, 20):
        await asyncio.gather(*(one() for _ in range(min(20, count - start))))
