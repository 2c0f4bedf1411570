"""The relay: vendor → Maestro → websocket, against a raw pass-through of bytes.

A mock vendor sends one delta per write with the time in it; clients on `/ws/chat/` check
that every delta arrives once and in order, and how late. CPU is the relaying process's
own. The rows of one level are measured one after the other in the same minute.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
import uuid

import psutil
import websockets

from benchmarks.installation import ROOT, Product, free_port

MARK = re.compile(r"(\d+)@(\d+) ")


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {streams, relay, deltas/s, lost, CPU s/1M, ratio, p50/p95/p99 ms, KB/stream}."""
    levels = [(10, 20)] if quick else [(50, 50), (100, 50), (200, 50), (500, 20)]
    seconds = 5 if quick else 15
    rows = []
    for streams, rate in levels:
        floor = raw(streams, rate, seconds)
        ours = product(streams, rate, seconds)
        for row in (floor, ours):
            row["ratio"] = round(row["CPU s/1M"] / max(floor["CPU s/1M"], 1e-9), 2)
        rows += [floor, ours]
    return rows


def helper(*arguments: object) -> subprocess.Popen:
    """`python -m benchmarks.vendor ARGUMENTS`, ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.vendor", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    return process


def row_of(
    name: str, streams: int, rate: int, seen: list, expected: int, cpu: float
) -> dict:
    """What clients saw: `seen` is (lateness of each delta in s, seconds) a client."""
    deltas = sum(len(late) for late, _ in seen)
    late = sorted(value for values, _ in seen for value in values) or [0.0]
    wall = max((wall for _, wall in seen), default=1.0)

    def at(share: float) -> float:
        return round(late[min(len(late) - 1, int(len(late) * share))] * 1000, 1)

    return {
        "streams": streams,
        "asked/s": streams * rate,
        "relay": name,
        "deltas/s": round(deltas / wall),
        "lost or doubled": expected - deltas,
        "CPU s/1M": round(cpu / max(deltas, 1) * 1e6, 1),
        "p50 ms": at(0.5),
        "p95 ms": at(0.95),
        "p99 ms": at(0.99),
    }


def collect(text: str, late: list[float], next_index: int) -> int:
    """Note how late the deltas in a text are; the index of the next one."""
    now = time.monotonic_ns()
    for index, sent in MARK.findall(text):
        if int(index) != next_index:
            raise AssertionError(f"delta {index} came where {next_index} was due")
        next_index += 1
        late.append((now - int(sent)) / 1e9)
    return next_index


def raw(streams: int, rate: int, seconds: int) -> dict:
    """One level through the raw pass-through."""
    vendor_port, port = free_port(), free_port()
    vendor = helper("vendor", vendor_port, rate, rate * seconds)
    relay = helper("raw", port, vendor_port)
    try:
        before = psutil.Process(relay.pid).cpu_times()
        seen = asyncio.run(_raw_clients(streams, port))
        after = psutil.Process(relay.pid).cpu_times()
    finally:
        vendor.kill()
        relay.kill()
    return row_of(
        "raw pass-through",
        streams,
        rate,
        seen,
        streams * rate * seconds,
        _cpu(before, after),
    )


def _cpu(before, after) -> float:
    return after.user + after.system - before.user - before.system


async def _raw_clients(streams: int, port: int) -> list:
    async def client() -> tuple[list[float], float]:
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        late: list[float] = []
        index = 0
        async for line in reader:
            index = collect(line.decode(), late, index)
        writer.close()
        return late, time.monotonic() - started

    return await asyncio.gather(*(client() for _ in range(streams)))


def product(streams: int, rate: int, seconds: int) -> dict:
    """One level through Maestro itself: a row of `measure`, without the ratio."""
    vendor_port = free_port()
    vendor = helper("vendor", vendor_port, rate, rate * seconds)
    installation = Product(vendor_port, streams)
    try:
        web = installation.web_process()
        idle = web.memory_full_info().uss
        before = web.cpu_times()
        peaks: list[int] = []
        seen = asyncio.run(_product_clients(streams, installation, web, peaks))
        after = web.cpu_times()
    finally:
        installation.stop()
        vendor.kill()
    row = row_of(
        "Maestro", streams, rate, seen, streams * rate * seconds, _cpu(before, after)
    )
    row["KB per stream"] = round((max(peaks) - idle) / 1024 / streams)
    row["first delta p50 ms"] = round(
        statistics.median(values[0] for values, _ in seen if values) * 1000, 1
    )
    return row


async def _product_clients(
    streams: int, product: Product, web, peaks: list[int]
) -> list:
    ready = asyncio.Barrier(streams)

    async def sample() -> None:
        while True:
            peaks.append(web.memory_full_info().uss)
            await asyncio.sleep(1)

    sampler = asyncio.create_task(sample())
    try:
        return await asyncio.gather(*(_client(product, ready) for _ in range(streams)))
    finally:
        sampler.cancel()


async def _client(
    product: Product, ready: asyncio.Barrier
) -> tuple[list[float], float]:
    cookies = "; ".join(f"{c.name}={c.value}" for c in product.session.cookies)
    late: list[float] = []
    index = 0
    async with websockets.connect(
        f"ws://127.0.0.1:{product.port}/ws/chat/",
        origin=f"http://127.0.0.1:{product.port}",
        additional_headers={"Cookie": cookies},
        open_timeout=60,
        max_size=None,
    ) as socket:
        await socket.send(json.dumps({"type": "hello", "token": product.socket_token}))
        await socket.recv()
        await ready.wait()
        started = acked = time.monotonic()
        await socket.send(_question(product))
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "batch":
                for event in frame["events"]:
                    if event["type"] == "text_delta":
                        index = collect(event["text"], late, index)
                if time.monotonic() - acked > 0.25:  # as the page does
                    acked = time.monotonic()
                    await socket.send(_ack(frame))
            elif frame["type"] == "run" and frame["run"]["status"] not in (
                "queued",
                "running",
            ):
                break
            elif frame["type"] == "error":
                raise RuntimeError(frame["message"])
    return late, time.monotonic() - started


def _question(product: Product) -> str:
    return json.dumps(
        {
            "type": "send",
            "client_message_id": uuid.uuid4().hex,
            "text": "go",
            "credential_id": product.credential,
            "model": "bench",
        }
    )


def _ack(batch: dict) -> str:
    return json.dumps(
        {
            "type": "ack",
            "run_id": batch["run_id"],
            "epoch": batch["epoch"],
            "seq": batch["last"],
        }
    )
