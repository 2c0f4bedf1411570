"""Maestro beside a raw pass-through, node with ws, and the LiteLLM proxy, under one load.

The peers are installed from the package registries into `build/peers/`, once. All of them
stand before the same mock vendor; each is measured alone, one after the other. A peer
that cannot be installed here is named with the reason. CPU is that of the relay's whole
process family; TTFT is the time to the first delta at the client.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import websockets

from benchmarks import relay
from benchmarks.installation import ROOT, answers, free_port

HOME = ROOT / "build" / "peers"

_NODE = """
import http from "node:http";
import { WebSocketServer } from "ws";
const [port, vendor] = process.argv.slice(2).map(Number);
new WebSocketServer({ port, host: "127.0.0.1" }, () => console.log("ready")).on(
  "connection", (socket) => socket.once("message", (body) => {
    const asked = http.request({ port: vendor, method: "POST", path: "/v1/chat/completions",
      headers: { "Content-Length": body.length } }, (answer) => {
      let rest = "";
      answer.setEncoding("utf8");
      answer.on("data", (text) => {
        const lines = (rest + text).split("\\n\\n");
        rest = lines.pop();
        for (const line of lines) {
          if (line === "data: [DONE]") continue;
          const found = JSON.parse(line.slice(6)).choices[0].delta.content;
          socket.send(JSON.stringify({ type: "text_delta", text: found }));
        }
      });
      answer.on("end", () => socket.close());
    });
    asked.end(body);
  }));
"""

_LITELLM = """
model_list:
  - model_name: bench
    litellm_params: {{model: openai/bench, api_base: "http://127.0.0.1:{vendor}/v1", api_key: bench-key}}
"""


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {relay, deltas/s, CPU s/1M, ratio, TTFT and latency ms, idle MB, start s}."""
    streams, rate, seconds = (5, 20, 3) if quick else (20, 50, 10)
    peers = {"node + ws": _node, "LiteLLM proxy": _litellm}
    rows = [relay.raw(streams, rate, seconds), relay.product(streams, rate, seconds)]
    for name, start in peers.items():
        try:
            rows.append(_peer(name, start, streams, rate, seconds))
        except (OSError, subprocess.CalledProcessError, RuntimeError) as exc:
            rows.append({"relay": name, "not measured": str(exc)[-200:]})
    floor = rows[0]["CPU s/1M"]
    for row in rows:
        if "CPU s/1M" in row:
            row["ratio"] = round(row["CPU s/1M"] / max(floor, 1e-9), 2)
    return rows


def _peer(name: str, start, streams: int, rate: int, seconds: int) -> dict:
    vendor_port = free_port()
    vendor = relay.helper("vendor", vendor_port, rate, rate * seconds)
    try:
        began = time.monotonic()
        with start(vendor_port) as (process, client):
            took_s = time.monotonic() - began
            idle = _memory(process)
            before = _cpu(process)
            seen = asyncio.run(_all(client, streams))
            cpu = _cpu(process) - before
    finally:
        vendor.kill()
    row = relay.row_of(name, streams, rate, seen, streams * rate * seconds, cpu)
    firsts = [one.late[0] for one in seen if one.late]
    row["first delta p50 ms"] = round(statistics.median(firsts) * 1000, 1)
    return {**row, "idle MB": round(idle / 1e6), "start s": round(took_s, 1)}


async def _all(client, streams: int) -> list:
    return await asyncio.gather(*(client() for _ in range(streams)))


@contextmanager
def _node(vendor_port: int) -> Iterator[tuple[psutil.Process, object]]:
    folder = HOME / "node"
    if not (folder / "node_modules" / "ws").exists():
        folder.mkdir(parents=True, exist_ok=True)
        npm = _tool("npm")
        subprocess.run([npm, "install", "--silent", "ws"], cwd=folder, check=True)
    (folder / "relay.mjs").write_text(_NODE)
    port = free_port()
    with _running(
        [_tool("node"), "relay.mjs", str(port), str(vendor_port)], folder, port
    ) as found:

        async def client() -> relay.Arrivals:
            seen = relay.Arrivals()
            async with websockets.connect(f"ws://127.0.0.1:{port}/") as socket:
                await socket.send("{}")
                async for text in socket:
                    seen.take(json.loads(text)["text"])
            return seen

        yield found, client


@contextmanager
def _litellm(vendor_port: int) -> Iterator[tuple[psutil.Process, object]]:
    folder = HOME / "litellm"
    program = folder / "bin" / "litellm"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "litellm[proxy]"]
        subprocess.run(pip, check=True, capture_output=True)
    (folder / "config.yaml").write_text(_LITELLM.format(vendor=vendor_port))
    port = free_port()
    command = [str(program), "--config", "config.yaml", "--host", "127.0.0.1"]
    with _running([*command, "--port", str(port)], folder, port) as found:

        async def client() -> relay.Arrivals:
            seen = relay.Arrivals()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            body = b'{"model":"bench","stream":true,"messages":[{"role":"user","content":"go"}]}'
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            async for line in reader:
                seen.take(line.decode())
            writer.close()
            return seen

        yield found, client


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[psutil.Process]:
    """The peer, from the moment its port answers."""
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        for _ in range(1800):
            if process.poll() is not None:
                raise RuntimeError((folder / "log").read_text()[-300:])
            if answers(port):
                break
            time.sleep(0.05)
        yield psutil.Process(process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait(10)


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    times = [member.cpu_times() for member in _family(process)]
    return sum(one.user + one.system for one in times)


def _memory(process: psutil.Process) -> int:
    return sum(member.memory_full_info().pss for member in _family(process))


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed here")
    return found
