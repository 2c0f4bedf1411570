"""How cost grows: with the number of deltas, runs, messages, chunks and credentials.

Each axis is measured at sizes a decade or half a decade apart, in one run. `exponent` is
the slope between the first and the last size on logarithmic axes: 1 is linear, below 1
grows more slowly. The anchor of each row is the axis's smallest size, scaled linearly.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import relay
from benchmarks.decode import PIECE, STREAMS
from benchmarks.inside import run_inside

AXES = {
    "messages": [100, 1000, 10_000, 100_000],
    "chunks": [100, 1000, 10_000],
    "credentials": [100, 1000, 10_000],
}


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {axis, size, seconds, unit, ratio to linear, exponent}."""
    rows = _axis("deltas", "s to decode", _deltas(quick))
    rows += _axis("runs", "CPU s of the web process", _runs(quick))
    for axis, sizes in AXES.items():
        chosen = sizes[:-1] if quick else sizes
        text = ",".join(map(str, chosen))
        found = run_inside("benchmarks.growth", axis, text)
        rows += _axis(axis, found["unit"], [(n, s) for n, s in found["points"]])
    return rows


def _axis(name: str, unit: str, points: list[tuple[int, float]]) -> list[dict]:
    (first, base), (last, end) = points[0], points[-1]
    exponent = math.log(max(end, 1e-9) / max(base, 1e-9)) / math.log(last / first)
    return [
        {
            "axis": name,
            "size": size,
            "cost": round(cost, 5),
            "unit": unit,
            "ratio": round(cost / max(base * size / first, 1e-9), 3),
            "exponent": round(exponent, 2),
        }
        for size, cost in points
    ]


def _deltas(quick: bool) -> list[tuple[int, float]]:
    from providers.streaming import parse_stream

    points = []
    for count in (1000, 10_000) if quick else (1000, 10_000, 100_000, 1_000_000):
        wire = STREAMS["openai_chat"](count)
        pieces = [wire[at : at + PIECE] for at in range(0, len(wire), PIECE)]

        def once(pieces: list[bytes] = pieces) -> None:
            for _ in parse_stream(iter(pieces), "openai_chat"):
                pass

        points.append((count, _median(once, 1 if count > 100_000 else 3)))
    return points


def _runs(quick: bool) -> list[tuple[int, float]]:
    levels = (5, 20) if quick else (10, 50, 100, 200)
    rate, seconds = 20, 5
    points = []
    for level in levels:
        row = relay.product(level, rate, seconds)
        deltas = level * rate * seconds
        points.append((level, row["CPU s/1M"] * deltas / 1e6))
    return points


def work(axis: str, sizes: list[int]) -> dict[str, Any]:
    """What the measured process does: one axis, on a database of its own."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    user = User.objects.create_superuser("root")
    axes = {"messages": _messages, "chunks": _chunks, "credentials": _credentials}
    return axes[axis](user, sizes)


def _messages(user: Any, sizes: list[int]) -> dict[str, Any]:
    from benchmarks.history import conversation
    from sessions_app.runs.context.look import Asker, look

    points = []
    for size in sizes:
        row = conversation(user, size)
        points.append((size, _median(lambda row=row: look(user, row.pk, Asker()))))
    return {"unit": "s to read and compose the next request", "points": points}


def _chunks(user: Any, sizes: list[int]) -> dict[str, Any]:
    from benchmarks.history import TEXT, conversation
    from context_app.models import ContextChunk
    from sessions_app.runs.context.look import Asker, look

    row = conversation(user, 10)
    points, have = [], 0
    for size in sizes:
        ContextChunk.objects.bulk_create(
            ContextChunk(
                conversation=row, owner=user, kind="text", text=TEXT, position=at
            )
            for at in range(have, size)
        )
        have = size
        points.append((size, _median(lambda: look(user, row.pk, Asker()))))
    return {"unit": "s to read and compose the next request", "points": points}


def _credentials(user: Any, sizes: list[int]) -> dict[str, Any]:
    from django.test import Client

    from benchmarks.credentials import fill

    client = Client(headers={"host": "127.0.0.1:8000"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    points = []
    for size in sizes:
        fill(size, 0)

        def once() -> None:
            url = "/admin/sessions_app/savedauthentication/"
            assert client.get(url).status_code == 200

        points.append((size, _median(once)))
    return {"unit": "s for a page of the admin's list", "points": points}


def _median(once: Callable[[], object], times: int = 3) -> float:
    once()
    took = []
    for _ in range(times):
        started = time.monotonic()
        once()
        took.append(time.monotonic() - started)
    return statistics.median(took)


if __name__ == "__main__":
    _, _, chosen_axis, chosen_sizes = sys.argv
    print(json.dumps(work(chosen_axis, [int(n) for n in chosen_sizes.split(",")])))
