"""Memory over time: sockets that come and go, and answers that come and end.

After a warm-up, the web process's resident memory is read before and after each round;
what counts is its slope, not its size.
"""

from __future__ import annotations

import asyncio
import json

import websockets

from benchmarks.relay import Product, _helper, _port, _product_clients


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {round, connects, streams, MB before, MB after, KB per connect}."""
    rounds, connects, streams = (2, 200, 10) if quick else (5, 2000, 100)
    vendor_port = _port()
    vendor = _helper("vendor", vendor_port, 50, 100)
    product = Product(vendor_port, streams)
    rows = []
    try:
        web = product.web_process()
        asyncio.run(_connects(product, connects // 4))  # warm-up
        for number in range(1, rounds + 1):
            before = web.memory_info().rss
            asyncio.run(_connects(product, connects))
            asyncio.run(_product_clients(streams, product, web, [0]))
            after = web.memory_info().rss
            rows.append(
                {
                    "round": number,
                    "connects": connects,
                    "streams": streams,
                    "MB before": round(before / 1e6, 1),
                    "MB after": round(after / 1e6, 1),
                    "KB per connect": round((after - before) / 1024 / connects, 2),
                }
            )
    finally:
        product.stop()
        vendor.kill()
    return rows


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
