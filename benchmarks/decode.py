"""SSE decoding: microseconds per event, ours against the official SDKs' decoders.

The same synthetic stream, in network-sized pieces, through (1) our SSE decoder, (2) our
whole way to typed events, (3) the SDKs' decoders with plain JSON, and (4) the SDKs'
typed streams. Ratios are to our whole way: above 1 is slower than Maestro.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator

from providers.http.sse import SSEDecoder
from providers.streaming import parse_stream

PIECE = 1400


def _chat(count: int) -> bytes:
    head = '{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    rows = [
        f'data: {head}[{{"index":0,"delta":{{"content":"word {i} "}},"finish_reason":null}}]}}\n\n'
        for i in range(count)
    ]
    rows.append(
        f'data: {head}[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]}}\n\n'
    )
    rows.append("data: [DONE]\n\n")
    return "".join(rows).encode()


def _responses(count: int) -> bytes:
    rows = [
        'event: response.created\ndata: {"type":"response.created","sequence_number":0,'
        '"response":{"id":"r-1","model":"m","status":"in_progress","output":[]}}\n\n'
    ]
    rows += [
        'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
        f'"sequence_number":{i},"item_id":"msg-1","output_index":0,"content_index":0,'
        f'"delta":"word {i} ","logprobs":[]}}\n\n'
        for i in range(1, count + 1)
    ]
    rows.append(
        'event: response.completed\ndata: {"type":"response.completed","sequence_number":0,'
        '"response":{"id":"r-1","model":"m","status":"completed","output":[],"usage":'
        '{"input_tokens":1,"output_tokens":2,"total_tokens":3}}}\n\n'
    )
    return "".join(rows).encode()


def _messages(count: int) -> bytes:
    rows = [
        'event: message_start\ndata: {"type":"message_start","message":{"id":"m-1","type":'
        '"message","role":"assistant","model":"m","content":[],"stop_reason":null,'
        '"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n',
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        '"content_block":{"type":"text","text":""}}\n\n',
    ]
    rows += [
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        f'"delta":{{"type":"text_delta","text":"word {i} "}}}}\n\n'
        for i in range(count)
    ]
    rows += [
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
        '"stop_sequence":null},"usage":{"output_tokens":9}}\n\n',
        'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ]
    return "".join(rows).encode()


def _gemini(count: int) -> bytes:
    rows = [
        'data: {"candidates":[{"content":{"parts":[{"text":"word '
        f'{i} "}}],"role":"model"}},"index":0}}],"usageMetadata":{{"promptTokenCount":4,'
        f'"candidatesTokenCount":{i},"totalTokenCount":{i + 4}}},"modelVersion":"m",'
        '"responseId":"r"}\r\n\r\n'
        for i in range(count)
    ]
    rows.append(
        'data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},'
        '"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,'
        '"candidatesTokenCount":9,"totalTokenCount":13},"modelVersion":"m"}\r\n\r\n'
    )
    return "".join(rows).encode()


STREAMS = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini_generate": _gemini,
}


def _pieces(body: bytes) -> list[bytes]:
    return [body[i : i + PIECE] for i in range(0, len(body), PIECE)]


def _ours_sse(pieces: list[bytes]) -> int:
    decoder = SSEDecoder()
    return sum(len(decoder.feed(piece)) for piece in pieces)


def _openai_sse(pieces: list[bytes]) -> int:
    from openai._streaming import SSEDecoder as Theirs

    count = 0
    for event in Theirs().iter_bytes(iter(pieces)):
        count += 1
        if not event.data.startswith("[DONE]"):
            json.loads(event.data)
    return count


def _anthropic_sse(pieces: list[bytes]) -> int:
    from anthropic._streaming import SSEDecoder as Theirs

    count = 0
    for event in Theirs().iter_bytes(iter(pieces)):
        count += 1
        if not event.data.startswith("[DONE]"):
            json.loads(event.data)
    return count


def _typed_openai(dialect: str) -> Callable[[list[bytes]], int]:
    def read(pieces: list[bytes]) -> int:
        from openai._models import construct_type
        from openai._streaming import SSEDecoder as Theirs
        from openai.types.chat import ChatCompletionChunk
        from openai.types.responses import ResponseStreamEvent

        kind = ChatCompletionChunk if dialect == "openai_chat" else ResponseStreamEvent
        count = 0
        for event in Theirs().iter_bytes(iter(pieces)):
            if not event.data.startswith("[DONE]"):
                construct_type(type_=kind, value=json.loads(event.data))
            count += 1
        return count

    return read


def _typed_anthropic(pieces: list[bytes]) -> int:
    from anthropic._models import construct_type
    from anthropic._streaming import SSEDecoder as Theirs
    from anthropic.types import RawMessageStreamEvent

    count = 0
    for event in Theirs().iter_bytes(iter(pieces)):
        construct_type(type_=RawMessageStreamEvent, value=json.loads(event.data))
        count += 1
    return count


def _readers(dialect: str) -> Iterator[tuple[str, Callable[[list[bytes]], int]]]:
    yield (
        "Maestro: SSE → typed events",
        lambda p: sum(1 for _ in parse_stream(p, dialect)),
    )
    yield "Maestro: SSE only", _ours_sse
    yield "openai SDK: decoder + json", _openai_sse
    yield "anthropic SDK: decoder + json", _anthropic_sse
    if dialect.startswith("openai"):
        yield "openai SDK: typed stream", _typed_openai(dialect)
    if dialect == "anthropic_messages":
        yield "anthropic SDK: typed stream", _typed_anthropic


def _one_large_event() -> list[dict]:
    """Growth: four times the bytes should take four times as long, not sixteen."""

    def seconds(size: int) -> float:
        body = b"data: " + b"x" * size + b"\n\n"
        pieces = [body[at : at + 1024] for at in range(0, len(body), 1024)]
        started = time.perf_counter()
        assert _ours_sse(pieces) == 1
        return time.perf_counter() - started

    small = min(seconds(1_000_000) for _ in range(5))
    large = min(seconds(4_000_000) for _ in range(5))
    name = "one event of 4 MB in 1 KiB pieces (ratio to 1 MB)"
    return [{"dialect": "any", "reader": name, "µs per event": round(large * 1e6),
             "ratio": round(large / small, 2)}]  # fmt: skip


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {dialect, reader, µs per event, ratio to Maestro}; medians of paired runs."""
    count, rounds = (2000, 3) if quick else (8000, 7)
    rows = []
    for dialect, make in STREAMS.items():
        pieces = _pieces(make(count))
        readers = list(_readers(dialect))
        samples: dict[str, list[float]] = {name: [] for name, _ in readers}
        for _ in range(rounds):  # interleaved, so that a slow minute hits all of them
            for name, read in readers:
                started = time.perf_counter()
                assert read(pieces) > count // 2
                samples[name].append((time.perf_counter() - started) / count * 1e6)
        base = statistics.median(samples[readers[0][0]])
        for name, values in samples.items():
            middle = statistics.median(values)
            rows.append(
                {
                    "dialect": dialect,
                    "reader": name,
                    "µs per event": round(middle, 2),
                    "ratio": round(middle / base, 2),
                }
            )
    return rows + _one_large_event()
