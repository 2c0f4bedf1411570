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
# Streams, deltas a second of each, seconds. More streams begin for longer.
LEVELS = [(50, 50, 15), (100, 50, 20), (200, 50, 30), (500, 20, 60), (500, 50, 60)]
QUICK = [(10, 20, 5)]


class Arrivals:
    """What one client saw: when each delta came and how late, in seconds."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.at: list[float] = []
        self.late: list[float] = []

    def take(self, text: str) -> None:
        """Note the deltas in a text. Raises AssertionError for a lost or doubled one."""
        now = time.monotonic_ns()
        for index, sent in MARK.findall(text):
            if int(index) != len(self.at):
                raise AssertionError(f"delta {index} came where {len(self.at)} was due")
            self.at.append(now / 1e9)
            self.late.append((now - int(sent)) / 1e9)

    @property
    def wall_s(self) -> float:
        """From the question to the last delta."""
        return self.at[-1] - self.began if self.at else 0.0


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {streams, relay, deltas/s, lost, CPU s/1M, ratio, p50/p95/p99 ms, KB/stream}.

    `steady`: without the beginning, in which hundreds of people ask in the same moment, and
    the end: from when every answer is on its way until the first is over.
    """
    rows = []
    for streams, rate, seconds in QUICK if quick else LEVELS:
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
    name: str, streams: int, rate: int, seen: list[Arrivals], expected: int, cpu: float
) -> dict:
    """What the clients saw."""
    deltas = sum(len(one.late) for one in seen)
    wall = max((one.wall_s for one in seen), default=0.0) or 1.0
    row = {
        "streams": streams,
        "asked/s": streams * rate,
        "relay": name,
        "deltas/s": round(deltas / wall),
        "lost or doubled": expected - deltas,
        "CPU s/1M": round(cpu / max(deltas, 1) * 1e6, 1),
    }
    return row | _spread(seen, "") | _spread(steady(seen), "steady ")


def _spread(seen: list[Arrivals], kind: str) -> dict[str, float]:
    late = sorted(value for one in seen for value in one.late)
    if not late:  # no moment had them all: the report is JSON, which has no NaN
        return {}
    return {
        f"{kind}p{share} ms": round(late[len(late) * share // 100] * 1000, 1)
        for share in (50, 95, 99)
    }


def steady(seen: list[Arrivals]) -> list[Arrivals]:
    """The same while every answer is on its way."""
    begun = [one for one in seen if one.at]
    first = max((one.at[0] for one in begun), default=0.0)
    last = min((one.at[-1] for one in begun), default=0.0)
    found = []
    for one in begun:
        part = Arrivals()
        pairs = zip(one.at, one.late, strict=True)
        part.late = [late for at, late in pairs if first <= at <= last]
        found.append(part)
    return found


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


async def _raw_clients(streams: int, port: int) -> list[Arrivals]:
    async def client() -> Arrivals:
        seen = Arrivals()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        async for line in reader:
            seen.take(line.decode())
        writer.close()
        return seen

    return await asyncio.gather(*(client() for _ in range(streams)))


def product(streams: int, rate: int, seconds: int) -> dict:
    """One level through Maestro itself: a row of `measure`, without the ratio."""
    vendor_port = free_port()
    vendor = helper("vendor", vendor_port, rate, rate * seconds)
    installation = Product(vendor_port, streams)
    try:
        web = installation.web_process()
        warm = asyncio.Barrier(1)  # what is loaded once is no stream's
        asyncio.run(_client(installation, warm, is_short=True))
        idle = web.memory_full_info().uss
        before = web.cpu_times()
        peaks: list[int] = []
        seen = asyncio.run(product_clients(streams, installation, web, peaks))
        after = web.cpu_times()
    finally:
        installation.stop()
        vendor.kill()
    row = row_of(
        "Maestro", streams, rate, seen, streams * rate * seconds, _cpu(before, after)
    )
    row["KB per stream"] = round((max(peaks) - idle) / 1024 / streams)
    row["first delta p50 ms"] = round(
        statistics.median(one.late[0] for one in seen if one.late) * 1000, 1
    )
    return row


async def product_clients(
    streams: int, product: Product, web, peaks: list[int]
) -> list[Arrivals]:
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
    product: Product, ready: asyncio.Barrier, *, is_short: bool = False
) -> Arrivals:
    """A page that asks once and reads to the end; `is_short`: it stops what it began."""
    cookies = "; ".join(f"{c.name}={c.value}" for c in product.session.cookies)
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
        seen = Arrivals()
        acked = seen.began
        await socket.send(_question(product))
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "batch":
                for event in frame["events"]:
                    if event["type"] == "text_delta":
                        seen.take(event["text"])
                if is_short:
                    stop = {"type": "stop", "run_id": frame["run_id"]}
                    await socket.send(json.dumps(stop))
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
    return seen


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
