"""The relay: vendor → Maestro → websocket, against a raw pass-through of bytes.

A mock vendor sends one delta per write with the time in it; clients on `/ws/chat/` check
that every delta arrives once and in order, and how late. CPU is the relaying process's
own. The rows of one level are measured one after the other in the same minute.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil
import requests
import websockets

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"(\d+)@(\d+) ")


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {streams, relay, deltas/s, lost, CPU s/1M, ratio, p50/p95/p99 ms, KB/stream}."""
    levels = [(10, 20)] if quick else [(50, 50), (100, 50), (200, 50), (500, 20)]
    seconds = 5 if quick else 15
    rows = []
    for streams, rate in levels:
        floor = _raw(streams, rate, seconds)
        ours = _product(streams, rate, seconds)
        for row in (floor, ours):
            row["ratio"] = round(row["CPU s/1M"] / max(floor["CPU s/1M"], 1e-9), 2)
        rows += [floor, ours]
    return rows


def _port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _helper(*arguments: object) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.vendor", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    return process


def _row(
    name: str, streams: int, rate: int, seen: list, expected: int, cpu: float
) -> dict:
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


def _collect(text: str, late: list[float], next_index: int) -> int:
    now = time.monotonic_ns()
    for index, sent in MARK.findall(text):
        if int(index) != next_index:
            raise AssertionError(f"delta {index} came where {next_index} was due")
        next_index += 1
        late.append((now - int(sent)) / 1e9)
    return next_index


def _raw(streams: int, rate: int, seconds: int) -> dict:
    vendor_port, port = _port(), _port()
    vendor = _helper("vendor", vendor_port, rate, rate * seconds)
    relay = _helper("raw", port, vendor_port)
    try:
        before = psutil.Process(relay.pid).cpu_times()
        seen = asyncio.run(_raw_clients(streams, port))
        after = psutil.Process(relay.pid).cpu_times()
    finally:
        vendor.kill()
        relay.kill()
    return _row(
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
            index = _collect(line.decode(), late, index)
        writer.close()
        return late, time.monotonic() - started

    return await asyncio.gather(*(client() for _ in range(streams)))


class Product:
    """Maestro itself, on a data directory of its own, with a credential for the mock."""

    def __init__(self, vendor_port: int, streams: int) -> None:
        self.port = _port()
        self.data = tempfile.mkdtemp(prefix="maestro-relay-")
        self.env = {
            **os.environ,
            "MAESTRO_DATA": self.data,
            "MAESTRO_URL": f"http://127.0.0.1:{self.port}",
            "MAESTRO_LOG_LEVEL": "WARNING",
            "MAESTRO_MAX_CONCURRENT_RUNS": str(streams + 10),
            "DJANGO_SUPERUSER_PASSWORD": "benchmark-only-password",
        }
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "maestro.start",
                "--port",
                str(self.port),
                "--no-demo",
            ],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=open(Path(self.data) / "log", "wb"),
        )
        self._until_ready()
        manage = [sys.executable, "manage.py"]
        subprocess.run(
            [
                *manage,
                "createsuperuser",
                "--noinput",
                "--username",
                "bench",
                "--email",
                "b@x.io",
            ],
            cwd=ROOT,
            env=self.env,
            check=True,
            capture_output=True,
        )
        subprocess.run(
            [*manage, "credential", "add", "custom", "--name", "bench",
             "--base-url", f"http://127.0.0.1:{vendor_port}/v1", "--key-stdin", "--json"],
            cwd=ROOT, env=self.env, check=True, capture_output=True, input=b"bench-key",
        )  # fmt: skip
        self.session = self._login()

    def _until_ready(self) -> None:
        for _ in range(600):
            try:
                if requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise RuntimeError((Path(self.data) / "log").read_text()[-3000:])

    def _login(self) -> requests.Session:
        session = requests.Session()
        base = f"http://127.0.0.1:{self.port}"
        session.get(f"{base}/login/")
        token = session.cookies["csrftoken"]
        answer = session.post(
            f"{base}/login/",
            data={
                "username": "bench",
                "password": "benchmark-only-password",
                "csrfmiddlewaretoken": token,
            },
            headers={"Referer": base},
        )
        page = session.get(f"{base}/").text
        self.socket_token = re.search(r'data-socket-token="([^"]+)"', page).group(1)
        self.credential = session.get(f"{base}/api/credentials/").json()["credentials"][
            0
        ]["id"]
        answer.raise_for_status()
        return session

    def web_process(self) -> psutil.Process:
        """The one that listens on our port."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        for member in family:
            for connection in member.net_connections("tcp"):
                if connection.status == "LISTEN" and connection.laddr.port == self.port:
                    return member
        raise RuntimeError("no web process")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def _product(streams: int, rate: int, seconds: int) -> dict:
    vendor_port = _port()
    vendor = _helper("vendor", vendor_port, rate, rate * seconds)
    product = Product(vendor_port, streams)
    try:
        web = product.web_process()
        idle = web.memory_full_info().uss
        before = web.cpu_times()
        peaks: list[int] = []
        seen = asyncio.run(_product_clients(streams, product, web, peaks))
        after = web.cpu_times()
    finally:
        product.stop()
        vendor.kill()
    row = _row(
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
        await socket.send(
            json.dumps(
                {
                    "type": "send",
                    "client_message_id": uuid.uuid4().hex,
                    "text": "go",
                    "credential_id": product.credential,
                    "model": "bench",
                }
            )
        )
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "batch":
                for event in frame["events"]:
                    if event["type"] == "text_delta":
                        index = _collect(event["text"], late, index)
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


def _ack(batch: dict) -> str:
    return json.dumps(
        {
            "type": "ack",
            "run_id": batch["run_id"],
            "epoch": batch["epoch"],
            "seq": batch["last"],
        }
    )
