"""A mock vendor and a raw pass-through: the floor that the relay is measured against.

`python -m benchmarks.vendor vendor PORT RATE COUNT` streams Chat Completions SSE, one delta
per write, each with the clock (CLOCK_MONOTONIC is one for all processes of a machine).
`python -m benchmarks.vendor raw PORT VENDOR_PORT` copies bytes, nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
)
_CHUNK = 'data: {{"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{{"index":0,"delta":{{"content":"{}"}},"finish_reason":{}}}]}}\n\n'


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            head += await reader.readexactly(int(line.split(b":")[1]))
    return head


def vendor(rate: float, count: int):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await _request(reader)
            if request.startswith(b"GET"):
                body = b'{"object":"list","data":[{"id":"bench","object":"model"}]}'
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(body), body)
                )
            else:
                await _stream(writer, rate, count)
            await writer.drain()
        writer.close()

    return serve


async def _stream(writer: asyncio.StreamWriter, rate: float, count: int) -> None:
    writer.write(_HEAD)
    due = time.monotonic()
    for i in range(count):
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        writer.write(_CHUNK.format(f"{i}@{time.monotonic_ns()} ", "null").encode())
        await writer.drain()
    writer.write(_CHUNK.format("", '"stop"').encode() + b"data: [DONE]\n\n")


def raw(vendor_port: int):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await _request(reader)
            up, down = await asyncio.open_connection("127.0.0.1", vendor_port)
            down.write(request)
            while data := await up.read(65536):
                writer.write(data)
                await writer.drain()
            down.close()
        writer.close()

    return serve


async def main() -> None:
    kind, port, *rest = sys.argv[1:]
    handler = (
        vendor(float(rest[0]), int(rest[1])) if kind == "vendor" else raw(int(rest[0]))
    )
    server = await asyncio.start_server(handler, "127.0.0.1", int(port), backlog=2000)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
